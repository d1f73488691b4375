/* The family for GPUs: matrix products through tiles in local memory. Parameters: rows and columns of a work-group's tile,
 * depth of a slice, rows and columns of a work-item's part. */
#ifndef HG_MODEL_CONV_GPU_H
#define HG_MODEL_CONV_GPU_H

#include "model/variant.h"

extern const hg_variant hg_gpu_forward, hg_gpu_data, hg_gpu_weight;

/* The gradient of parameter 1 alone: the sum of dy [pixels, channels] over the pixels. */
void hg_gpu_emit_bias(hg_plan *plan, const hg_node *node, hg_block dy, int channels, int64_t pixels);

#endif
