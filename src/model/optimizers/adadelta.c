/* Adadelta (Zeiler, 2012), as PyTorch: s = rho s + (1 - rho) g^2; u = g sqrt(d + epsilon) / sqrt(s + epsilon);
 * d = rho d + (1 - rho) u^2; w -= lr u. */
#include "model/loss.h"

typedef struct adadelta_options { hg_optimizer_common common; double rho, epsilon; } adadelta_options;

static const hg_option table[] = {
    HG_OPTIMIZER_COMMON(1.0),
    {"rho", "decay of both means (Keras's own is 0.95)", offsetof(adadelta_options, rho), HG_OPTION_FLOAT, 0.9, 0, 1},
    {"epsilon", "keeps the roots from 0 (Keras's own is 1e-7)", offsetof(adadelta_options, epsilon), HG_OPTION_FLOAT, 1e-6, 0, 1},
    {0},
};

static void hyper(const void *options, int64_t step, double lr, float h[8])
{
    const adadelta_options *o = options;
    (void)step;
    h[0] = (float)lr;
    h[1] = (float)o->rho;
    h[2] = (float)o->epsilon;
    h[3] = (float)(1 - o->rho);
}

const hg_optimizer hg_optimizer_adadelta = {{"adadelta", "Adadelta", table, sizeof(adadelta_options)}, 2, {"square_avg", "acc_delta"}, hyper};
