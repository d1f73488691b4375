/* The order change that flatten and reshape share: between [B, H, W, C] inside and PyTorch's [B, C, H, W]. */
#ifndef HG_MODEL_LAYERS_PERMUTE_H
#define HG_MODEL_LAYERS_PERMUTE_H

#include "model/plan.h"

/* Kernels of cl/FILE.cl ("flatten": to PyTorch's order, "reshape": from it) for pictures of this shape. Where both orders agree
 * (one channel or one pixel), the output is an alias. */
void hg_permute_forward(hg_plan *plan, const hg_node *node, const char *file, hg_shape picture);
void hg_permute_backward(hg_plan *plan, const hg_node *node, const char *file, hg_shape picture);

#endif
