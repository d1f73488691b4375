/* Binary cross-entropy of pictures in [0, 1]; from logits where the last activation is a sigmoid, so that saturated outputs
 * keep their gradient. */
#include "model/loss.h"
#include "model/loss_emit.h"

static const hg_option table[] = {HG_LOSS_OPTIONS, {0}};

static void emit(hg_plan *plan, const hg_node *node, const void *options, bool from_logits)
{
    hg_loss_emit(plan, node, options, "bce", from_logits, 20);
}

const hg_loss hg_loss_bce = {{"bce", "binary cross-entropy", table, sizeof(hg_loss_options)}, "sigmoid", false, emit};
