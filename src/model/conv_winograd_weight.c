/* Weight gradients by Winograd's filtering (cl/conv_winograd_weight.cl). */
#include "model/conv_winograd.h"

#include "model/conv_cpu_private.h"
#include "model/conv_reduce.h"

enum { VECTOR, VECTORS, CHANNELS, TILES, BLOCK_IN, BLOCK_OUT };

/* Bytes of all partial sums at most; of a strip's transformed tiles, unless that holds fewer than so many, for the second-level cache
 * holds partial sums and what comes next as well (m2's took 1990 us with strips of 75 tiles, 1850 with 56, 1730 with 37); strips of a
 * split at least, so that the sum over splits is lost among them; channels of a block, usually and at most. */
enum { PARTIAL_BYTES = 16 << 20, STRIP_BYTES = 128 << 10, STRIP_TILES = 24, SPLIT_STRIPS = 8, BLOCK = 64, MOST_BLOCK = 128 };
/* In multiplications: adding to a partial sum that the second-level cache holds (so that what is filtered stays what was measured to
 * pay when strips were twice as long); zeroing, reading and adding up one, measured with AVX2. */
static const double STRIP_NUMBER = 2, SPLIT_NUMBER = 16;

/* Channels that the layer reads and writes, and the phases of each side, tiles of m x m pixels of the small side, points of the
 * transformed domain. */
typedef struct winograd { int in, out, phases_in, phases_out, points, m; size_t tiles; } winograd;

static winograd winograd_of(const hg_weight *weight, int m)
{
    const hg_conv *c = &weight->conv;
    const int phases = c->sh * c->sw, edge = hg_winograd_edge(c, m);
    winograd s = {.in = c->transposed ? c->cs : c->cl, .out = c->transposed ? c->cl : c->cs, .phases_in = c->transposed ? 1 : phases,
                  .phases_out = c->transposed ? phases : 1, .points = edge * edge, .m = m};
    s.tiles = hg_mul(hg_mul((size_t)ceil_div(c->hs, m), (size_t)ceil_div(c->ws, m)), (size_t)weight->batch);
    return s;
}

static bool accepts(const void *problem, int m, const int *p)
{
    const hg_weight *weight = problem;
    const hg_conv *c = &weight->conv;
    const winograd s = winograd_of(weight, m);
    const int64_t together = (int64_t)p[VECTOR] * p[VECTORS];
    /* a transposed convolution's bias meets what tiles reach */
    const int reach = hg_winograd_edge(c, m) - m;
    const bool reached = c->hl + c->ph <= (c->hs + reach) * c->sh && c->wl + c->pw <= (c->ws + reach) * c->sw;
    if (!hg_winograd_fits(c) || c->enlarged || !reached) return false;
    return p[VECTOR] >= 4 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 && p[CHANNELS] >= 1 && p[TILES] >= 1 &&
           p[BLOCK_IN] >= most(p[VECTOR], p[CHANNELS]) && p[BLOCK_IN] <= s.in && p[BLOCK_OUT] >= together && p[BLOCK_OUT] <= least(s.out, MOST_BLOCK) &&
           p[BLOCK_OUT] % together == 0 && s.points * ((int64_t)p[TILES] * (p[BLOCK_IN] + p[BLOCK_OUT]) + 32) * 4 <= PATCH_BYTES &&
           (int64_t)s.points * s.phases_in * s.phases_out * s.in * s.out <= INT32_MAX / 4;
}

/* How the tiles are shared among items: whatever the device, so that the sums, and the bits, do not depend on its threads; splits
 * are a power of two, so that as many threads have the same to do. */
typedef struct split_up { int blocks_in, blocks_out, strips, splits; size_t numbers; } split_up;

static split_up split(const winograd *s, const int *p)
{
    split_up u = {.blocks_in = s->phases_in * ceil_div(s->in, p[BLOCK_IN]), .blocks_out = s->phases_out * ceil_div(s->out, p[BLOCK_OUT]),
                  .strips = ceil_div((int)s->tiles, p[TILES])};
    u.numbers = hg_mul((size_t)s->points * (size_t)(u.blocks_in * p[BLOCK_IN]), (size_t)(u.blocks_out * p[BLOCK_OUT]));
    const int items = u.blocks_in * u.blocks_out / (s->phases_in * s->phases_out), wanted = ceil_div(64, items);
    const int fitting = (int)(PARTIAL_BYTES / sizeof(float) / u.numbers);
    const int most_splits = least(least(wanted, fitting), u.strips / SPLIT_STRIPS);
    for (u.splits = 1; 2 * u.splits <= most_splits + most_splits / 4;) u.splits *= 2;
    return u;
}

