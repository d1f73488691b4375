#include "model/conv_winograd.h"

#include <math.h>
#include "model/conv_cpu_private.h"

enum { VECTOR, VECTORS, TILES, PRODUCTS };

/* Measured with AVX2, in multiplications: the transforms of a number of a tile; those of a weight in the transformed domain. */
static const double TILE_NUMBER = 8, WEIGHT_NUMBER = 32;

double hg_winograd_cost(const hg_device_info *limits, int in, int out, size_t pixels, size_t tiles, int points, double passes)
{
    const double pairs = (double)in * out;
    const double cost = points * ((double)tiles * (pairs + TILE_NUMBER * (in + out)) + passes * pairs) / (9.0 * (double)pixels * pairs);
    /* where little is to be gained it is for the tuner to find out */
    return hg_cpu_place(limits) * (least(in, out) < 16 || cost > 0.7 ? fmax(cost, 1.5) : cost);
}

/* Bytes of a strip's transformed tiles that leave room for the weights of a block in a second-level cache. */
enum { STRIP_BYTES = PATCH_BYTES / 2 };

/* Tiles of m x m results with points of the transformed domain; what is read and written. */
typedef struct winograd { hg_side read, written; int m, points; size_t tiles; } winograd;

static winograd winograd_of(const hg_gather *gather, bool data, int m)
{
    const hg_conv *c = &gather->conv;
    winograd s = {.read = data ? hg_conv_small(c) : hg_conv_large(c), .written = data ? hg_conv_large(c) : hg_conv_small(c), .m = m, .points = (m + 2) * (m + 2)};
    s.tiles = hg_mul(hg_mul((size_t)ceil_div(s.written.h, m), (size_t)ceil_div(s.written.w, m)), (size_t)gather->batch);
    return s;
}

/* Of a strip's transformed tiles and products. */
static int64_t patch_bytes(const winograd *s, const int *p)
{
    return (int64_t)s->points * ((int64_t)p[TILES] * p[PRODUCTS] * (s->read.c + p[VECTOR] * p[VECTORS]) + 32) * (int64_t)sizeof(float);
}

static bool accepts(const hg_gather *gather, bool data, int m, const int *p)
{
    const hg_conv *c = &gather->conv;
    const winograd s = winograd_of(gather, data, m);
    return c->kh == 3 && c->kw == 3 && c->sh == 1 && c->sw == 1 && c->dh == 1 && c->dw == 1 && p[VECTOR] >= 4 && p[VECTOR] <= 16 &&
           !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTOR] <= s.read.c && p[VECTORS] >= 1 && (int64_t)p[VECTOR] * p[VECTORS] <= s.written.c &&
           p[TILES] >= 1 && p[PRODUCTS] >= 1 && (size_t)p[TILES] * (size_t)p[PRODUCTS] <= s.tiles && patch_bytes(&s, p) <= PATCH_BYTES &&
           (int64_t)s.points * s.read.c * s.written.c <= INT32_MAX / 2;
}

static double fit(const hg_device_info *limits, const void *problem, int *p, bool data, int m)
{
    const winograd s = winograd_of(problem, data, m);
    if (!hg_has_wide_vectors(limits)) return -1; /* elsewhere the tiles in private memory never pay */
    p[VECTOR] = hg_cpu_vector(limits, least(s.read.c, s.written.c));
    p[VECTORS] = least(2, s.written.c / p[VECTOR]);
    const int sums = hg_cpu_registers_of(limits).sums / p[VECTORS];
    const int64_t tile = (int64_t)s.points * s.read.c * (int64_t)sizeof(float);
    p[TILES] = s.tiles < (size_t)sums ? (int)s.tiles : sums;
    p[PRODUCTS] = 1;
    while ((size_t)(p[PRODUCTS] + 1) * (size_t)p[TILES] <= s.tiles && (p[PRODUCTS] + 1) * p[TILES] * tile <= STRIP_BYTES) p[PRODUCTS]++;
    if (!accepts(problem, data, m, p)) return -1;
    const size_t pixels = hg_side_pixels(s.written, ((const hg_gather *)problem)->batch);
    return hg_winograd_cost(limits, s.read.c, s.written.c, pixels, s.tiles, s.points, WEIGHT_NUMBER);
}

static void define_sizes(hg_plan *plan, hg_launch *launch, const hg_gather *gather, const winograd *s, bool data, const int *p)
{
    const struct { const char *name; int value; } macros[] = {{"M", s->m}, {"G", s->read.c}, {"O", s->written.c}, {"IH", s->read.h}, {"IW", s->read.w},
        {"OH", s->written.h}, {"OW", s->written.w}, {"PH", gather->conv.ph}, {"PW", gather->conv.pw}, {"DATA", data}, {"HG_VEC", p[VECTOR]},
        {"NV", p[VECTORS]}, {"Q", p[TILES]}, {"STRIP", p[TILES] * p[PRODUCTS]}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
}

static void emit(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data, int m)
{
    const hg_gather *gather = problem;
    const winograd s = winograd_of(gather, data, m);
    const int blocks = ceil_div(s.written.c, p[VECTOR] * p[VECTORS]);
    const size_t numbers = hg_mul((size_t)s.points * (size_t)s.read.c, (size_t)(blocks * p[VECTOR] * p[VECTORS]));
    hg_block transformed = hg_plan_scratch(plan, hg_mul(numbers, sizeof(float)));
    const hg_block stored = hg_gather_weights(plan, node, gather, s.written.c);
    hg_launch *launch = hg_emit(plan, node, "weights transformed", "conv_winograd", "weights");
    hg_emit_read(plan, launch, stored);
    hg_emit_write(plan, launch, transformed);
    define_sizes(plan, launch, gather, &s, data, p);
    hg_emit_rows(plan, launch, (size_t)blocks * (size_t)s.read.c, (size_t)s.points * (size_t)(p[VECTOR] * p[VECTORS]));
    hg_emit_cost(plan, launch, 0, ((double)numbers + 9.0 * s.read.c * s.written.c) * sizeof(float));

    const size_t strip = (size_t)p[TILES] * (size_t)p[PRODUCTS], strips = (s.tiles + strip - 1) / strip;
    launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", "conv_winograd", "gather");
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, transformed);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_int(plan, launch, (int64_t)s.tiles);
    hg_emit_define(plan, launch, "BIAS", gather->bias >= 0);
    define_sizes(plan, launch, gather, &s, data, p);
    hg_gather_emit_cost(plan, launch, gather);
    hg_emit_range(plan, launch, hg_cpu_items(plan, strips), 1, 1, 1, 1, 1);
    hg_emit_variant(plan, launch, "winograd_%d %d:%d:%d:%d", m, p[VECTOR], p[VECTORS], p[TILES], p[PRODUCTS]);
}

#define VARIANT(m, operation, data) \
    static double fit_##m##_##operation(const hg_device_info *l, const void *q, int *p) { return fit(l, q, p, data, m); } \
    static bool accept_##m##_##operation(const hg_device_info *l, const void *q, const int *p) { (void)l; return accepts(q, data, m, p); } \
    static void emit_##m##_##operation(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit(plan, node, q, p, data, m); } \
    const hg_variant hg_winograd_##m##_##operation = {"winograd_" #m, {"vector", "vectors", "tiles", "products", NULL}, \
        fit_##m##_##operation, accept_##m##_##operation, emit_##m##_##operation};
VARIANT(2, forward, false)
VARIANT(4, forward, false)
VARIANT(2, data, true)
VARIANT(4, data, true)
