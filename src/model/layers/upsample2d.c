/* Enlargement by whole factors. A convolution behind it may do it (model/conv_enlarged.h). */
#include "model/conv_enlarged.h"
#include "model/ranges.h"

typedef struct upsample_options { int factor[2]; int method; } upsample_options;

static const char *const methods[] = {"nearest", "bilinear", NULL};
static const hg_option table[] = {
    {"factor", "enlargement", offsetof(upsample_options, factor), HG_OPTION_PAIR, 2, 1, 1024, .alias = "scale"},
    {"method", "repeat pixels, or weigh the neighbours (pixel centres as PyTorch's align_corners=False)",
     offsetof(upsample_options, method), HG_OPTION_NAME, 0, .names = methods},
    {0},
};

static bool build(hg_graph *graph, hg_node *node)
{
    const upsample_options *o = node->options;
    hg_shape in = hg_node_input(graph, node, 0)->shape;
    if (in.flat) return hg_node_fail(graph, node, "needs a picture but gets %d numbers: put `reshape` before it", in.c);
    if ((int64_t)in.h * o->factor[0] >= 1 << 30 || (int64_t)in.w * o->factor[1] >= 1 << 30)
        return hg_node_fail(graph, node, "%dx%d enlarged by %dx%d is too large", in.h, in.w, o->factor[0], o->factor[1]);
    if (!hg_node_output(graph, node, (hg_shape){in.c, in.h * o->factor[0], in.w * o->factor[1], false})) return false;
    int *repeats = graph->tensors[node->out[0]]->repeats;
    if (o->method == 0) repeats[0] = o->factor[0], repeats[1] = o->factor[1];
    return true;
}

/* The range is over all examples' rows of `height`, and `width` columns. */
static void emit(hg_plan *plan, const hg_node *node, hg_launch *launch, int height, int width)
{
    const upsample_options *o = node->options;
    hg_shape in = hg_plan_tensor(plan, node->in[0])->shape;
    const size_t rows = hg_mul((size_t)hg_plan_batch(plan), (size_t)height);
    double numbers = (double)hg_shape_count(in) * hg_plan_batch(plan), times = (double)o->factor[0] * o->factor[1];
    hg_emit_define(plan, launch, "KH", o->factor[0]);
    hg_emit_define(plan, launch, "KW", o->factor[1]);
    hg_emit_define(plan, launch, "NEAREST", o->method == 0);
    hg_emit_int(plan, launch, (int64_t)rows);
    hg_emit_int(plan, launch, in.c);
    hg_emit_int(plan, launch, in.h);
    hg_emit_int(plan, launch, in.w);
    hg_emit_pixels(plan, launch, rows, width, in.c);
    hg_emit_cost(plan, launch, numbers * times * (o->method == 0 ? 1 : 6), 4 * numbers * (1 + times));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    hg_conv together;
    if (hg_conv_enlarged(plan, node->out[0], &together)) return;
    hg_launch *launch = hg_emit(plan, node, "forward", "upsample2d", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    const hg_shape in = hg_plan_tensor(plan, node->in[0])->shape, out = hg_plan_tensor(plan, node->out[0])->shape;
    emit(plan, node, launch, out.h, ((const upsample_options *)node->options)->method == 0 ? in.w : out.w);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    hg_conv together;
    if (!hg_plan_wants_grad(plan, node->in[0]) || hg_conv_enlarged(plan, node->out[0], &together)) return;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "upsample2d", "backward");
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    const hg_shape in = hg_plan_tensor(plan, node->in[0])->shape;
    emit(plan, node, launch, in.h, in.w);
    hg_emit_dx(plan, launch, node->in[0]);
}

const hg_layer hg_layer_upsample2d = {
    {"upsample2d", "enlarges pictures by whole factors", table, sizeof(upsample_options)}, build, forward, backward, HG_HALVES_EACH};
