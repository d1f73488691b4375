/* dense: y[b,m] = act(bias[m] + sum_n x[b,n] w[m,n]): a convolution of 1x1 pictures, see model/conv.h. */
#include <math.h>
#include "model/conv.h"

typedef struct options {
    int units;
    hg_choice activation, initializer;
    double activity_l1;
    int share;
    bool bias;
} options;

static const hg_option table[] = {
    {"units", "output numbers", offsetof(options, units), HG_OPTION_INT, NAN, 1, 1 << 24},
    HG_OPTION_ACTIVATION(options),
    {"bias", "add a bias per unit", offsetof(options, bias), HG_OPTION_BOOL, 1, 0, 1},
    HG_OPTION_INITIALIZER(options),
    HG_OPTION_ACTIVITY_L1(options),
    HG_OPTION_SHARE(options),
    {0},
};

static bool build(hg_graph *graph, hg_node *node)
{
    const options *o = node->options;
    const hg_shape in = hg_node_input(graph, node, 0)->shape;
    char buf[48];
    if (!in.flat)
        return hg_node_fail(graph, node, "needs a flat input but gets %s: put `flatten` before it",
                            hg_shape_text(in, buf));
    hg_conv *conv = hg_node_state(graph, node, sizeof *conv);
    if (!conv) return false;
    *conv = (hg_conv){
        .cl = in.c, .hl = 1, .wl = 1, .cs = o->units, .hs = 1, .ws = 1,
        .kh = 1, .kw = 1, .sh = 1, .sw = 1, .dh = 1, .dw = 1,
    };
    const int shape[2] = {o->units, in.c}, order[2] = {1, 0};
    return hg_node_output(graph, node, (hg_shape){o->units, 1, 1, true})
        && hg_node_param(graph, node, "weight", 2, shape, order, o->initializer, 0, in.c, o->units, true)
        && (!o->bias || hg_conv_add_bias(graph, node, o->units, o->initializer, in.c, o->units));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    hg_conv_emit_forward(plan, node, node->state, ((const options *)node->options)->bias);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    hg_conv_emit_backward(plan, node, node->state, ((const options *)node->options)->bias);
}

const hg_layer hg_layer_dense = {
    {"dense", "every output reads every input", table, sizeof(options)}, build, forward, backward, HG_HALVES_EACH,
};
