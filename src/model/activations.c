/* The activations: their names and their one number. The formulas are in cl/common.cl. */
#include "model/graph.h"

typedef struct one_number { double p; } one_number;

static const hg_option slope_table[] = {{"slope", "factor of negative inputs", offsetof(one_number, p), HG_OPTION_FLOAT, 0.2, 0, 1}, {0}};
static const hg_option alpha_table[] = {{"alpha", "large negative inputs approach -alpha", offsetof(one_number, p), HG_OPTION_FLOAT, 1, 0, 1e6}, {0}};

static const hg_activation activations[] = {
    {{"linear", "x", NULL, 0}, true},
    {{"relu", "max(x, 0)", NULL, 0}, true},
    {{"leaky_relu", "x where x > 0, else slope x", slope_table, sizeof(one_number)}, true},
    {{"elu", "x where x > 0, else alpha (exp(x) - 1)", alpha_table, sizeof(one_number)}, true},
    {{"selu", "scaled elu with the constants of Klambauer et al. 2017", NULL, 0}, true},
    {{"gelu", "x Phi(x), the exact form", NULL, 0}, false},
    {{"silu", "x sigmoid(x)", NULL, 0}, false},
    {{"tanh", "tanh(x)", NULL, 0}, true},
    {{"sigmoid", "1 / (1 + exp(-x))", NULL, 0}, true},
    {{"softplus", "log(1 + exp(x))", NULL, 0}, true},
};

const hg_descriptor *const hg_activations[] = {
    &activations[0].head, &activations[1].head, &activations[2].head, &activations[3].head, &activations[4].head,
    &activations[5].head, &activations[6].head, &activations[7].head, &activations[8].head, &activations[9].head, NULL};

double hg_activation_parameter(hg_choice act)
{
    return act.type && act.type->size ? ((const one_number *)act.options)->p : 0;
}
