/* The order change that flatten and reshape share: numbers keep their place in PyTorch's order [C, H, W], inside they lie as
 * [H, W, C]. */
#ifndef HG_MODEL_LAYERS_PERMUTE_H
#define HG_MODEL_LAYERS_PERMUTE_H

#include "model/plan.h"

/* From the node's input to its output, whose shapes have the same count; an alias where both lie in the same order. */
void hg_permute_forward(hg_plan *plan, const hg_node *node);
void hg_permute_backward(hg_plan *plan, const hg_node *node);

#endif
