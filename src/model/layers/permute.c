#include "model/layers/permute.h"

static bool agree(hg_shape s)
{
    return s.c == 1 || (s.h == 1 && s.w == 1);
}

static void sizes(hg_plan *plan, hg_launch *launch, hg_shape s, size_t n)
{
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_int(plan, launch, (int64_t)s.h * s.w);
    hg_emit_int(plan, launch, s.c);
}

void hg_permute_forward(hg_plan *plan, const hg_node *node, const char *file, hg_shape picture)
{
    if (agree(picture)) {
        hg_plan_alias(plan, node->out[0], node->in[0]);
        return;
    }
    size_t n = hg_mul(hg_shape_count(picture), (size_t)hg_plan_batch(plan));
    hg_launch *launch = hg_emit(plan, node, "forward", file, "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    sizes(plan, launch, picture, n);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 0, 8.0 * (double)n);
}

void hg_permute_backward(hg_plan *plan, const hg_node *node, const char *file, hg_shape picture)
{
    if (agree(picture) || !hg_plan_wants_grad(plan, node->in[0])) return;
    size_t n = hg_mul(hg_shape_count(picture), (size_t)hg_plan_batch(plan));
    hg_launch *launch = hg_emit(plan, node, "data gradient", file, "backward");
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    sizes(plan, launch, picture, n);
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 0, 8.0 * (double)n);
}
