#include "model/conv_winograd.h"

#include <math.h>
#include "model/conv_cpu_private.h"

enum { VECTOR, VECTORS, TILES, PRODUCTS };

/* Measured with AVX2 and AVX-512, in multiplications: the transforms of a number of a tile; those of a weight in the transformed domain. */
static const double TILE_NUMBER = 6, WEIGHT_NUMBER = 32;
/* A product of so few terms costs twice what they do, one of twice as many a quarter more, on AVX2; with AVX-512 it is not measured. Beside
 * cpu_batch: m2's decoder.3 (64 terms, and 89) 0.85 to 0.97 times as fast, m4's encoder.1 (128 and 64) 1.38 and 1.09, encoder.2 (256 and
 * 128) 1.44 and 1.33. */
static const double FEW_TERMS_OF_16 = 33;

bool hg_winograd_fits(const hg_conv *c)
{
    const bool plain = c->kh == 3 && c->sh == 1, strided = (c->kh == 3 || c->kh == 4) && c->sh == 2;
    return c->kh == c->kw && c->sh == c->sw && c->dh == 1 && c->dw == 1 && (plain || strided);
}

int hg_winograd_edge(const hg_conv *c, int m) { return m + ceil_div(c->kh, c->sh) - 1; }

/* Products of all phases for M results, in one dimension. */
static int products_of(const hg_conv *c, int m) { return c->kh + (m - 1) * c->sh; }

double hg_winograd_cost(const hg_device_info *limits, const hg_conv *c, int m, size_t pixels, size_t tiles, int turned, double product,
                        double passes)
{
    const int edge = hg_winograd_edge(c, m), phases = c->sh * c->sw, products = products_of(c, m);
    const double pairs = (double)c->cl * c->cs, points = edge * edge;
    const double tile = product * products * products * pairs + points * TILE_NUMBER * turned;
    const double cost = ((double)tiles * tile + passes * phases * points * pairs) / ((double)c->kh * c->kw * (double)pixels * pairs);
    /* Where little is to be gained it is for the tuner to find out; so it is with the large tiles of stride 2, which gain some 15 % more
     * than small ones, but whose kernels take twice as long to compile: they would make a first step late. */
    const bool tuners = least(c->cl, c->cs) < 16 || cost > 0.95 || (m > 2 && c->sh > 1);
    return hg_cpu_place(limits) * (tuners ? fmax(cost, 1.5) : cost);
}

/* Bytes of a strip's transformed tiles that leave room for the weights of a block in a second-level cache. */
enum { STRIP_BYTES = PATCH_BYTES / 2 };

/* Tiles of m x m results with edge x edge points of the transformed domain; what is read and written; phases of what is read, each time. */
typedef struct winograd { hg_side read, written; int m, edge, phases; size_t tiles; } winograd;

static winograd winograd_of(const hg_gather *gather, bool data, int m)
{
    const hg_conv *c = &gather->conv;
    winograd s = {.read = data ? hg_conv_small(c) : hg_conv_large(c), .written = data ? hg_conv_large(c) : hg_conv_small(c), .m = m,
                  .edge = hg_winograd_edge(c, m), .phases = data ? 1 : c->sh * c->sw};
    const int step = data ? c->sh : 1, rows = ceil_div(ceil_div(s.written.h, step), m), columns = ceil_div(ceil_div(s.written.w, step), m);
    s.tiles = hg_mul(hg_mul((size_t)rows, (size_t)columns), (size_t)gather->batch);
    return s;
}

/* Of a strip's transformed tiles and products. */
static int64_t patch_bytes(const winograd *s, const int *p)
{
    const int64_t tile = (int64_t)s->phases * s->read.c + 16 + p[VECTOR] * p[VECTORS];
    return (int64_t)s->edge * s->edge * ((int64_t)p[TILES] * p[PRODUCTS] * tile + 32) * (int64_t)sizeof(float);
}

static bool accepts(const hg_gather *gather, bool data, int m, const int *p)
{
    const hg_conv *c = &gather->conv;
    const winograd s = winograd_of(gather, data, m);
    return hg_winograd_fits(c) && p[VECTOR] >= 4 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTOR] <= s.read.c &&
           p[VECTORS] >= 1 && (int64_t)p[VECTOR] * p[VECTORS] <= s.written.c && p[TILES] >= 1 && p[PRODUCTS] >= 1 &&
           (size_t)p[TILES] * (size_t)p[PRODUCTS] <= s.tiles && patch_bytes(&s, p) <= 2 * PATCH_BYTES &&
           (int64_t)c->sh * c->sw * s.edge * s.edge * s.read.c * s.written.c <= INT32_MAX / 2;
}

/* Tiles of a product: `limit`, or somewhat less if the last strip, which is moved back, then makes fewer of them twice. */
static int strip_tiles(size_t tiles, int limit)
{
    if (tiles <= (size_t)limit) return (int)tiles;
    int best = limit;
    size_t least_made = SIZE_MAX;
    for (int n = limit; n > limit - limit / 8 - 1 && n > 0; n--) {
        const size_t made = (tiles + (size_t)n - 1) / (size_t)n * (size_t)n;
        if (made > least_made - least_made / 64) continue;
        least_made = made;
        best = n;
    }
    return best;
}

