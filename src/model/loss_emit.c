#include "model/loss_emit.h"

const char *const hg_loss_reductions[] = {"mean", "sum", NULL};

static bool has_wide_vectors(const hg_plan *plan)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    return limits->type == HG_DEVICE_CPU && limits->vector_width >= 4;
}

/* On a CPU a work-item has a few microseconds of work; elsewhere there are enough to fill the device, and few enough for the one
 * work-item that sums them up. */
size_t hg_partials(const hg_plan *plan, size_t n)
{
    size_t each = has_wide_vectors(plan) ? 4096 : 64, most = has_wide_vectors(plan) ? 64 : 1024, count = n / each;
    return count < 1 ? 1 : count > most ? most : count;
}

void hg_emit_partials(hg_plan *plan, hg_launch *launch, size_t n)
{
    if (has_wide_vectors(plan)) hg_emit_define(plan, launch, "HG_SPAN", 1);
    hg_emit_range(plan, launch, hg_partials(plan, n), 1, 1, has_wide_vectors(plan) ? 1 : 0, 1, 1);
}

void hg_loss_emit(hg_plan *plan, const hg_node *node, const hg_loss_options *options, const char *file, bool logits, double flops)
{
    size_t n = hg_mul(hg_shape_count(hg_plan_tensor(plan, node->in[0])->shape), (size_t)hg_plan_batch(plan));
    double scale = options->weight / (options->reduction == 0 ? (double)n : (double)hg_plan_batch(plan));
    bool gradient = hg_plan_wants_grad(plan, node->in[0]);
    hg_block partials = hg_plan_scratch(plan, hg_partials(plan, n) * sizeof(float));
    hg_launch *launch = hg_emit(plan, node, "loss", file, "loss");
    hg_emit_define(plan, launch, "LOGITS", logits);
    hg_emit_define(plan, launch, "GRADIENT", gradient);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[1]));
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, scale);
    if (gradient) hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_partials(plan, launch, n);
    hg_emit_cost(plan, launch, flops * (double)n, (double)n * (gradient ? 12 : 8));
    hg_emit_metric(plan, node, HG_METRIC_RECONSTRUCTION, partials, hg_partials(plan, n), scale, 1);
}
