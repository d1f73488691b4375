/* The loss of a discriminator D and of what deceives it (Makhzani et al., "Adversarial autoencoders", 2016):
 *   -mean ln(D(real) + epsilon) - mean ln(1 - D(fake) + epsilon), each where it is given.
 * With both it teaches the discriminator; with the code as `real` alone, the encoder. */
#include "model/loss.h"
#include "model/ranges.h"

typedef struct adversarial_options { int real, fake; double epsilon, weight; } adversarial_options;

static const char *const judged[] = {"none", "code", "prior", NULL}; /* from 1 on as hg_judged */
static const hg_option table[] = {
    {"real", "what the discriminator has to take for real", offsetof(adversarial_options, real), HG_OPTION_NAME, 0, .names = judged},
    {"fake", "what it has to take for a fake", offsetof(adversarial_options, fake), HG_OPTION_NAME, 0, .names = judged},
    {"epsilon", "keeps the logarithms finite", offsetof(adversarial_options, epsilon), HG_OPTION_FLOAT, 1e-9, 1e-30, 0.1},
    {"weight", "factor of the loss", offsetof(adversarial_options, weight), HG_OPTION_FLOAT, 1, 0, 1e9},
    {0},
};

/* One of the two terms; the discriminator's own loss has a fake, or only the prior. */
static void emit_term(hg_plan *plan, const hg_node *node, const adversarial_options *o, int tensor, bool real)
{
    const hg_metric part = o->fake || o->real == 1 + HG_JUDGED_PRIOR ? HG_METRIC_DISCRIMINATOR : HG_METRIC_GENERATOR;
    const size_t n = hg_mul(hg_shape_count(hg_plan_tensor(plan, tensor)->shape), (size_t)hg_plan_batch(plan));
    const bool gradient = hg_plan_wants_grad(plan, tensor);
    hg_block partials = hg_plan_scratch(plan, hg_sums_count(plan, n) * sizeof(float));
    hg_launch *launch = hg_emit(plan, node, real ? "real" : "fake", "adversarial", "loss");
    hg_emit_define(plan, launch, "REAL", real);
    hg_emit_define(plan, launch, "GRADIENT", gradient);
    hg_emit_read(plan, launch, hg_plan_value(plan, tensor));
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, o->weight / (double)n);
    hg_emit_float(plan, launch, o->epsilon);
    if (gradient) hg_emit_dx(plan, launch, tensor);
    hg_emit_sums(plan, launch, n);
    hg_emit_cost(plan, launch, 20.0 * (double)n, (double)n * (gradient ? 8 : 4));
    hg_emit_metric(plan, part, partials, hg_sums_count(plan, n), 1.0 / (double)n, o->weight);
}

static void emit(hg_plan *plan, const hg_node *node, const void *options, bool from_logits)
{
    const adversarial_options *o = options;
    (void)from_logits; /* always */
    if (o->real) emit_term(plan, node, o, node->in[0], true);
    if (o->fake) emit_term(plan, node, o, node->in[node->n_in - 1], false);
}

const hg_loss hg_loss_adversarial = {
    {"adversarial", "how well a discriminator tells codes from the prior, or is deceived", table, sizeof(adversarial_options)}, "sigmoid", true, emit};