static double fit(const hg_device_info *limits, const void *problem, int *p, int m)
{
    const hg_weight *weight = problem;
    /* elsewhere the tiles in private memory never pay */
    if (!hg_has_wide_vectors(limits) || !hg_winograd_fits(&weight->conv)) return -1;
    const winograd s = winograd_of(weight, m);
    p[VECTOR] = hg_cpu_vector(limits, least(s.in, s.out));
    p[VECTORS] = least(2, s.out / p[VECTOR]);
    const int together = p[VECTOR] * p[VECTORS];
    p[BLOCK_IN] = even_part(s.in, BLOCK);
    p[BLOCK_OUT] = most(1, even_part(s.out, BLOCK) / together) * together;
    p[CHANNELS] = even_part(p[BLOCK_IN], hg_cpu_registers_of(limits).sums / p[VECTORS]);
    const int64_t tile = s.points * (int64_t)(p[BLOCK_IN] + p[BLOCK_OUT]) * (int64_t)sizeof(float);
    const int most_tiles = (int)((PATCH_BYTES - 32 * 4 * s.points) / tile), fitting = (int)(STRIP_BYTES / tile);
    p[TILES] = least(most_tiles, most(fitting, STRIP_TILES));
    if (s.tiles < (size_t)p[TILES]) p[TILES] = (int)s.tiles;
    if (!accepts(problem, m, p)) return -1;
    const split_up u = split(&s, p);
    const double passes = STRIP_NUMBER * u.strips + SPLIT_NUMBER * u.splits;
    const size_t pixels = hg_side_pixels(hg_conv_small(&weight->conv), weight->batch);
    return hg_winograd_cost(limits, &weight->conv, m, pixels, s.tiles, s.phases_in * s.in + s.phases_out * s.out, 1, passes);
}

static void define_gradient(hg_plan *plan, hg_launch *launch, const hg_weight *weight, const int *p)
{
    const hg_conv *c = &weight->conv;
    const struct { const char *name; int value; } macros[] = {{"TRANSPOSED", c->transposed}, {"BI", p[BLOCK_IN]}, {"BO", p[BLOCK_OUT]},
        {"CL", c->cl}, {"HL", c->hl}, {"WL", c->wl}, {"CS", c->cs}, {"HS", c->hs}, {"WS", c->ws}, {"BIAS", weight->bias},
        {"Q", p[CHANNELS]}, {"STRIP", p[TILES]}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
}

static void emit(hg_plan *plan, const hg_node *node, const void *problem, const int *p, int m)
{
    const hg_weight *weight = problem;
    const winograd s = winograd_of(weight, m);
    const split_up u = split(&s, p);
    hg_block partials = hg_plan_scratch(plan, hg_mul((size_t)u.splits * sizeof(float), u.numbers));
    const size_t biases = hg_mul((size_t)(u.splits * s.phases_out), (size_t)s.out);
    hg_block bias_partials = weight->bias ? hg_plan_scratch(plan, hg_mul(biases, sizeof(float))) : -1;
    hg_launch *launch = hg_emit(plan, node, "weight gradient", "conv_winograd_weight", "weight_gradient");
    hg_emit_read(plan, launch, weight->large);
    hg_emit_read(plan, launch, weight->small);
    hg_emit_write(plan, launch, partials);
    hg_emit_write(plan, launch, bias_partials);
    hg_emit_int(plan, launch, (int64_t)s.tiles);
    hg_emit_int(plan, launch, u.splits);
    hg_winograd_define(plan, launch, &weight->conv, m, p[VECTOR], p[VECTORS]);
    define_gradient(plan, launch, weight, p);
    hg_weight_emit_cost(plan, launch, weight, u.splits);
    hg_emit_taken(plan, launch, (size_t)(u.blocks_out / s.phases_out) * (size_t)(u.blocks_in / s.phases_in) * (size_t)u.splits);
    hg_emit_variant(plan, launch, "winograd_%d %d:%d:%d:%d:%d:%d, %d splits", m, p[VECTOR], p[VECTORS], p[CHANNELS], p[TILES],
                    p[BLOCK_IN], p[BLOCK_OUT], u.splits);

    launch = hg_emit(plan, node, "weight gradient sum", "conv_winograd_weight", "weight_sum");
    hg_emit_read(plan, launch, partials);
    hg_emit_int(plan, launch, u.splits);
    hg_emit_dw(plan, launch, node, 0, "DW");
    hg_emit_int(plan, launch, s.in);
    hg_emit_int(plan, launch, s.out);
    hg_emit_int(plan, launch, p[BLOCK_IN]);
    hg_emit_int(plan, launch, p[BLOCK_OUT]);
    hg_emit_int(plan, launch, weight->conv.transposed);
    hg_emit_define(plan, launch, "MOST_BO", MOST_BLOCK);
    hg_winograd_define(plan, launch, &weight->conv, m, p[VECTOR], p[VECTORS]);
    const double summed = (double)u.numbers * u.splits;
    hg_emit_cost(plan, launch, summed, (summed + (double)weight->conv.kh * weight->conv.kw * s.in * s.out) * sizeof(float));
    hg_emit_rows(plan, launch, (size_t)(u.blocks_in * u.blocks_out * p[BLOCK_IN]), (size_t)(s.points * u.splits) * (size_t)p[BLOCK_OUT]);
    if (weight->bias) hg_conv_emit_reduce(plan, node, NULL, u.splits * s.phases_out, -1, 0, bias_partials, (size_t)s.out);
}

#define VARIANT(m) \
    static double fit_##m(const hg_device_info *l, const void *q, int *p) { return fit(l, q, p, m); } \
    static bool accept_##m(const hg_device_info *l, const void *q, const int *p) { (void)l; return accepts(q, m, p); } \
    static void emit_##m(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit(plan, node, q, p, m); } \
    const hg_variant hg_winograd_##m##_weight = {"winograd_" #m, {"vector", "vectors", "channels", "tiles", "block_in", "block_out", NULL}, \
        fit_##m, accept_##m, emit_##m, .half = true};
VARIANT(2)
VARIANT(4)