static double fit(const hg_device_info *limits, const void *problem, int *p, bool data, int m)
{
    const hg_gather *gather = problem;
    const hg_conv *c = &gather->conv;
    if (!hg_has_wide_vectors(limits) || !hg_winograd_fits(c)) return -1; /* elsewhere the tiles in private memory never pay */
    const winograd s = winograd_of(gather, data, m);
    p[VECTOR] = hg_cpu_vector(limits, least(s.read.c, s.written.c));
    p[VECTORS] = least(2, s.written.c / p[VECTOR]);
    const int sums = hg_cpu_registers_of(limits).sums / p[VECTORS];
    p[TILES] = strip_tiles(s.tiles, sums);
    for (p[PRODUCTS] = 1; (size_t)(p[PRODUCTS] + 1) * (size_t)p[TILES] <= s.tiles; p[PRODUCTS]++)
        if (patch_bytes(&s, p) > STRIP_BYTES) break;
    if (p[PRODUCTS] > 1) p[PRODUCTS]--;
    if (!accepts(gather, data, m, p)) return -1;
    /* the phases that are written may have the same tiles (cl/conv_winograd.cl) */
    const int phases = c->sh * c->sw, read = data && c->kh % c->sh ? 1 : phases, written = data ? phases : 1;
    const int turned = read * s.read.c + written * s.written.c;
    const size_t pixels = hg_side_pixels(s.written, gather->batch) / (size_t)(data ? phases : 1);
    const size_t strip = (size_t)p[TILES] * (size_t)p[PRODUCTS];
    /* of F those of all phases, or where S does not divide K of some */
    const int products = products_of(c, m);
    const double terms = data ? s.read.c : (double)(s.read.c * products * products) / (s.edge * s.edge);
    const double few = hg_cpu_registers_of(limits).all < 32 ? FEW_TERMS_OF_16 / terms : 0;
    return hg_winograd_cost(limits, c, m, pixels, s.tiles, turned, 1 + few * few, WEIGHT_NUMBER) * hg_cpu_idle((s.tiles + strip - 1) / strip);
}

void hg_winograd_define(hg_plan *plan, hg_launch *launch, const hg_conv *c, int m, int vector, int vectors)
{
    const struct { const char *name; int value; } macros[] = {{"M", m}, {"K", c->kh}, {"S", c->sh}, {"PH", c->ph}, {"PW", c->pw},
        {"HG_VEC", vector}, {"NV", vectors}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
}

static void define_gather(hg_plan *plan, hg_launch *launch, const hg_gather *gather, const winograd *s, const int *p)
{
    const struct { const char *name; int value; } macros[] = {{"IH", s->read.h}, {"IW", s->read.w}, {"G", s->read.c},
        {"OH", s->written.h}, {"OW", s->written.w}, {"O", s->written.c}, {"Q", p[TILES]}, {"STRIP", p[TILES] * p[PRODUCTS]}, {"BIAS", gather->bias >= 0}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
}

static void emit(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data, int m)
{
    const hg_gather *gather = problem;
    const winograd s = winograd_of(gather, data, m);
    const hg_conv *c = &gather->conv;
    const size_t panel = (size_t)(p[VECTOR] * p[VECTORS]), points = (size_t)(s.edge * s.edge);
    const size_t rows = hg_mul((size_t)(c->sh * c->sw * ceil_div(s.written.c, (int)panel)), (size_t)s.read.c);
    const size_t numbers = hg_mul(rows, points * panel);
    hg_block transformed = hg_plan_scratch(plan, hg_mul(numbers, sizeof(float)));
    const hg_block stored = hg_gather_weights(plan, node, gather, s.written.c);
    hg_launch *launch = hg_emit(plan, node, "weights transformed", "conv_winograd", "weights");
    hg_emit_read(plan, launch, stored);
    hg_emit_write(plan, launch, transformed);
    hg_emit_int(plan, launch, s.read.c);
    hg_emit_int(plan, launch, s.written.c);
    hg_winograd_define(plan, launch, c, m, p[VECTOR], p[VECTORS]);
    hg_emit_define(plan, launch, "DATA", data);
    hg_emit_rows(plan, launch, rows, points * panel);
    hg_emit_cost(plan, launch, 0, ((double)numbers + (double)c->kh * c->kw * s.read.c * s.written.c) * sizeof(float));

    const size_t strip = (size_t)p[TILES] * (size_t)p[PRODUCTS], strips = (s.tiles + strip - 1) / strip;
    launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", "conv_winograd", "gather");
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, transformed);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_int(plan, launch, (int64_t)s.tiles);
    hg_winograd_define(plan, launch, c, m, p[VECTOR], p[VECTORS]);
    hg_emit_define(plan, launch, "DATA", data);
    define_gather(plan, launch, gather, &s, p);
    hg_gather_emit_cost(plan, launch, gather);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, strips));
    hg_emit_variant(plan, launch, "winograd_%d %d:%d:%d:%d", m, p[VECTOR], p[VECTORS], p[TILES], p[PRODUCTS]);
}

#define VARIANT(m, operation, data) \
    static double fit_##m##_##operation(const hg_device_info *l, const void *q, int *p) { return fit(l, q, p, data, m); } \
    static bool accept_##m##_##operation(const hg_device_info *l, const void *q, const int *p) { (void)l; return accepts(q, data, m, p); } \
    static void emit_##m##_##operation(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit(plan, node, q, p, data, m); } \
    const hg_variant hg_winograd_##m##_##operation = {"winograd_" #m, {"vector", "vectors", "tiles", "products", NULL}, \
        fit_##m##_##operation, accept_##m##_##operation, emit_##m##_##operation, .half = true};
VARIANT(2, forward, false)
VARIANT(4, forward, false)
VARIANT(2, data, true)
VARIANT(4, data, true)
