#include "model/conv_plain.h"

#include "model/conv.h"
#include "model/conv_reduce.h"

static double fit(const hg_device_info *limits, const void *problem, int *parameters)
{
    (void)limits, (void)problem, (void)parameters;
    return 10;
}

/* Channels that a work-item computes side by side. */
static int channels_together(int channels)
{
    return channels % 4 == 0 ? 4 : 1;
}

/* Pixels or rows that a work-item computes, written out in the kernels. */
enum { TOGETHER = 4 };

static void set_range(hg_plan *plan, hg_launch *launch, size_t items)
{
    const size_t local = hg_plan_limits(plan)->max_work_group >= 64 ? 64 : 0;
    hg_emit_int(plan, launch, items <= INT32_MAX ? (int64_t)items : INT64_MAX);
    hg_emit_range(plan, launch, items, 1, 1, local, 1, 1);
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* ---- gathers */

/* A gather's launch with its first arguments. */
static hg_launch *emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, const char *stem)
{
    const hg_block weights = hg_gather_weights(plan, node, gather, INT32_MAX);
    hg_launch *launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", stem, stem);
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, weights);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_int(plan, launch, gather->bias >= 0);
    hg_gather_emit_cost(plan, launch, gather);
    hg_emit_variant(plan, launch, "plain");
    return launch;
}

static void emit_sizes(hg_plan *plan, hg_launch *launch, const hg_conv *conv)
{
    hg_emit_int(plan, launch, conv->hl);
    hg_emit_int(plan, launch, conv->wl);
    hg_emit_int(plan, launch, conv->cl);
    hg_emit_int(plan, launch, conv->hs);
    hg_emit_int(plan, launch, conv->ws);
    hg_emit_int(plan, launch, conv->cs);
}

static void emit_product(hg_plan *plan, const hg_node *node, const hg_gather *gather, int from, int to)
{
    const size_t rows = hg_side_pixels(hg_conv_small(&gather->conv), gather->batch);
    const int vec = channels_together(to);
    hg_launch *launch = emit_gather(plan, node, gather, "dense");
    hg_emit_define(plan, launch, "HG_VEC", vec);
    hg_emit_int(plan, launch, (int64_t)rows);
    hg_emit_int(plan, launch, from);
    hg_emit_int(plan, launch, to);
    set_range(plan, launch, hg_mul((size_t)(to / vec), ceil_div(rows, TOGETHER)));
}

static void emit_forward(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters)
{
    const hg_gather *gather = problem;
    const hg_conv *conv = &gather->conv;
    const int vec = channels_together(conv->cs);
    (void)parameters;
    if (hg_conv_is_product(conv)) {
        emit_product(plan, node, gather, conv->cl, conv->cs);
        return;
    }
    hg_launch *launch = emit_gather(plan, node, gather, "conv2d");
    hg_conv_define(plan, launch, conv);
    hg_emit_define(plan, launch, "HG_VEC", vec);
    emit_sizes(plan, launch, conv);
    const size_t strips = ceil_div((size_t)conv->ws, TOGETHER), rows = hg_mul((size_t)gather->batch, (size_t)conv->hs);
    set_range(plan, launch, hg_mul(hg_mul(rows, strips), (size_t)(conv->cs / vec)));
}

static void emit_data(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters)
{
    const hg_gather *gather = problem;
    const hg_conv *conv = &gather->conv;
    const int vec = channels_together(conv->cl);
    (void)parameters;
    if (hg_conv_is_product(conv)) {
        emit_product(plan, node, gather, conv->cs, conv->cl);
        return;
    }
    hg_launch *launch = emit_gather(plan, node, gather, "conv2d_transpose");
    hg_conv_define(plan, launch, conv);
    hg_emit_define(plan, launch, "HG_VEC", vec);
    emit_sizes(plan, launch, conv);
    const size_t strips = ceil_div(ceil_div((size_t)conv->wl, (size_t)conv->sw), TOGETHER);
    const size_t rows = hg_mul((size_t)gather->batch, (size_t)conv->hl);
    set_range(plan, launch, hg_mul(hg_mul(rows, strips * (size_t)conv->sw), (size_t)(conv->cl / vec)));
}

