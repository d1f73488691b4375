/* A vector or picture as another picture or vector of as many numbers, in PyTorch's order. Between two pictures the numbers go
 * through the flat order. */
#include "model/layers/permute.h"

typedef struct reshape_options { int shape[4]; } reshape_options; /* count, then sizes */
static const hg_option table[] = {
    {"shape", "[channels, height, width], or [units]", offsetof(reshape_options, shape), HG_OPTION_SHAPE, __builtin_nan(""), 1, 1 << 30},
    {0},
};

static bool build(hg_graph *graph, hg_node *node)
{
    const int *s = ((const reshape_options *)node->options)->shape;
    hg_shape in = hg_node_input(graph, node, 0)->shape, out = {s[1], 1, 1, true};
    char a[48], b[48];
    if (s[0] == 2) return hg_node_fail(graph, node, "shape [%d, %d]: expected [channels, height, width] or [units]", s[1], s[2]);
    if (s[0] == 3) out = (hg_shape){s[1], s[2], s[3], false};
    if (hg_shape_count(in) != hg_shape_count(out))
        return hg_node_fail(graph, node, "%s has %zu numbers, the input %s has %zu: they must be as many", hg_shape_text(out, a),
                            hg_shape_count(out), hg_shape_text(in, b), hg_shape_count(in));
    if (!in.flat && !out.flat && (in.c != out.c || in.h != out.h || in.w != out.w) && in.c > 1)
        return hg_node_fail(graph, node, "from picture %s to picture %s: put `flatten` between", hg_shape_text(in, b), hg_shape_text(out, a));
    return hg_node_output(graph, node, out);
}

/* Which way the order changes: into a picture, or (to a vector) as flatten does. */
static bool to_picture(const hg_plan *plan, const hg_node *node)
{
    return !hg_plan_tensor(plan, node->out[0])->shape.flat && (hg_plan_tensor(plan, node->in[0])->shape.flat || hg_plan_tensor(plan, node->in[0])->shape.c == 1);
}

static hg_shape picture(const hg_plan *plan, const hg_node *node)
{
    return hg_plan_tensor(plan, to_picture(plan, node) ? node->out[0] : node->in[0])->shape;
}

static bool same(const hg_plan *plan, const hg_node *node)
{
    hg_shape in = hg_plan_tensor(plan, node->in[0])->shape, out = hg_plan_tensor(plan, node->out[0])->shape;
    return in.c == out.c && in.h == out.h && in.w == out.w;
}

static void forward(hg_plan *plan, const hg_node *node)
{
    if (same(plan, node)) hg_plan_alias(plan, node->out[0], node->in[0]);
    else hg_permute_forward(plan, node, to_picture(plan, node) ? "reshape" : "flatten", picture(plan, node));
}

static void backward(hg_plan *plan, const hg_node *node)
{
    if (!same(plan, node)) hg_permute_backward(plan, node, to_picture(plan, node) ? "reshape" : "flatten", picture(plan, node));
}

const hg_layer hg_layer_reshape = {{"reshape", "the same numbers in another shape, in PyTorch's order", table, sizeof(reshape_options)}, build, forward, backward};
