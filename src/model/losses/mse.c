/* Mean squared error. */
#include "model/loss.h"
#include "model/loss_emit.h"

static const hg_option table[] = {HG_LOSS_OPTIONS, {0}};

static void emit(hg_plan *plan, const hg_node *node, const void *options, bool from_logits)
{
    (void)from_logits;
    hg_loss_emit(plan, node, options, "mse", false, 3);
}

const hg_loss hg_loss_mse = {{"mse", "squared error", table, sizeof(hg_loss_options)}, NULL, false, emit};
