/* Max pooling: src/model/layers/pool.h has the geometry, cl/max_pool2d.cl the formula. A convolution in front of it may do it
 * (model/conv_pooled.h). */
#include "model/conv_pooled.h"
#include "model/layers/pool.h"

static const hg_option table[] = {HG_POOL_OPTIONS, {0}};

/* Is it computed by the convolution in front of it? */
static bool is_made(hg_plan *plan, const hg_node *node)
{
    const int producer = hg_plan_tensor(plan, node->in[0])->producer;
    return producer >= 0 && hg_conv_pooled(plan, hg_plan_graph(plan)->nodes[producer]).kh;
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    if (is_made(plan, node)) return;
    hg_launch *launch = hg_emit(plan, node, "forward", "max_pool2d", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    const bool note = hg_plan_wants_grad(plan, node->in[0]);
    hg_emit_define(plan, launch, "NOTE", note);
    hg_emit_write(plan, launch, note ? hg_pool_winners(plan, node) : -1);
    hg_pool_emit(plan, launch, p, p->oh, p->ow);
    hg_emit_cost(plan, launch, (double)hg_pool_out(plan, p) * p->kh * p->kw, 4.0 * (double)hg_pool_in(plan, p) + 5.0 * (double)hg_pool_out(plan, p));
}

static void backward(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    if (!hg_plan_wants_grad(plan, node->in[0]) || is_made(plan, node)) return;
    const bool cells = p->kh <= p->sh && p->kw <= p->sw;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "max_pool2d", cells ? "backward_cells" : "backward");
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, hg_pool_winners(plan, node));
    hg_pool_emit(plan, launch, p, cells ? p->oh : p->h, cells ? p->ow : p->w);
    /* the winners' values are the output's, unless those were rounded */
    const bool chosen = cells && (!hg_plan_is_half(plan, node->out[0]) || hg_plan_is_half(plan, node->in[0]));
    hg_emit_dx_chosen(plan, launch, node->in[0], chosen ? node->out[0] : node->in[0]);
    hg_emit_define(plan, launch, "CHOSEN", chosen);
    hg_emit_cost(plan, launch, (double)hg_pool_in(plan, p) * 2, 4.0 * (double)hg_pool_in(plan, p) + 5.0 * (double)hg_pool_out(plan, p));
}

const hg_layer hg_layer_max_pool2d = {{"max_pool2d", "the largest number of each window", table, sizeof(hg_pool_options)}, hg_pool_build, forward, backward, HG_HALVES_EACH};
