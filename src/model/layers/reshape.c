/* A vector or picture as another picture or vector of as many numbers, in PyTorch's order. */
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
    return hg_node_output(graph, node, out);
}

const hg_layer hg_layer_reshape = {
    {"reshape", "the same numbers in another shape, in PyTorch's order", table, sizeof(reshape_options)},
    build, hg_permute_forward, hg_permute_backward, HG_HALVES_SAME};
