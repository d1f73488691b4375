/* Dropout (Srivastava et al. 2014), the inverted form: nothing to do outside training. */
#include "base/rng.h"
#include "model/plan.h"

typedef struct dropout_options { double rate; } dropout_options;
static const hg_option table[] = {
    {"rate", "share of numbers set to 0", offsetof(dropout_options, rate), HG_OPTION_FLOAT, 0.5, 0, 0.999},
    {0},
};

static bool build(hg_graph *graph, hg_node *node)
{
    return hg_node_output(graph, node, hg_node_input(graph, node, 0)->shape);
}

static double rate(const hg_node *node)
{
    return ((const dropout_options *)node->options)->rate;
}

static bool idle(const hg_plan *plan, const hg_node *node)
{
    return !hg_plan_is_training(plan) || rate(node) == 0;
}

static void emit(hg_plan *plan, const hg_node *node, hg_launch *launch, size_t n)
{
    hg_emit_read(plan, launch, hg_plan_step(plan));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, rate(node));
    hg_emit_float(plan, launch, 1 / (1 - rate(node)));
    hg_emit_define(plan, launch, "STREAM", hg_plan_stream(plan, HG_STREAM_NODE + (uint32_t)node->index));
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 60.0 * (double)n, 8.0 * (double)n);
}

static size_t count(const hg_plan *plan, const hg_node *node)
{
    return hg_mul(hg_shape_count(hg_plan_tensor(plan, node->out[0])->shape), (size_t)hg_plan_batch(plan));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    if (idle(plan, node)) {
        hg_plan_alias(plan, node->out[0], node->in[0]);
        return;
    }
    hg_launch *launch = hg_emit(plan, node, "forward", "dropout", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    emit(plan, node, launch, count(plan, node));
}

static void backward(hg_plan *plan, const hg_node *node)
{
    if (idle(plan, node) || !hg_plan_wants_grad(plan, node->in[0])) return;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "dropout", "backward");
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    emit(plan, node, launch, count(plan, node));
    hg_emit_dx(plan, launch, node->in[0]);
}

const hg_layer hg_layer_dropout = {
    {"dropout", "sets a random share of numbers to 0 while training", table, sizeof(dropout_options)},
    build, forward, backward, HG_HALVES_SAME};
