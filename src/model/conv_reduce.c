#include "model/conv_reduce.h"

void hg_conv_emit_reduce(hg_plan *plan, const hg_node *node, hg_block partials, int splits, size_t count, int k)
{
    hg_launch *launch = hg_emit(plan, node, k == 0 ? "weight gradient sum" : "bias gradient sum", "conv_reduce", "reduce");
    hg_emit_read(plan, launch, partials);
    hg_emit_int(plan, launch, splits);
    hg_emit_int(plan, launch, (int64_t)count);
    hg_emit_dw(plan, launch, node, k, NULL);
    hg_emit_rows(plan, launch, (count + 15) / 16, 16 * (size_t)splits);
    hg_emit_cost(plan, launch, (double)count * splits, 4.0 * (double)count * (splits + 1));
}
