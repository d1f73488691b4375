/* A convolution and the max pooling behind it, computed as one: what the pooling would read is made in registers and never stored, and
 * its gradient, zero but for the windows' winners, neither. The pooled tensor stands for both: the convolution's output is an alias of it,
 * and its gradient is the one before the convolution's activation. */
#ifndef HG_MODEL_CONV_POOLED_H
#define HG_MODEL_CONV_POOLED_H

#include "model/conv.h"

/* The pooling that is computed with the node, a conv2d; kh 0: none is. That is so where windows do not overlap, nobody else sees what is
 * pooled, and all three operations have variants for it (hg_can_operate). The forward pass is to note the winners if anything before the
 * pooling trains. To be asked by the layers on both sides. */
hg_conv_pool hg_conv_pooled(hg_plan *plan, const hg_node *node);

#endif
