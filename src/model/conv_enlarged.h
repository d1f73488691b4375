/* A nearest enlargement and the convolution behind it, computed as one. With KxK taps and a factor U, a pixel of the convolution meets the same
 * pixel of what is enlarged at several taps: their weights are summed first, and what is left is a transposed convolution with K+U-1 taps and
 * stride U: (K+U-1)^2 / (K U)^2 of the multiply-adds, 4/9 for K = 3 and U = 2, and the enlarged picture is never made. */
#ifndef HG_MODEL_CONV_ENLARGED_H
#define HG_MODEL_CONV_ENLARGED_H

#include "model/conv.h"

/* Is `tensor` a nearest enlargement that one convolution of stride 1 reads and nothing else does? Then it is an alias of what is enlarged from
 * here on, and *conv what the two are together (hg_conv.enlarged). To be asked by the layers on both sides. */
bool hg_conv_enlarged(hg_plan *plan, int tensor, hg_conv *conv);

/* The node's weights [K, K, in, out] summed to [K+U-1, K+U-1, in, out], by a launch at the first call in a plan. */
hg_block hg_conv_enlarged_weights(hg_plan *plan, const hg_node *node, const hg_conv *conv);

#endif
