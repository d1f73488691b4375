#include "model/conv_pooled.h"

#include "model/conv_enlarged.h"
#include "model/layers/pool.h"
#include "model/plan_private.h"
#include "model/variant.h"

extern const hg_layer hg_layer_conv2d, hg_layer_max_pool2d;

/* Places of a window at most: its pixels lie in registers side by side. */
enum { MOST = 16 };

static bool can_operate(const hg_plan *plan, const hg_conv *conv, const hg_conv_pool *pool, bool from_half, bool to_half)
{
    const int batch = hg_plan_batch(plan);
    const hg_gather forward = {.conv = *conv, .pool = *pool, .batch = batch, .from_half = from_half, .to_half = to_half};
    const hg_gather data = {.conv = *conv, .pool = *pool, .batch = batch, .gradient = true, .to_half = from_half};
    const hg_weight weight = {.conv = *conv, .pool = *pool, .batch = batch, .x_half = from_half};
    return hg_can_operate(plan, &hg_conv_forward, &forward) && hg_can_operate(plan, &hg_conv_data, &data) &&
           hg_can_operate(plan, &hg_conv_weight, &weight);
}

hg_conv_pool hg_conv_pooled(hg_plan *plan, const hg_node *node)
{
    const hg_conv_pool none = {.winners = -1};
    const hg_node *reader = node->layer == &hg_layer_conv2d ? hg_graph_only_reader(hg_plan_graph(plan), node->out[0]) : NULL;
    hg_conv together;
    if (!reader || reader->layer != &hg_layer_max_pool2d || hg_conv_enlarged(plan, node->in[0], &together)) return none;
    const hg_pool *p = reader->state;
    hg_conv_pool pool = {.h = p->oh, .w = p->ow, .kh = p->kh, .kw = p->kw, .ph = p->ph, .pw = p->pw, .winners = -1};
    if (p->kh != p->sh || p->kw != p->sw || p->kh * p->kw < 2 || p->kh * p->kw > MOST) return none;
    if (!can_operate(plan, node->state, &pool, hg_plan_is_half(plan, node->in[0]), hg_plan_is_half(plan, reader->out[0]))) return none;
    hg_plan_alias(plan, node->out[0], reader->out[0]);
    plan->act[hg_plan_root(plan, reader->out[0])] = node->out[0];
    if (hg_plan_wants_grad(plan, node->out[0])) pool.winners = hg_pool_winners(plan, reader);
    return pool;
}
