/* Max pooling: src/model/layers/pool.h has the geometry, cl/max_pool2d.cl the formula. */
#include "model/layers/pool.h"

static const hg_option table[] = {HG_POOL_OPTIONS, {0}};

/* The forward pass notes the winners' places for the backward pass, in a byte each where that suffices. */
static hg_block winners(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    return hg_plan_note(plan, node, hg_mul(hg_pool_out(plan, p), (int64_t)p->kh * p->kw <= 256 ? 1 : sizeof(int)));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    size_t rows = (size_t)hg_plan_batch(plan) * (size_t)p->oh;
    hg_launch *launch = hg_emit(plan, node, "forward", "max_pool2d", "forward");
    hg_pool_define(plan, launch, p);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_write(plan, launch, winners(plan, node));
    hg_emit_int(plan, launch, (int64_t)rows);
    hg_emit_rows(plan, launch, rows, (size_t)p->ow * (size_t)p->c);
    hg_emit_cost(plan, launch, (double)hg_pool_out(plan, p) * p->kh * p->kw, 4.0 * (double)hg_pool_in(plan, p) + 5.0 * (double)hg_pool_out(plan, p));
}

static void backward(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    if (!hg_plan_wants_grad(plan, node->in[0])) return;
    size_t rows = (size_t)hg_plan_batch(plan) * (size_t)p->h;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "max_pool2d", "backward");
    hg_pool_define(plan, launch, p);
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, winners(plan, node));
    hg_emit_int(plan, launch, (int64_t)rows);
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_rows(plan, launch, rows, (size_t)p->w * (size_t)p->c);
    hg_emit_cost(plan, launch, (double)hg_pool_in(plan, p) * 2, 4.0 * (double)hg_pool_in(plan, p) + 5.0 * (double)hg_pool_out(plan, p));
}

const hg_layer hg_layer_max_pool2d = {{"max_pool2d", "the largest number of each window", table, sizeof(hg_pool_options)}, hg_pool_build, forward, backward};
