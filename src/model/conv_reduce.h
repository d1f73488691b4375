/* The second pass of weight gradients: partial sums of the splits, added in order. */
#ifndef HG_MODEL_CONV_REDUCE_H
#define HG_MODEL_CONV_REDUCE_H

#include "model/conv.h"

/* The gradient of parameter 0 [weights] = sum over s of partials [splits][weights], in order, and so that of parameter 1 [biases];
 * added to what is there if another node wrote it before. 0 numbers and block -1: that one is left out. Where `conv` is enlarged,
 * `weights` are those that were summed, and the parameter's gradient gathers from theirs; without weights it is not looked at. */
void hg_conv_emit_reduce(hg_plan *plan, const hg_node *node, const hg_conv *conv, int splits, hg_block partials, size_t weights, hg_block bias_partials,
                         size_t biases);

#endif
