/* Stochastic gradient descent with momentum, as PyTorch: v = momentum v + g; w -= lr v (Nesterov: w -= lr (g + momentum v)). */
#include "model/loss.h"

typedef struct sgd_options { hg_optimizer_common common; double momentum; bool nesterov; } sgd_options;

static const hg_option table[] = {
    HG_OPTIMIZER_COMMON(0.01),
    {"momentum", "share of the last update that goes on", offsetof(sgd_options, momentum), HG_OPTION_FLOAT, 0, 0, 1},
    {"nesterov", "look ahead along the momentum", offsetof(sgd_options, nesterov), HG_OPTION_BOOL, 0, 0, 1},
    {0},
};

static void hyper(const void *options, int64_t step, double lr, float h[8])
{
    const sgd_options *o = options;
    (void)step;
    h[0] = (float)lr;
    h[1] = (float)o->momentum;
    h[2] = o->nesterov;
}

const hg_optimizer hg_optimizer_sgd = {{"sgd", "gradient descent with momentum", table, sizeof(sgd_options)}, 1, {"momentum_buffer", NULL}, hyper};
