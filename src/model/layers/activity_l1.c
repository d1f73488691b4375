/* The penalty that the option activity_l1 of a layer stands for: weight times the sum of |y| over an example's numbers, mean over
 * the batch. A node without output. */
#include "model/ranges.h"

typedef struct l1_options { double weight; } l1_options;
static const hg_option table[] = {
    {"weight", "factor of the sum of absolute activities", offsetof(l1_options, weight), HG_OPTION_FLOAT, 1e-4, 0, 1e6},
    {0},
};

static size_t count(const hg_plan *plan, const hg_node *node)
{
    return hg_mul(hg_shape_count(hg_plan_tensor(plan, node->in[0])->shape), (size_t)hg_plan_batch(plan));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    size_t n = count(plan, node);
    hg_block partials = hg_plan_scratch(plan, hg_sums_count(plan, n) * sizeof(float));
    hg_launch *launch = hg_emit(plan, node, "forward", "activity_l1", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_sums(plan, launch, n);
    hg_emit_cost(plan, launch, 2.0 * (double)n, 4.0 * (double)n);
    double weight = ((const l1_options *)node->options)->weight;
    hg_emit_metric(plan, HG_METRIC_PENALTY, partials, hg_sums_count(plan, n), weight / hg_plan_batch(plan), 1);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    size_t n = count(plan, node);
    hg_launch *launch = hg_emit(plan, node, "gradient", "activity_l1", "backward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, ((const l1_options *)node->options)->weight / hg_plan_batch(plan));
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, (double)n, 8.0 * (double)n);
}

const hg_layer hg_layer_activity_l1 = {
    {"activity_l1", "penalty on absolute activities", table, sizeof(l1_options)}, NULL, forward, backward, HG_HALVES_EACH};
