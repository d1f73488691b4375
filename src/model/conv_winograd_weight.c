/* Weight gradients by Winograd's filtering (cl/conv_winograd.cl). */
#include "model/conv_winograd.h"

#include "model/conv_cpu_private.h"
#include "model/conv_reduce.h"

enum { VECTOR, VECTORS, CHANNELS, TILES, BLOCK_IN, BLOCK_OUT };

/* Bytes of all partial sums at most; channels of a block. */
enum { PARTIAL_BYTES = 16 << 20, BLOCK = 64 };

/* Channels that the layer reads and writes, tiles of m x m pixels of the small side, points of the transformed domain. */
typedef struct winograd { int in, out, points, m; size_t tiles; } winograd;

static winograd winograd_of(const hg_weight *weight, int m)
{
    const hg_conv *c = &weight->conv;
    winograd s = {.in = c->transposed ? c->cs : c->cl, .out = c->transposed ? c->cl : c->cs, .points = (m + 2) * (m + 2), .m = m};
    s.tiles = hg_mul(hg_mul((size_t)ceil_div(c->hs, m), (size_t)ceil_div(c->ws, m)), (size_t)weight->batch);
    return s;
}

static bool accepts(const void *problem, int m, const int *p)
{
    const hg_weight *weight = problem;
    const hg_conv *c = &weight->conv;
    const winograd s = winograd_of(weight, m);
    const int64_t together = (int64_t)p[VECTOR] * p[VECTORS];
    if (c->kh != 3 || c->kw != 3 || c->sh != 1 || c->sw != 1 || c->dh != 1 || c->dw != 1) return false;
    return p[VECTOR] >= 4 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 && p[CHANNELS] >= 1 && p[TILES] >= 1 &&
           p[BLOCK_IN] >= most(p[VECTOR], p[CHANNELS]) && p[BLOCK_IN] <= s.in && p[BLOCK_OUT] >= together && p[BLOCK_OUT] <= s.out &&
           p[BLOCK_OUT] % together == 0 && s.points * ((int64_t)p[TILES] * (p[BLOCK_IN] + p[BLOCK_OUT]) + 32) * 4 <= PATCH_BYTES;
}

static double fit(const hg_device_info *limits, const void *problem, int *p, int m)
{
    const winograd s = winograd_of(problem, m);
    p[VECTOR] = hg_cpu_vector(limits, least(s.in, s.out));
    p[VECTORS] = least(2, s.out / p[VECTOR]);
    const int together = p[VECTOR] * p[VECTORS];
    p[BLOCK_IN] = even_part(s.in, BLOCK);
    p[BLOCK_OUT] = most(1, even_part(s.out, BLOCK) / together) * together;
    p[CHANNELS] = even_part(p[BLOCK_IN], hg_cpu_registers_of(limits).sums / p[VECTORS]);
    const int64_t tile = s.points * (int64_t)(p[BLOCK_IN] + p[BLOCK_OUT]) * (int64_t)sizeof(float), fitting = (PATCH_BYTES - 32 * 4 * s.points) / tile;
    p[TILES] = s.tiles < (size_t)fitting ? (int)s.tiles : (int)fitting;
    return accepts(problem, m, p) ? 2 * hg_cpu_place(limits) : -1;
}

static void define_sizes(hg_plan *plan, hg_launch *launch, const hg_weight *weight, const winograd *s, const int *p)
{
    const hg_conv *c = &weight->conv;
    const struct { const char *name; int value; } macros[] = {{"WEIGHT", 1}, {"M", s->m}, {"CL", c->cl}, {"HL", c->hl}, {"WL", c->wl}, {"CS", c->cs},
        {"HS", c->hs}, {"WS", c->ws}, {"PH", c->ph}, {"PW", c->pw}, {"TRANSPOSED", c->transposed}, {"BIAS", weight->bias}, {"HG_VEC", p[VECTOR]},
        {"NV", p[VECTORS]}, {"Q", p[CHANNELS]}, {"STRIP", p[TILES]}, {"BI", p[BLOCK_IN]}, {"BO", p[BLOCK_OUT]}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
}

static void emit(hg_plan *plan, const hg_node *node, const void *problem, const int *p, int m)
{
    const hg_weight *weight = problem;
    const winograd s = winograd_of(weight, m);
    const int blocks_in = ceil_div(s.in, p[BLOCK_IN]), blocks_out = ceil_div(s.out, p[BLOCK_OUT]), strips = ceil_div((int)s.tiles, p[TILES]);
    const size_t numbers = hg_mul((size_t)s.points * (size_t)(blocks_in * p[BLOCK_IN]), (size_t)(blocks_out * p[BLOCK_OUT]));
    /* whatever the device: the sums, and so the bits, do not depend on its threads */
    const int wanted = most(1, least(least(ceil_div(64, blocks_in * blocks_out), strips), (int)(PARTIAL_BYTES / (numbers * sizeof(float)))));
    const int span = ceil_div(strips, wanted), splits = ceil_div(strips, span);
    hg_block partials = hg_plan_scratch(plan, hg_mul((size_t)splits * sizeof(float), numbers));
    hg_block bias_partials = weight->bias ? hg_plan_scratch(plan, hg_mul((size_t)splits * sizeof(float), (size_t)s.out)) : -1;
    hg_launch *launch = hg_emit(plan, node, "weight gradient", "conv_winograd", "weight_gradient");
    hg_emit_read(plan, launch, weight->large);
    hg_emit_read(plan, launch, weight->small);
    hg_emit_write(plan, launch, partials);
    hg_emit_write(plan, launch, bias_partials);
    hg_emit_int(plan, launch, (int64_t)s.tiles);
    hg_emit_int(plan, launch, span);
    define_sizes(plan, launch, weight, &s, p);
    hg_weight_emit_cost(plan, launch, weight, splits);
    hg_emit_range(plan, launch, (size_t)splits, (size_t)blocks_in, (size_t)blocks_out, 1, 1, 1);
    hg_emit_variant(plan, launch, "winograd_%d %d:%d:%d:%d:%d:%d, %d splits", m, p[VECTOR], p[VECTORS], p[CHANNELS], p[TILES], p[BLOCK_IN], p[BLOCK_OUT], splits);

    launch = hg_emit(plan, node, "weight gradient sum", "conv_winograd", "weight_sum");
    hg_emit_read(plan, launch, partials);
    hg_emit_int(plan, launch, splits);
    hg_emit_dw(plan, launch, node, 0, "DW");
    define_sizes(plan, launch, weight, &s, p);
    hg_emit_cost(plan, launch, (double)numbers * splits, ((double)numbers * splits + 9.0 * s.in * s.out) * sizeof(float));
    hg_emit_rows(plan, launch, (size_t)(blocks_in * blocks_out * p[BLOCK_IN]), (size_t)(s.points * splits) * (size_t)p[BLOCK_OUT]);
    if (weight->bias) hg_conv_emit_reduce(plan, node, splits, -1, 0, bias_partials, (size_t)s.out);
}

#define VARIANT(m) \
    static double fit_##m(const hg_device_info *l, const void *q, int *p) { return fit(l, q, p, m); } \
    static bool accept_##m(const hg_device_info *l, const void *q, const int *p) { (void)l; return accepts(q, m, p); } \
    static void emit_##m(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit(plan, node, q, p, m); } \
    const hg_variant hg_winograd_##m##_weight = {"winograd_" #m, {"vector", "vectors", "channels", "tiles", "block_in", "block_out", NULL}, \
        fit_##m, accept_##m, emit_##m};
VARIANT(2)
VARIANT(4)
