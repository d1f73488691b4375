/* The second pass of weight gradients: partial sums of the splits, added in order. */
#ifndef HG_MODEL_CONV_REDUCE_H
#define HG_MODEL_CONV_REDUCE_H

#include "model/plan.h"

/* The gradient of parameter 0 [weights] = sum over s of partials [splits][weights], in order, and so that of parameter 1 [biases];
 * added to what is there if another node wrote it before. 0 numbers and block -1: that one is left out. */
void hg_conv_emit_reduce(hg_plan *plan, const hg_node *node, int splits, hg_block partials, size_t weights, hg_block bias_partials,
                         size_t biases);

#endif
