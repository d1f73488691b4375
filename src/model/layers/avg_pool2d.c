/* Average pooling: src/model/layers/pool.h has the geometry, cl/avg_pool2d.cl the formula. With padding `same` zeros do not count,
 * as in TensorFlow; with numbers they do unless told otherwise, as in PyTorch. */
#include "model/layers/pool.h"

static const hg_option table[] = {
    HG_POOL_OPTIONS,
    {"count_include_pad", "with numbers as padding: zeros count in the divisor",
     offsetof(hg_pool_options, count_include_pad), HG_OPTION_BOOL, 1, 0, 1},
    {0},
};

static void emit(hg_plan *plan, const hg_node *node, hg_launch *launch, int height, int width)
{
    const hg_pool *p = node->state;
    hg_emit_define(plan, launch, "COUNT_PAD", !p->same && ((const hg_pool_options *)node->options)->count_include_pad);
    hg_pool_emit(plan, launch, p, height, width);
    const double in = (double)hg_pool_in(plan, p), out = (double)hg_pool_out(plan, p);
    hg_emit_cost(plan, launch, out * p->kh * p->kw, 4.0 * in + 4.0 * out);
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    hg_launch *launch = hg_emit(plan, node, "forward", "avg_pool2d", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    emit(plan, node, launch, p->oh, p->ow);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    if (!hg_plan_wants_grad(plan, node->in[0])) return;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "avg_pool2d", "backward");
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    emit(plan, node, launch, p->h, p->w);
    hg_emit_dx(plan, launch, node->in[0]);
}

const hg_layer hg_layer_avg_pool2d = {
    {"avg_pool2d", "the mean of each window", table, sizeof(hg_pool_options)}, hg_pool_build, forward, backward, HG_HALVES_EACH};
