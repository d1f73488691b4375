/* RMSprop (Hinton, lecture 6e, 2012). v = rho v + (1 - rho) g^2, then
 *   pytorch: w -= lr g / (sqrt(v) + epsilon)
 *   keras:   w -= lr g / sqrt(v + epsilon) */
#include "model/loss.h"

typedef struct rmsprop_options { hg_optimizer_common common; double rho, epsilon; int form; } rmsprop_options;

static const char *const forms[] = {"pytorch", "keras", NULL};
static const hg_option table[] = {
    HG_OPTIMIZER_COMMON(0.001),
    {"rho", "decay of the squared gradient's mean (PyTorch's alpha 0.99; Keras's own is 0.9)", offsetof(rmsprop_options, rho), HG_OPTION_FLOAT, 0.99, 0, 1},
    {"epsilon", "keeps the denominator from 0 (Keras's own is 1e-7)", offsetof(rmsprop_options, epsilon), HG_OPTION_FLOAT, 1e-8, 0, 1},
    {"epsilon_form", "where epsilon is added: outside the root (pytorch) or inside (keras)", offsetof(rmsprop_options, form), HG_OPTION_NAME, 0, .names = forms},
    {0},
};

static void hyper(const void *options, int64_t step, double lr, float h[8])
{
    const rmsprop_options *o = options;
    (void)step;
    h[0] = (float)lr;
    h[1] = (float)o->rho;
    h[2] = (float)(1 - o->rho);
    h[3] = (float)(o->form == 0 ? o->epsilon : 0); /* outside */
    h[4] = (float)(o->form == 1 ? o->epsilon : 0); /* inside */
}

const hg_optimizer hg_optimizer_rmsprop = {{"rmsprop", "RMSprop", table, sizeof(rmsprop_options)}, 1, {"square_avg", NULL}, hyper};
