#include "model/loss_emit.h"
#include "model/ranges.h"

const char *const hg_loss_reductions[] = {"mean", "sum", NULL};

void hg_loss_emit(hg_plan *plan, const hg_node *node, const hg_loss_options *options, const char *file, bool logits, double flops)
{
    size_t n = hg_mul(hg_shape_count(hg_plan_tensor(plan, node->in[0])->shape), (size_t)hg_plan_batch(plan));
    double scale = options->weight / (options->reduction == 0 ? (double)n : (double)hg_plan_batch(plan));
    bool gradient = hg_plan_wants_grad(plan, node->in[0]);
    hg_block partials = hg_plan_scratch(plan, hg_sums_count(plan, n) * sizeof(float));
    hg_launch *launch = hg_emit(plan, node, "loss", file, "loss");
    hg_emit_define(plan, launch, "LOGITS", logits);
    hg_emit_define(plan, launch, "GRADIENT", gradient);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[1]));
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, scale);
    if (gradient) hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_sums(plan, launch, n);
    hg_emit_cost(plan, launch, flops * (double)n, (double)n * (gradient ? 12 : 8));
    hg_emit_metric(plan, HG_METRIC_RECONSTRUCTION, partials, hg_sums_count(plan, n), scale, 1);
}
