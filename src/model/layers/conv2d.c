/* conv2d: y[b,i,j,m] = act(bias[m] + sum_{kh,kw,c} x[b, i*SH-PH+kh*DH, j*SW-PW+kw*DW, c] w[m,c,kh,kw]).
 * As in PyTorch and Keras (a correlation); the kernels are in model/conv.h. */
#include <math.h>
#include "model/conv_enlarged.h"

typedef struct options {
    int filters, kernel[2], stride[2], padding[2], dilation[2];
    hg_choice activation, initializer;
    double activity_l1;
    int share;
    bool bias;
} options;

static const hg_option table[] = {
    {"filters", "output channels", offsetof(options, filters), HG_OPTION_INT, NAN, 1, 1 << 20},
    {"kernel", "size of the window in pixels", offsetof(options, kernel), HG_OPTION_PAIR, 3, 1, 1024},
    {"stride", "pixels from one window to the next", offsetof(options, stride), HG_OPTION_PAIR, 1, 1, 1024},
    {"padding", "zeros around the picture: `valid` is none, `same` gives ceil(input / stride) pixels",
     offsetof(options, padding), HG_OPTION_PADDING, 0, 0, 1 << 20},
    {"dilation", "pixels from one tap of the window to the next", offsetof(options, dilation), HG_OPTION_PAIR, 1, 1,
     1024},
    HG_OPTION_ACTIVATION(options),
    HG_OPTION_BIAS(options),
    HG_OPTION_INITIALIZER(options),
    HG_OPTION_ACTIVITY_L1(options),
    HG_OPTION_SHARE(options),
    {0},
};

static bool check_fit(hg_graph *graph, const hg_node *node, const options *o, hg_shape in, int64_t h, int64_t w)
{
    char buf[48];
    if (h >= 1 && w >= 1) return true;
    return hg_node_fail(
        graph, node,
        "a kernel of %dx%d with dilation %dx%d covers %lldx%lld pixels, but the input %s has %dx%d with padding %dx%d: "
        "use a smaller kernel or more padding",
        o->kernel[0], o->kernel[1], o->dilation[0], o->dilation[1], (long long)(o->kernel[0] - 1) * o->dilation[0] + 1,
        (long long)(o->kernel[1] - 1) * o->dilation[1] + 1, hg_shape_text(in, buf), in.h, in.w,
        o->padding[0] == HG_SAME ? 0 : o->padding[0], o->padding[1] == HG_SAME ? 0 : o->padding[1]);
}

static bool build(hg_graph *graph, hg_node *node)
{
    const options *o = node->options;
    const hg_shape in = hg_node_input(graph, node, 0)->shape;
    char buf[48];
    if (in.flat)
        return hg_node_fail(graph, node, "needs a picture but gets %s numbers: put `reshape` before it",
                            hg_shape_text(in, buf));
    hg_conv *conv = hg_node_state(graph, node, sizeof *conv);
    if (!conv) return false;
    *conv = (hg_conv){
        .cl = in.c, .hl = in.h, .wl = in.w, .cs = o->filters, .kh = o->kernel[0], .kw = o->kernel[1],
        .sh = o->stride[0], .sw = o->stride[1], .dh = o->dilation[0], .dw = o->dilation[1],
    };
    const int64_t h = hg_conv_size(in.h, conv->kh, conv->sh, conv->dh, o->padding[0], &conv->ph);
    const int64_t w = hg_conv_size(in.w, conv->kw, conv->sw, conv->dw, o->padding[1], &conv->pw);
    if (!check_fit(graph, node, o, in, h, w)) return false;
    conv->hs = (int)h, conv->ws = (int)w;

    const int64_t taps = (int64_t)conv->kh * conv->kw, fan_in = taps * in.c, fan_out = taps * o->filters;
    const int shape[4] = {o->filters, in.c, conv->kh, conv->kw}, order[4] = {2, 3, 1, 0};
    return hg_node_output(graph, node, (hg_shape){o->filters, conv->hs, conv->ws, false})
        && hg_node_param(graph, node, "weight", 4, shape, order, o->initializer, 0, fan_in, fan_out, true)
        && (!o->bias || hg_conv_add_bias(graph, node, o->filters, o->initializer, fan_in, fan_out));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    hg_conv together;
    hg_conv_emit_forward(plan, node, hg_conv_enlarged(plan, node->in[0], &together) ? &together : node->state, ((const options *)node->options)->bias);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    hg_conv together;
    hg_conv_emit_backward(plan, node, hg_conv_enlarged(plan, node->in[0], &together) ? &together : node->state, ((const options *)node->options)->bias);
}

const hg_layer hg_layer_conv2d = {
    {"conv2d", "convolution: a window slides over the picture", table, sizeof(options)}, build, forward, backward, HG_HALVES_EACH,
};
