/* The geometry that pooling layers share. */
#ifndef HG_MODEL_LAYERS_POOL_H
#define HG_MODEL_LAYERS_POOL_H

#include "model/plan.h"

typedef struct hg_pool_options { int size[2], stride[2], padding[2]; bool ceil_mode, count_include_pad; } hg_pool_options;

/* stride 0: as the window */
#define HG_POOL_OPTIONS \
    {"size", "of the window", offsetof(hg_pool_options, size), HG_OPTION_PAIR, 2, 1, 4096, .alias = "kernel"}, \
    {"stride", "between windows; 0: as the window", offsetof(hg_pool_options, stride), HG_OPTION_PAIR, 0, 0, 4096}, \
    {"padding", "same: output = ceil(input / stride), the odd pixel at the end; a number: PyTorch's, at both ends", offsetof(hg_pool_options, padding), HG_OPTION_PADDING, 0, 0, 4096}, \
    {"ceil_mode", "with numbers: a last window may hang over the end", offsetof(hg_pool_options, ceil_mode), HG_OPTION_BOOL, 0, 0, 1}

typedef struct hg_pool { int c, h, w, oh, ow, kh, kw, sh, sw, ph, pw; bool same; } hg_pool;

/* Computes the geometry into node->state and adds the output. */
bool hg_pool_build(hg_graph *graph, hg_node *node);
/* Macros KH KW SH SW PH PW; arguments rows, C, H, W, OH, OW; the range over all examples' pictures of height x width. */
void hg_pool_emit(hg_plan *plan, hg_launch *launch, const hg_pool *pool, int height, int width);
size_t hg_pool_in(const hg_plan *plan, const hg_pool *pool);  /* numbers read */
size_t hg_pool_out(const hg_plan *plan, const hg_pool *pool); /* numbers written */

/* Of max_pool2d: the winners' places that its forward pass notes for the backward pass, in a byte each where that suffices. */
hg_block hg_pool_winners(hg_plan *plan, const hg_node *node);

#endif
