#include "model/conv.h"

#include <stdio.h>
#include <string.h>
#include "model/conv_clblast.h"
#include "model/conv_cpu.h"
#include "model/conv_enlarged.h"
#include "model/conv_gpu.h"
#include "model/conv_plain.h"
#include "model/conv_pooled.h"
#include "model/conv_winograd.h"
#include "model/plan_private.h"
#include "model/variant.h"

/* ---- geometry */

int hg_same_before(int in, int kernel, int stride, int dilation)
{
    const int64_t out = ((int64_t)in + stride - 1) / stride;
    const int64_t total = (out - 1) * stride + (int64_t)(kernel - 1) * dilation + 1 - in;
    return total > 0 ? (int)(total / 2) : 0;
}

int64_t hg_conv_size(int in, int kernel, int stride, int dilation, int padding, int *before)
{
    *before = padding == HG_SAME ? hg_same_before(in, kernel, stride, dilation) : padding;
    if (padding == HG_SAME) return ((int64_t)in + stride - 1) / stride;
    const int64_t room = (int64_t)in + 2 * (int64_t)padding - (int64_t)(kernel - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
}

int64_t hg_conv_transpose_size(int in, int kernel, int stride, int padding, int output_padding, int *before)
{
    const int64_t same = (int64_t)in * stride;
    if (padding != HG_SAME) {
        *before = padding;
        return ((int64_t)in - 1) * stride - 2 * (int64_t)padding + kernel + output_padding;
    }
    *before = same <= INT32_MAX ? hg_same_before((int)same, kernel, stride, 1) : 0;
    return same;
}

hg_side hg_conv_large(const hg_conv *conv) { return (hg_side){conv->cl, conv->hl, conv->wl}; }
hg_side hg_conv_small(const hg_conv *conv) { return (hg_side){conv->cs, conv->hs, conv->ws}; }

size_t hg_side_pixels(hg_side side, int batch)
{
    return hg_mul(hg_mul((size_t)side.h, (size_t)side.w), (size_t)batch);
}

/* ---- parameters */

bool hg_conv_add_bias(hg_graph *graph, hg_node *node, int channels, hg_choice initializer, int64_t fan_in,
                      int64_t fan_out)
{
    const bool drawn = initializer.type && strcmp(initializer.type->name, "uniform_fan_in") == 0;
    const int shape[1] = {channels}, order[1] = {0};
    return hg_node_param(graph, node, "bias", 1, shape, order, drawn ? initializer : (hg_choice){0}, 0, fan_in, fan_out,
                         true);
}

/* ---- work */

bool hg_conv_is_product(const hg_conv *c)
{
    return c->kh == 1 && c->kw == 1 && c->sh == 1 && c->sw == 1 && c->ph == 0 && c->pw == 0 && c->hl == c->hs && c->wl == c->ws;
}

static size_t weights(const hg_conv *conv)
{
    return hg_mul(hg_mul((size_t)conv->kh, (size_t)conv->kw), hg_mul((size_t)conv->cl, (size_t)conv->cs));
}

double hg_conv_flops(const hg_conv *conv, int batch)
{
    if (conv->enlarged)
        return 2.0 * (double)hg_side_pixels(hg_conv_large(conv), batch) * conv->cl * conv->cs * (conv->kh - conv->sh + 1) * (conv->kw - conv->sw + 1);
    return 2.0 * (double)hg_side_pixels(hg_conv_small(conv), batch) * (double)weights(conv);
}

/* What both sides are in memory, in floats: of what is pooled a number and a byte for each window. */
static double numbers(const hg_conv *conv, const hg_conv_pool *pool, int batch)
{
    const double large = (double)hg_side_pixels(hg_conv_large(conv), batch) * conv->cl;
    if (pool->kh) return large + 1.25 * (double)hg_mul((size_t)batch, hg_mul((size_t)pool->h, (size_t)pool->w)) * conv->cs;
    return large + (double)hg_side_pixels(hg_conv_small(conv), batch) * conv->cs;
}

void hg_gather_emit_cost(hg_plan *plan, hg_launch *launch, const hg_gather *gather)
{
    const double values = numbers(&gather->conv, &gather->pool, gather->batch) + (double)weights(&gather->conv);
    hg_emit_cost(plan, launch, hg_conv_flops(&gather->conv, gather->batch), values * sizeof(float));
}

void hg_weight_emit_cost(hg_plan *plan, hg_launch *launch, const hg_weight *weight, int splits)
{
    const double values = numbers(&weight->conv, &weight->pool, weight->batch) + (double)weights(&weight->conv) * splits;
    hg_emit_cost(plan, launch, hg_conv_flops(&weight->conv, weight->batch), values * sizeof(float));
}

/* ---- what the families share in emitting */

void hg_conv_define_taps(hg_plan *plan, hg_launch *launch, const hg_conv *conv)
{
    hg_emit_define(plan, launch, "KH", conv->kh);
    hg_emit_define(plan, launch, "KW", conv->kw);
    hg_emit_define(plan, launch, "SH", conv->sh);
    hg_emit_define(plan, launch, "SW", conv->sw);
}

void hg_conv_define(hg_plan *plan, hg_launch *launch, const hg_conv *conv)
{
    hg_conv_define_taps(plan, launch, conv);
    hg_emit_define(plan, launch, "DH", conv->dh);
    hg_emit_define(plan, launch, "DW", conv->dw);
    hg_emit_define(plan, launch, "PH", conv->ph);
    hg_emit_define(plan, launch, "PW", conv->pw);
}

void hg_pool_define(hg_plan *plan, hg_launch *launch, const hg_conv_pool *pool)
{
    const struct { const char *name; int value; } macros[] = {
        {"PKH", pool->kh}, {"PKW", pool->kw}, {"PPH", pool->ph}, {"PPW", pool->pw}, {"YH", pool->h}, {"YW", pool->w}};
    const size_t n = pool->kh ? sizeof macros / sizeof *macros : 0;
    for (size_t i = 0; i < n; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
}

void hg_gather_emit_output(hg_plan *plan, hg_launch *launch, const hg_gather *gather)
{
    hg_emit_define(plan, launch, "GRADIENT", gather->gradient);
    if (gather->gradient) {
        hg_emit_dx(plan, launch, gather->to);
        return;
    }
    hg_emit_write(plan, launch, hg_plan_value(plan, gather->to));
    hg_emit_read(plan, launch, -1);
    hg_emit_act(plan, launch, gather->to);
}

/* ---- packed weights */

/* in and out swapped: [KH, KW, in, out] -> [KH, KW, out, in] */
static hg_launch *emit_swap(hg_plan *plan, const hg_node *node, const hg_conv *conv, hg_block stored, hg_block packed)
{
    const int in = conv->transposed ? conv->cs : conv->cl, out = conv->transposed ? conv->cl : conv->cs;
    hg_launch *launch = hg_emit(plan, node, "weights swapped", "conv_pack", "conv_swap");
    hg_emit_read(plan, launch, stored);
    hg_emit_write(plan, launch, packed);
    hg_emit_int(plan, launch, in);
    hg_emit_int(plan, launch, out);
    hg_emit_int(plan, launch, (int64_t)conv->kh * conv->kw);
    if (hg_has_wide_vectors(hg_plan_limits(plan)))
        hg_emit_rows(plan, launch, (size_t)conv->kh * (size_t)conv->kw * (((size_t)out + 15) / 16), (size_t)in * 16);
    else
        hg_emit_items(plan, launch, weights(conv));
    return launch;
}

/* Panels of the weights, whose in and out are swapped for a gradient. */
static hg_launch *emit_panels(hg_plan *plan, const hg_node *node, const hg_gather *gather, int gathered, int written, int panel, hg_block packed)
{
    const size_t panels = ((size_t)written + (size_t)panel - 1) / (size_t)panel, taps = (size_t)gather->conv.kh * (size_t)gather->conv.kw;
    hg_launch *launch = hg_emit(plan, node, "weights packed", "conv_pack", "conv_panels");
    hg_emit_read(plan, launch, gather->weight);
    hg_emit_write(plan, launch, packed);
    hg_emit_int(plan, launch, gathered);
    hg_emit_int(plan, launch, written);
    hg_emit_int(plan, launch, (int64_t)taps);
    hg_emit_int(plan, launch, (int64_t)panels);
    hg_emit_define(plan, launch, "PANEL", panel);
    hg_emit_define(plan, launch, "SWAP", gather->gradient);
    hg_emit_rows(plan, launch, panels * taps, (size_t)gathered * (size_t)panel);
    return launch;
}

hg_block hg_gather_weights(hg_plan *plan, const hg_node *node, const hg_gather *gather, int panel)
{
    const hg_conv *conv = &gather->conv;
    const int in = conv->transposed ? conv->cs : conv->cl, out = conv->transposed ? conv->cl : conv->cs;
    const int gathered = gather->gradient ? out : in, written = gather->gradient ? in : out;
    const bool whole = panel >= written;
    if (whole && (!gather->gradient || in == 1 || out == 1)) return gather->weight; /* a swap with one row changes nothing */
    const size_t n = whole ? weights(conv) : hg_mul(hg_mul((size_t)conv->kh, (size_t)conv->kw),
        hg_mul((size_t)gathered, ((size_t)written + (size_t)panel - 1) / (size_t)panel * (size_t)panel));
    hg_block packed = hg_plan_scratch(plan, hg_mul(n, sizeof(float)));
    hg_launch *launch = whole ? emit_swap(plan, node, conv, gather->weight, packed) : emit_panels(plan, node, gather, gathered, written, panel, packed);
    hg_emit_cost(plan, launch, 0, (double)(weights(conv) + n) * sizeof(float));
    return packed;
}

/* ---- the operations */

static int describe_conv(const hg_conv *c, const hg_conv_pool *pool, int batch, char text[HG_KEY_TEXT])
{
    int n = snprintf(text, HG_KEY_TEXT, "%dx%dx%d %dx%dx%d k%dx%d s%dx%d p%dx%d b%d", c->cl, c->hl, c->wl, c->cs, c->hs, c->ws, c->kh, c->kw,
                     c->sh, c->sw, c->ph, c->pw, batch);
    if (c->dh > 1 || c->dw > 1) n += snprintf(text + n, (size_t)(HG_KEY_TEXT - n), " d%dx%d", c->dh, c->dw);
    if (pool->kh)
        n += snprintf(text + n, (size_t)(HG_KEY_TEXT - n), " pool %dx%d k%dx%d p%dx%d", pool->h, pool->w, pool->kh, pool->kw, pool->ph,
                      pool->pw);
    return n;
}

static void describe_gather(const void *problem, char text[HG_KEY_TEXT])
{
    const hg_gather *gather = problem;
    const int n = describe_conv(&gather->conv, &gather->pool, gather->batch, text);
    snprintf(text + n, (size_t)(HG_KEY_TEXT - n), "%s%s%s%s", gather->gradient ? " gradient" : "", gather->bias >= 0 ? " bias" : "",
             gather->from_half ? " from half" : "", gather->to_half ? " to half" : "");
}

static bool gather_has_halves(const void *problem)
{
    const hg_gather *gather = problem;
    return gather->from_half || gather->to_half;
}

static bool gather_is_pooled(const void *problem) { return ((const hg_gather *)problem)->pool.kh > 0; }
static bool weight_is_pooled(const void *problem) { return ((const hg_weight *)problem)->pool.kh > 0; }

static void describe_weight(const void *problem, char text[HG_KEY_TEXT])
{
    const hg_weight *weight = problem;
    const int n = describe_conv(&weight->conv, &weight->pool, weight->batch, text);
    snprintf(text + n, (size_t)(HG_KEY_TEXT - n), "%s%s%s", weight->conv.transposed ? " transposed" : "", weight->bias ? " bias" : "",
             weight->x_half ? " from half" : "");
}

static bool weight_has_halves(const void *problem)
{
    return ((const hg_weight *)problem)->x_half;
}

static const hg_variant *const forward_variants[] = {HG_CPU_FORWARD_VARIANTS, HG_WINOGRAD_FORWARD_VARIANTS, &hg_gpu_forward, &hg_plain_forward, &hg_clblast_forward};
static const hg_variant *const data_variants[] = {HG_CPU_DATA_VARIANTS, HG_WINOGRAD_DATA_VARIANTS, &hg_gpu_data, &hg_plain_data, &hg_clblast_data};
static const hg_variant *const weight_variants[] = {HG_CPU_WEIGHT_VARIANTS, HG_WINOGRAD_WEIGHT_VARIANTS, &hg_gpu_weight, &hg_plain_weight, &hg_clblast_weight};

#define COUNT(list) ((int)(sizeof list / sizeof *list))
const hg_operation hg_conv_forward = {"conv_forward", forward_variants, COUNT(forward_variants), describe_gather, gather_has_halves, gather_is_pooled};
const hg_operation hg_conv_data = {"conv_data", data_variants, COUNT(data_variants), describe_gather, gather_has_halves, gather_is_pooled};
const hg_operation hg_conv_weight = {"conv_weight", weight_variants, COUNT(weight_variants), describe_weight, weight_has_halves, weight_is_pooled};

/* Kernels index with 32-bit integers. */
static bool check_size(hg_plan *plan, const hg_node *node, hg_side side, int batch)
{
    const size_t numbers_there = hg_mul(hg_side_pixels(side, batch), (size_t)side.c);
    if (numbers_there <= INT32_MAX) return true;
    return hg_plan_sticky(plan, hg_fail(hg_device_context(hg_plan_device(plan)), HG_BAD_INPUT,
        "%s: %s (%s): a batch of %d times %dx%dx%d is more than 2^31 numbers: use a smaller batch",
        node->place, node->name, node->layer->head.name, batch, side.c, side.h, side.w));
}

static bool check_sizes(hg_plan *plan, const hg_node *node, const hg_conv *conv)
{
    const int batch = hg_plan_batch(plan);
    return check_size(plan, node, hg_conv_large(conv), batch) && check_size(plan, node, hg_conv_small(conv), batch);
}

/* The weights that gathers read. */
static hg_block gather_weights(hg_plan *plan, const hg_node *node, const hg_conv *conv)
{
    return conv->enlarged ? hg_conv_enlarged_weights(plan, node, conv) : hg_plan_param(plan, node, 0);
}

void hg_conv_emit_forward(hg_plan *plan, const hg_node *node, const hg_conv *conv, bool bias)
{
    if (!check_sizes(plan, node, conv)) return;
    const hg_conv_pool pool = hg_conv_pooled(plan, node);
    const hg_gather gather = {
        .conv = *conv, .pool = pool, .batch = hg_plan_batch(plan), .from = hg_plan_value(plan, node->in[0]),
        .weight = gather_weights(plan, node, conv), .bias = bias ? hg_plan_param(plan, node, 1) : -1, .to = node->out[0],
        .from_half = hg_plan_is_half(plan, node->in[0]), .to_half = hg_plan_is_half(plan, node->out[0]),
    };
    hg_operate(plan, node, conv->transposed ? &hg_conv_data : &hg_conv_forward, &gather);
}

void hg_conv_emit_backward(hg_plan *plan, const hg_node *node, const hg_conv *conv, bool bias)
{
    const int batch = hg_plan_batch(plan);
    if (!check_sizes(plan, node, conv)) return;
    const hg_conv_pool pool = hg_conv_pooled(plan, node);
    hg_block x = hg_plan_value(plan, node->in[0]), dy = hg_plan_grad(plan, node->out[0]);
    const hg_weight weight = {
        .conv = *conv, .pool = pool, .batch = batch, .bias = bias, .x_half = hg_plan_is_half(plan, node->in[0]),
        .large = conv->transposed ? dy : x, .small = conv->transposed ? x : dy,
    };
    if (hg_plan_wants_dw(plan, node)) hg_operate(plan, node, &hg_conv_weight, &weight);
    if (!hg_plan_wants_grad(plan, node->in[0])) return;
    const hg_gather gather = {
        .conv = *conv, .pool = pool, .batch = batch, .from = dy, .weight = gather_weights(plan, node, conv), .bias = -1,
        .to = node->in[0],
        .gradient = true, .to_half = hg_plan_is_half(plan, node->in[0]),
    };
    hg_operate(plan, node, conv->transposed ? &hg_conv_forward : &hg_conv_data, &gather);
}
