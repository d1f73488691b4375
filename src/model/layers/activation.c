/* An activation as a layer of its own; the layer before it does it if it can (hg_plan_join_activation). */
#include <stdio.h>
#include "model/plan.h"

typedef struct activation_options { hg_choice function; } activation_options;
static const hg_option table[] = {
    {"function", "which", offsetof(activation_options, function), HG_OPTION_CHOICE, .kinds = hg_activations, .fallback_kind = "relu"},
    {0},
};

static hg_choice function(const hg_node *node)
{
    return ((const activation_options *)node->options)->function;
}

static bool from_output(const hg_node *node)
{
    return ((const hg_activation *)function(node).type)->from_output;
}

static bool build(hg_graph *graph, hg_node *node)
{
    if (!hg_node_output(graph, node, hg_node_input(graph, node, 0)->shape)) return false;
    if (from_output(node)) graph->tensors[node->out[0]]->act = function(node);
    return true;
}

static size_t count(const hg_plan *plan, const hg_node *node)
{
    return hg_mul(hg_shape_count(hg_plan_tensor(plan, node->in[0])->shape), (size_t)hg_plan_batch(plan));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    if (hg_plan_join_activation(plan, node)) return;
    size_t n = count(plan, node);
    hg_launch *launch = hg_emit(plan, node, "forward", "activation", "forward");
    if (from_output(node)) {
        hg_emit_act(plan, launch, node->out[0]);
    } else {
        char name[64];
        snprintf(name, sizeof name, "ACT_%s", function(node).type->name);
        hg_emit_define_text(plan, launch, "ACT", name);
    }
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, (double)n, 8.0 * (double)n);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    size_t n = count(plan, node);
    if (!hg_plan_wants_grad(plan, node->in[0]) || hg_plan_join_activation(plan, node)) return;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "activation", "backward");
    if (!from_output(node)) {
        char name[64];
        snprintf(name, sizeof name, "ACT_GRAD_%s", function(node).type->name);
        hg_emit_define_text(plan, launch, "SELF", name);
    }
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, from_output(node) ? -1 : hg_plan_value(plan, node->in[0]));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, (double)n, (from_output(node) ? 8.0 : 12.0) * (double)n);
}

const hg_layer hg_layer_activation = {
    {"activation", "an activation as a layer of its own", table, sizeof(activation_options)}, build, forward, backward, HG_HALVES_EACH};
