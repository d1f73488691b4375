/* Smaller pictures, from which a model learns to make the larger ones again. */
#include "model/ranges.h"

typedef struct downscale_options { int factor[2]; int method; } downscale_options;

enum { AVERAGE, BILINEAR, NEAREST };
enum { ALONG = 4096 }; /* numbers of a row whose boxes are added together */
static const char *const methods[] = {"average", "bilinear", "nearest", NULL};
static const hg_option table[] = {
    {"factor", "how many times smaller", offsetof(downscale_options, factor), HG_OPTION_PAIR, 2, 1, 64, .alias = "scale"},
    {"method", "of a factor's pixels the mean; what lies in their middle (PyTorch's align_corners=False without antialiasing); the first",
     offsetof(downscale_options, method), HG_OPTION_NAME, AVERAGE, .names = methods},
    {0},
};

static hg_shape target(const void *options, hg_shape input)
{
    const downscale_options *o = options;
    return (hg_shape){input.c, input.h * o->factor[0], input.w * o->factor[1], false};
}

static bool build(hg_graph *graph, hg_node *node)
{
    const downscale_options *o = node->options;
    hg_shape in = hg_node_input(graph, node, 0)->shape;
    return hg_node_output(graph, node, (hg_shape){in.c, in.h / o->factor[0], in.w / o->factor[1], false});
}

/* All methods are the mean of a box of pixels within a factor's: all of them, the middle one or two each way, or the first. */
static void box(int factor, int method, int *first, int *count)
{
    *first = method == BILINEAR ? (factor - 1) / 2 : 0;
    *count = method == AVERAGE ? factor : method == BILINEAR ? 2 - factor % 2 : 1;
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const downscale_options *o = node->options;
    const hg_shape out = hg_plan_tensor(plan, node->out[0])->shape;
    const size_t rows = hg_mul((size_t)hg_plan_batch(plan), (size_t)out.h);
    const double numbers = (double)hg_shape_count(out) * hg_plan_batch(plan);
    int first[2], count[2];
    for (int k = 0; k < 2; k++) box(o->factor[k], o->method, &first[k], &count[k]);
    const double pixels = (double)count[0] * count[1];
    hg_launch *launch = hg_emit(plan, node, "forward", "downscale", "forward");
    hg_emit_define(plan, launch, "FH", o->factor[0]);
    hg_emit_define(plan, launch, "FW", o->factor[1]);
    hg_emit_define(plan, launch, "FIRST_H", first[0]);
    hg_emit_define(plan, launch, "FIRST_W", first[1]);
    hg_emit_define(plan, launch, "BOX_H", count[0]);
    hg_emit_define(plan, launch, "BOX_W", count[1]);
    /* few channels do not fill vectors, but rows of pixels do, if most of their numbers are wanted */
    const int64_t pixel = (int64_t)o->factor[1] * out.c;
    if (hg_has_wide_vectors(hg_plan_limits(plan)) && out.c % 4 && pixel <= ALONG / 8 && 2 * count[1] >= o->factor[1]) {
        hg_emit_define(plan, launch, "PART", ALONG / pixel);
        hg_emit_define(plan, launch, "CHANNELS", out.c);
    }
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_int(plan, launch, (int64_t)rows);
    hg_emit_int(plan, launch, out.w);
    hg_emit_int(plan, launch, out.c);
    hg_emit_pixels(plan, launch, rows, out.w, out.c);
    hg_emit_cost(plan, launch, numbers * pixels, 4 * numbers * (pixels + 1));
}

const hg_corruption hg_corruption_downscale = {
    {{"downscale", "makes the pictures smaller by whole factors", table, sizeof(downscale_options)}, build, forward, NULL}, target};
