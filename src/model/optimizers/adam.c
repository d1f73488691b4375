/* Adam (Kingma, Ba: "Adam: a method for stochastic optimization", 2015). m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, then
 *   pytorch: w -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
 *   keras:   w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)     ("epsilon hat")
 * Both are w -= a m / (b sqrt(v) + epsilon) with a and b computed per step. */
#include <math.h>
#include "model/loss.h"

typedef struct adam_options { hg_optimizer_common common; double beta1, beta2, epsilon; int form; } adam_options;

static const char *const forms[] = {"pytorch", "keras", NULL};
static const hg_option table[] = {
    HG_OPTIMIZER_COMMON(0.001),
    {"beta1", "decay of the gradient's mean", offsetof(adam_options, beta1), HG_OPTION_FLOAT, 0.9, 0, 1},
    {"beta2", "decay of the squared gradient's mean", offsetof(adam_options, beta2), HG_OPTION_FLOAT, 0.999, 0, 1},
    {"epsilon", "keeps the denominator from 0 (Keras's own is 1e-7)", offsetof(adam_options, epsilon), HG_OPTION_FLOAT, 1e-8, 0, 1},
    {"epsilon_form", "where epsilon is added: after the bias correction of the root (pytorch) or before (keras)", offsetof(adam_options, form), HG_OPTION_NAME, 0, .names = forms},
    {0},
};

static void hyper(const void *options, int64_t step, double lr, float h[8])
{
    const adam_options *o = options;
    double c1 = 1 - pow(o->beta1, (double)step), c2 = sqrt(1 - pow(o->beta2, (double)step));
    h[0] = (float)o->beta1;
    h[1] = (float)o->beta2;
    h[2] = (float)o->epsilon;
    h[3] = (float)(o->form == 0 ? lr / c1 : lr * c2 / c1);
    h[4] = (float)(o->form == 0 ? 1 / c2 : 1);
    h[5] = (float)(1 - o->beta1);
    h[6] = (float)(1 - o->beta2);
}

const hg_optimizer hg_optimizer_adam = {{"adam", "Adam", table, sizeof(adam_options)}, 2, {"exp_avg", "exp_avg_sq"}, hyper};
