/* conv2d_transpose: the adjoint of conv2d without its bias: every input pixel adds its window to the output,
 *   y[b,y,x,m] = act(bias[m] + sum over (i,kh) with i*SH-PH+kh = y, (j,kw) with j*SW-PW+kw = x, and c of
 *                              x[b,i,j,c] w[c,m,kh,kw]),
 * computed as a gather; the kernels are in model/conv.h. */
#include <math.h>
#include "model/conv.h"

typedef struct options {
    int filters, kernel[2], stride[2], padding[2], output_padding[2];
    hg_choice activation, initializer;
    double activity_l1;
    int share;
    bool bias;
} options;

static const hg_option table[] = {
    {"filters", "output channels", offsetof(options, filters), HG_OPTION_INT, NAN, 1, 1 << 20},
    {"kernel", "size of the window in pixels", offsetof(options, kernel), HG_OPTION_PAIR, 3, 1, 1024},
    {"stride", "output pixels from one window to the next", offsetof(options, stride), HG_OPTION_PAIR, 1, 1, 1024},
    {"padding", "output pixels cut off at each end: `valid` is none, `same` gives input x stride pixels",
     offsetof(options, padding), HG_OPTION_PADDING, 0, 0, 1 << 20},
    {"output_padding", "pixels added at the end, less than the stride; only with a number as padding",
     offsetof(options, output_padding), HG_OPTION_PAIR, 0, 0, 1023},
    HG_OPTION_ACTIVATION(options),
    HG_OPTION_BIAS(options),
    HG_OPTION_INITIALIZER(options),
    HG_OPTION_ACTIVITY_L1(options),
    HG_OPTION_SHARE(options),
    {0},
};

static bool check_options(hg_graph *graph, const hg_node *node, const options *o, hg_shape in)
{
    char buf[48];
    if (in.flat)
        return hg_node_fail(graph, node, "needs a picture but gets %s numbers: put `reshape` before it",
                            hg_shape_text(in, buf));
    for (int i = 0; i < 2; i++) {
        if (o->output_padding[i] && o->padding[i] == HG_SAME)
            return hg_node_fail(graph, node,
                                "`output_padding` goes with a number as `padding`: `same` decides the size by itself");
        if (o->output_padding[i] >= o->stride[i] && o->output_padding[i])
            return hg_node_fail(graph, node, "output_padding %dx%d must be less than the stride %dx%d",
                                o->output_padding[0], o->output_padding[1], o->stride[0], o->stride[1]);
    }
    return true;
}

static bool check_size(hg_graph *graph, const hg_node *node, const options *o, hg_shape in, int64_t h, int64_t w)
{
    char buf[48];
    if (h < 1 || w < 1)
        return hg_node_fail(
            graph, node,
            "the input %s with kernel %dx%d and stride %dx%d leaves no pixels after padding %dx%d: use less padding",
            hg_shape_text(in, buf), o->kernel[0], o->kernel[1], o->stride[0], o->stride[1], o->padding[0],
            o->padding[1]);
    if (h > INT32_MAX || w > INT32_MAX)
        return hg_node_fail(graph, node, "the output would have %lldx%lld pixels: too many, make the layer smaller",
                            (long long)h, (long long)w);
    return true;
}

static bool build(hg_graph *graph, hg_node *node)
{
    const options *o = node->options;
    const hg_shape in = hg_node_input(graph, node, 0)->shape;
    if (!check_options(graph, node, o, in)) return false;
    hg_conv *conv = hg_node_state(graph, node, sizeof *conv);
    if (!conv) return false;
    *conv = (hg_conv){
        .cl = o->filters, .cs = in.c, .hs = in.h, .ws = in.w, .kh = o->kernel[0], .kw = o->kernel[1],
        .sh = o->stride[0], .sw = o->stride[1], .dh = 1, .dw = 1, .transposed = true,
    };
    const int64_t h = hg_conv_transpose_size(in.h, conv->kh, conv->sh, o->padding[0], o->output_padding[0], &conv->ph);
    const int64_t w = hg_conv_transpose_size(in.w, conv->kw, conv->sw, o->padding[1], o->output_padding[1], &conv->pw);
    if (!check_size(graph, node, o, in, h, w)) return false;
    conv->hl = (int)h, conv->wl = (int)w;

    /* PyTorch and Keras both take the fan of the weights as if they were those of the convolution that this is the
     * adjoint of. */
    const int64_t taps = (int64_t)conv->kh * conv->kw, fan_in = taps * o->filters, fan_out = taps * in.c;
    const int shape[4] = {in.c, o->filters, conv->kh, conv->kw}, order[4] = {2, 3, 0, 1};
    return hg_node_output(graph, node, (hg_shape){o->filters, conv->hl, conv->wl, false})
        && hg_node_param(graph, node, "weight", 4, shape, order, o->initializer, 0, fan_in, fan_out, true)
        && (!o->bias || hg_conv_add_bias(graph, node, o->filters, o->initializer, fan_in, fan_out));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    hg_conv_emit_forward(plan, node, node->state, ((const options *)node->options)->bias);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    hg_conv_emit_backward(plan, node, node->state, ((const options *)node->options)->bias);
}

const hg_layer hg_layer_conv2d_transpose = {
    {"conv2d_transpose", "transposed convolution: enlarges the picture by its stride", table, sizeof(options)},
    build, forward, backward, HG_HALVES_EACH,
};