/* ---- the weight gradient */

/* Splits: enough items for the device, at most 2048 pixels each (they stay in a cache while all weights use them),
 * partial sums of at most 16 MiB. They follow from the limits and the problem alone, so that a device gives the same
 * bits always. */
static size_t choose_splits(const hg_device_info *limits, size_t per_split, size_t numbers, size_t rows, size_t pixels)
{
    const size_t lanes = (size_t)limits->compute_units * (limits->type == HG_DEVICE_GPU ? 512 : 256);
    size_t splits = ceil_div(lanes, per_split), fewest = ceil_div(pixels, 2048), most = ((size_t)4 << 20) / numbers;
    if (splits < fewest) splits = fewest;
    if (splits > most) splits = most;
    if (splits > rows) splits = rows;
    return splits < 1 ? 1 : splits;
}

static void emit_weight(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters)
{
    const hg_weight *weight = problem;
    const hg_conv *conv = &weight->conv;
    const hg_side in = conv->transposed ? hg_conv_small(conv) : hg_conv_large(conv);
    const hg_side out = conv->transposed ? hg_conv_large(conv) : hg_conv_small(conv);
    const int vec = channels_together(out.c), in_rows = channels_together(in.c);
    const size_t numbers = (size_t)conv->kh * (size_t)conv->kw * (size_t)in.c * (size_t)out.c;
    const size_t per_split = (numbers / (size_t)in_rows + (weight->bias ? (size_t)out.c : 0)) / (size_t)vec;
    const size_t rows = (size_t)weight->batch * (size_t)conv->hs, bias_rows = (size_t)weight->batch * (size_t)out.h;
    const size_t split_rows =
        ceil_div(rows, choose_splits(hg_plan_limits(plan), per_split, numbers, rows, rows * (size_t)conv->ws));
    const size_t splits = ceil_div(rows, split_rows);
    (void)parameters;

    hg_block partials = hg_plan_scratch(plan, hg_mul(hg_mul(splits, numbers), sizeof(float)));
    hg_block bias_partials =
        weight->bias ? hg_plan_scratch(plan, hg_mul(hg_mul(splits, (size_t)out.c), sizeof(float))) : -1;
    hg_launch *launch = hg_emit(plan, node, "weight gradient", "conv_plain", "conv_weight");
    hg_emit_read(plan, launch, weight->large);
    hg_emit_read(plan, launch, weight->small);
    hg_emit_write(plan, launch, partials);
    hg_emit_write(plan, launch, bias_partials);
    hg_conv_define(plan, launch, conv);
    hg_emit_define(plan, launch, "HG_VEC", vec);
    hg_emit_define(plan, launch, "ROWS", in_rows);
    hg_emit_define(plan, launch, "TRANSPOSED", conv->transposed);
    hg_emit_define(plan, launch, "BIAS", weight->bias);
    emit_sizes(plan, launch, conv);
    hg_emit_int(plan, launch, (int64_t)rows);
    hg_emit_int(plan, launch, (int64_t)split_rows);
    hg_emit_int(plan, launch, (int64_t)bias_rows);
    hg_emit_int(plan, launch, (int64_t)ceil_div(bias_rows, splits));
    set_range(plan, launch, hg_mul(per_split, splits));
    hg_weight_emit_cost(plan, launch, weight, (int)splits);
    hg_emit_variant(plan, launch, "plain %zu splits", splits);

    hg_conv_emit_reduce(plan, node, conv, (int)splits, partials, numbers, bias_partials, weight->bias ? (size_t)out.c : 0);
}

const hg_variant hg_plain_forward = {.name = "plain", .fit = fit, .emit = emit_forward, .half = true};
const hg_variant hg_plain_data = {.name = "plain", .fit = fit, .emit = emit_data, .half = true};
const hg_variant hg_plain_weight = {.name = "plain", .fit = fit, .emit = emit_weight, .half = true};
