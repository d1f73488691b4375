#include "model/conv_reduce.h"

#include <stdio.h>

/* What is left out has the macro of what is not, so that the two share a kernel. */
static void emit_output(hg_plan *plan, hg_launch *launch, const hg_node *node, int k, size_t count, const char *prefix)
{
    if (count) {
        hg_emit_dw(plan, launch, node, k, prefix);
        return;
    }
    char add[8];
    snprintf(add, sizeof add, "%s_ADD", prefix);
    hg_emit_read(plan, launch, -1);
    hg_emit_define(plan, launch, add, 0);
}

void hg_conv_emit_reduce(hg_plan *plan, const hg_node *node, const hg_conv *conv, int splits, hg_block partials, size_t weights, hg_block bias_partials,
                         size_t biases)
{
    const bool enlarged = weights && conv->enlarged;
    const size_t terms = enlarged ? (size_t)conv->sh * (size_t)conv->sw : 1, count = weights + biases;
    if (enlarged) weights = (size_t)(conv->kh - conv->sh + 1) * (size_t)(conv->kw - conv->sw + 1) * (size_t)conv->cl * (size_t)conv->cs;
    const size_t items = (weights + 15) / 16 + (biases + 15) / 16;
    hg_launch *launch = hg_emit(plan, node, weights ? "weight gradient sum" : "bias gradient sum", "conv_reduce", "reduce");
    hg_emit_read(plan, launch, partials);
    hg_emit_read(plan, launch, bias_partials);
    hg_emit_int(plan, launch, splits);
    hg_emit_int(plan, launch, (int64_t)weights);
    hg_emit_int(plan, launch, (int64_t)biases);
    emit_output(plan, launch, node, 0, weights, "DW");
    emit_output(plan, launch, node, 1, biases, "DB");
    hg_emit_int(plan, launch, enlarged ? (int64_t)conv->cl * conv->cs : 0);
    if (enlarged) hg_conv_define_taps(plan, launch, conv);
    hg_emit_rows(plan, launch, items, 16 * (size_t)splits * terms);
    hg_emit_cost(plan, launch, (double)count * splits, 4.0 * (double)count * (splits + 1));
}
