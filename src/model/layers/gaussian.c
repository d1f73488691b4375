/* The Gaussian latent. The graph puts the dense heads latent.mean and latent.logvar in front of it. */
#include "base/rng.h"
#include "model/initializer.h"
#include "model/ranges.h"

typedef struct gaussian_options { int units; double beta, epsilon_std; int form; hg_choice initializer; } gaussian_options;

static const char *const forms[] = {"logvar", "logsigma_kl_logvar", "sigma", NULL};
static const hg_option table[] = {
    {"units", "numbers in the code", offsetof(gaussian_options, units), HG_OPTION_INT, __builtin_nan(""), 1, 1 << 20},
    {"beta", "factor of the KL divergence in the loss", offsetof(gaussian_options, beta), HG_OPTION_FLOAT, 1, 0, 1e9},
    {"epsilon_std", "standard deviation of the noise; 0 makes the pass deterministic",
     offsetof(gaussian_options, epsilon_std), HG_OPTION_FLOAT, 1, 0, 1e6},
    {"form", "what the second head gives: log-variance; log-sigma with the KL of a log-variance (as several tutorials); sigma itself",
     offsetof(gaussian_options, form), HG_OPTION_NAME, 0, .names = forms},
    HG_OPTION_INITIALIZER(gaussian_options),
    {0},
};

static bool build(hg_graph *graph, hg_node *node)
{
    return hg_node_output(graph, node, hg_node_input(graph, node, 0)->shape);
}

static size_t count(const hg_plan *plan, const hg_node *node)
{
    return hg_mul(hg_shape_count(hg_plan_tensor(plan, node->out[0])->shape), (size_t)hg_plan_batch(plan));
}

static void define(hg_plan *plan, hg_launch *launch, const hg_node *node)
{
    const gaussian_options *o = node->options;
    hg_emit_define(plan, launch, "FORM", o->form);
    hg_emit_define(plan, launch, "NOISE", o->epsilon_std > 0);
    hg_emit_define(plan, launch, "STREAM", hg_plan_stream(plan, HG_STREAM_NODE + (uint32_t)node->index));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const gaussian_options *o = node->options;
    size_t n = count(plan, node);
    hg_block partials = hg_plan_scratch(plan, hg_sums_count(plan, n) * sizeof(float));
    hg_launch *launch = hg_emit(plan, node, "forward", "gaussian", "forward");
    define(plan, launch, node);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[1]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_write(plan, launch, partials);
    hg_emit_read(plan, launch, hg_plan_step(plan));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, o->epsilon_std);
    hg_emit_sums(plan, launch, n);
    hg_emit_cost(plan, launch, 100.0 * (double)n, 12.0 * (double)n);
    if (hg_plan_has_penalties(plan))
        hg_emit_metric(plan, HG_METRIC_KL, partials, hg_sums_count(plan, n), 1.0 / hg_plan_batch(plan), o->beta);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    const gaussian_options *o = node->options;
    size_t n = count(plan, node);
    double scale = hg_plan_has_penalties(plan) ? o->beta / hg_plan_batch(plan) : 0;
    hg_launch *launch = hg_emit(plan, node, "gradients", "gaussian", "backward");
    define(plan, launch, node);
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[1]));
    hg_emit_read(plan, launch, hg_plan_step(plan));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, scale);
    hg_emit_float(plan, launch, o->epsilon_std);
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_dx_as(plan, launch, node->in[1], "DS");
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 100.0 * (double)n, 20.0 * (double)n);
}

const hg_layer hg_layer_gaussian = {
    {"gaussian", "a normal distribution per code unit, kept near N(0, 1)", table, sizeof(gaussian_options)}, build, forward, backward};
