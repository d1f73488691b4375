/* The second pass of weight gradients: partial sums of the splits, added in order. */
#ifndef HG_MODEL_CONV_REDUCE_H
#define HG_MODEL_CONV_REDUCE_H

#include "model/plan.h"

/* gradient of parameter k [count] = sum over s of partials [splits][count], in order; added to what is there if another node
 * wrote it before. */
void hg_conv_emit_reduce(hg_plan *plan, const hg_node *node, hg_block partials, int splits, size_t count, int k);

#endif
