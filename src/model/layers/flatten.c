/* [C, H, W] -> [C * H * W] in PyTorch's order. */
#include "model/layers/permute.h"

static bool build(hg_graph *graph, hg_node *node)
{
    hg_shape in = hg_node_input(graph, node, 0)->shape;
    size_t n = hg_shape_count(in);
    if (n >= (size_t)1 << 31) return hg_node_fail(graph, node, "the output would have %zu numbers: too many", n);
    return hg_node_output(graph, node, (hg_shape){(int)n, 1, 1, true});
}

const hg_layer hg_layer_flatten = {
    {"flatten", "a picture's numbers as a flat vector, in the order channels, rows, columns", NULL, 0},
    build, hg_permute_forward, hg_permute_backward, HG_HALVES_SAME};
