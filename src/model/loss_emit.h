/* What losses have in common: their options, and the one launch that gives the loss, its partial sums and its gradient. */
#ifndef HG_MODEL_LOSS_EMIT_H
#define HG_MODEL_LOSS_EMIT_H

#include "model/loss.h"

typedef struct hg_loss_options { int reduction; double weight; } hg_loss_options;
extern const char *const hg_loss_reductions[]; /* mean, sum */
#define HG_LOSS_OPTIONS \
    {"reduction", "mean over all elements, or sum over an example's elements and mean over the batch", offsetof(hg_loss_options, reduction), HG_OPTION_NAME, 0, .names = hg_loss_reductions}, \
    {"weight", "factor of the loss", offsetof(hg_loss_options, weight), HG_OPTION_FLOAT, 1, 0, 1e9}

/* Emits kernel `loss` of cl/FILE.cl:
 *   (__global const float *y, __global const float *t, __global float *partials, int n, float gradient_scale[, dx, dx_x])
 * with macros LOGITS and GRADIENT (whether the last two arguments are there). */
void hg_loss_emit(hg_plan *plan, const hg_node *node, const hg_loss_options *options, const char *file, bool logits, double flops);

#endif
