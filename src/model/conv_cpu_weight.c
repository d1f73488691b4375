/* Weight gradients (cl/conv_cpu_weight.cl, cl/conv_cpu_weight_taps.cl). */
#include "model/conv_cpu_private.h"

#include "model/conv_reduce.h"

/* Bytes that an item sums, which the second-level cache keeps, and that it copies together; pixels over which adding to the totals is
 * lost, of whole pictures and of rows of one, which are read no more often in smaller bands. Two multiply-adds a cycle, each of four or
 * five cycles, keep that many sums under way. */
enum { BLOCK_BYTES = 256 << 10, COPIED_BYTES = 64 << 10, CHUNK_PIXELS = 96, BAND_PIXELS = 128, PRODUCT_PIXELS = 128, PRODUCT_BLOCKS = 8,
       SPLIT_PIXELS = 400, LINE = 16, SUMS_AT_ONCE = 10 };

enum { VECTOR, VECTORS, SCALARS, VECTOR_TILES, SCALAR_TILES, CHUNK };

/* Vectors go along what the layer writes, as the weights do in memory, unless only the other side fills them. `merged`: few channels of
 * the large side are scalars, and those of a whole row of taps are taken together. */
typedef struct weight_shape { hg_conv conv; int batch, scalars, vectors; bool vector_large, merged; } weight_shape;

static weight_shape weight_shape_of(const hg_weight *weight)
{
    weight_shape s = {.conv = weight->conv, .batch = weight->batch};
    const hg_conv *c = &s.conv;
    s.vector_large = c->cs < 16 ? c->cl > c->cs : c->transposed && c->cl >= 16;
    s.merged = !s.vector_large && c->cl <= 4 && c->kw > 1 && c->dw == 1;
    s.scalars = s.vector_large ? c->cs : c->cl;
    s.vectors = s.vector_large ? c->cl : c->cs;
    return s;
}

/* Scalars that tiles are made of, for each of `taps`. */
static int tiled_scalars(const weight_shape *s) { return s->merged ? s->conv.kw * s->scalars : s->scalars; }
static int64_t taps_of(const weight_shape *s) { return s->merged ? s->conv.kh : (int64_t)s->conv.kh * s->conv.kw; }

/* A band: rows of a picture's small side, or so many whole pictures. */
static int pictures_of(const weight_shape *s, int rows) { return rows < s->conv.hs ? 1 : rows / s->conv.hs; }

/* What an item copies together of a band, a line more for each tile, and what it sums. */
static int64_t copied_bytes(const weight_shape *s, const int *p)
{
    const hg_conv *c = &s->conv;
    const int64_t rows = least(p[CHUNK], c->hs), pictures = pictures_of(s, p[CHUNK]);
    const int64_t v = (int64_t)p[VECTOR] * p[VECTORS] * p[VECTOR_TILES], x = s->merged ? s->scalars : (int64_t)p[SCALARS] * p[SCALAR_TILES];
    const int64_t patch = ((rows - 1) * c->sh + (int64_t)(c->kh - 1) * c->dh + 1) * ((int64_t)(c->ws - 1) * c->sw + (int64_t)(c->kw - 1) * c->dw + 1);
    const int64_t panels = (int64_t)p[VECTOR_TILES] + (s->merged ? 1 : p[SCALAR_TILES]);
    return (pictures * (patch * (s->vector_large ? v : x) + rows * c->ws * (s->vector_large ? x : v)) + panels * LINE) * (int64_t)sizeof(float);
}

static int64_t summed_bytes(const weight_shape *s, const int *p)
{
    return taps_of(s) * p[SCALARS] * p[SCALAR_TILES] * p[VECTOR] * p[VECTORS] * p[VECTOR_TILES] * (int64_t)sizeof(float);
}

static bool accept_weight(const hg_device_info *limits, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    (void)limits;
    return p[VECTOR] >= 1 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 && p[VECTOR] * p[VECTORS] <= s.vectors &&
           p[SCALARS] >= 1 && p[SCALARS] <= least(32, tiled_scalars(&s)) && p[VECTOR_TILES] >= 1 && p[SCALAR_TILES] >= 1 && p[CHUNK] >= 1 &&
           p[VECTOR_TILES] <= ceil_div(s.vectors, p[VECTOR] * p[VECTORS]) && p[SCALAR_TILES] <= ceil_div(tiled_scalars(&s), p[SCALARS]) &&
           (p[CHUNK] <= s.conv.hs || (p[CHUNK] % s.conv.hs == 0 && p[CHUNK] / s.conv.hs <= s.batch)) &&
           copied_bytes(&s, p) <= PATCH_BYTES && summed_bytes(&s, p) <= PATCH_BYTES;
}

/* Scalars in a tile: so many, at most `limit`, that none are left over, if that costs registers a third of their sums at most; not so few
 * that sums wait for each other, unless with more of them a tile would be clearly too large for what is left. */
static int scalar_tile(int scalars, int limit, int vectors)
{
    const int even = even_part(scalars, limit), left_empty = ceil_div(scalars, even) * even - scalars;
    for (int tile = least(limit, scalars); tile > 0 && tile >= limit * 2 / 3; tile--)
        if (scalars % tile == 0 && (tile * vectors >= SUMS_AT_ONCE || left_empty > scalars / 8)) return tile;
    return even;
}

/* Tiles of a block: about equal parts of at most `limit`, or down to half as many where the last block would have clearly fewer than the
 * others: the items that a driver gives its threads then mean the same work. */
static int block_tiles(int tiles, int limit)
{
    int best = even_part(tiles, limit);
    for (int part = best - 1; 2 * part > best; part--)
        if (ceil_div(tiles, part) * part < ceil_div(tiles, best) * best - tiles / 20) best = part;
    return best;
}

static double fit_weight(const hg_device_info *limits, const void *problem, int *p)
{
    if (!hg_has_wide_vectors(limits)) return -1; /* it never pays there, and llvmpipe (Mesa 22.3) computes it wrong */
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    const int sums = hg_cpu_registers_of(limits).sums, scalars = tiled_scalars(&s);
    p[VECTOR] = hg_cpu_vector(limits, s.vectors);
    p[VECTORS] = least(2, s.vectors / p[VECTOR]);
    p[SCALARS] = scalar_tile(scalars, p[VECTORS] == 1 ? least(sums, 16) : least(sums / p[VECTORS], 12), p[VECTORS]);
    p[VECTOR_TILES] = p[SCALAR_TILES] = p[CHUNK] = 1;
    /* a block whose sides take about as long to copy: a pixel of the small side meets `patch` pixels of the large one */
    const int patch = c->sh * c->sw, of_scalars = s.vector_large ? 1 : patch, of_vectors = s.vector_large ? patch : 1;
    const int tiles_v = ceil_div(s.vectors, p[VECTOR] * p[VECTORS]), tiles_s = ceil_div(scalars, p[SCALARS]);
    for (bool grown = true; grown;) {
        const bool taller = p[SCALARS] * p[SCALAR_TILES] * of_scalars <= of_vectors * p[VECTOR] * p[VECTORS] * p[VECTOR_TILES];
        int *side = (taller && p[SCALAR_TILES] < tiles_s) || p[VECTOR_TILES] == tiles_v ? &p[SCALAR_TILES] : &p[VECTOR_TILES];
        const int most_tiles = side == &p[SCALAR_TILES] ? tiles_s : tiles_v;
        grown = *side < most_tiles;
        if (!grown) break;
        ++*side;
        if (summed_bytes(&s, p) > BLOCK_BYTES) --*side, grown = false;
    }
    /* products have no taps over which a block serves several times: smaller ones make items where there would have to be splits */
    while (hg_conv_is_product(c) && ceil_div(tiles_v, p[VECTOR_TILES]) * ceil_div(tiles_s, p[SCALAR_TILES]) < PRODUCT_BLOCKS) {
        int *side = p[VECTOR_TILES] * p[VECTOR] * p[VECTORS] > p[SCALAR_TILES] * p[SCALARS] ? &p[VECTOR_TILES] : &p[SCALAR_TILES];
        if (*side == 1) break;
        *side = ceil_div(*side, 2);
    }
    p[VECTOR_TILES] = block_tiles(tiles_v, p[VECTOR_TILES]);
    p[SCALAR_TILES] = block_tiles(tiles_s, p[SCALAR_TILES]);
    /* enough pixels that adding to the totals is lost among them, in even bands */
    int bands = 1;
    p[CHUNK] = c->hs;
    while (p[CHUNK] > 1 && copied_bytes(&s, p) > COPIED_BYTES && ceil_div(c->hs, bands + 1) * c->ws >= BAND_PIXELS)
        p[CHUNK] = ceil_div(c->hs, ++bands);
    if (p[CHUNK] == c->hs) {
        int pictures = least(s.batch, hg_conv_is_product(c) ? PRODUCT_PIXELS : ceil_div(CHUNK_PIXELS, c->hs * c->ws));
        do p[CHUNK] = pictures * c->hs;
        while (copied_bytes(&s, p) > PATCH_BYTES && --pictures > 0);
        if (pictures > 0) p[CHUNK] = even_part(s.batch, pictures) * c->hs;
    }
    return accept_weight(limits, problem, p) ? hg_cpu_place(limits) : -1;
}

/* About 32 items, whatever the device: the sums, and so the bits, do not depend on its threads. Half as many where a split would
 * have few pixels, as all of products do, and writing its sums and adding them up would take about as long as summing. */
static int splits_of(const hg_conv *conv, int batch, int units, int blocks, size_t count, int *span)
{
    const int items = (int64_t)batch * conv->hs * conv->ws < 32 * SPLIT_PIXELS ? 16 : 32;
    const int wanted = most(1, least(least((items + blocks / 2) / blocks, units), (int)((8 << 20) / (count * sizeof(float))) + 1));
    *span = ceil_div(units, wanted);
    return ceil_div(units, *span);
}

hg_weight_launch hg_cpu_weight_begin(hg_plan *plan, const hg_node *node, const hg_weight *weight, const char *file, const char *kernel,
                                     int units, int blocks)
{
    const hg_conv *c = &weight->conv;
    const int out = c->transposed ? c->cl : c->cs;
    hg_weight_launch w = {.conv = c, .weights = (size_t)c->kh * (size_t)c->kw * (size_t)c->cl * (size_t)c->cs, .biases = weight->bias ? (size_t)out : 0, .bias_partials = -1};
    int span;
    w.splits = splits_of(c, weight->batch, units, blocks, w.weights, &span);
    const bool direct = w.direct = w.splits == 1 && !c->enlarged;
    w.partials = direct ? -1 : hg_plan_scratch(plan, hg_mul((size_t)w.splits * sizeof(float), w.weights));
    if (!direct && weight->bias) w.bias_partials = hg_plan_scratch(plan, hg_mul((size_t)w.splits * sizeof(float), w.biases));
    w.launch = hg_emit(plan, node, "weight gradient", file, kernel);
    hg_emit_read(plan, w.launch, weight->large);
    hg_emit_read(plan, w.launch, weight->small);
    if (direct) hg_emit_dw(plan, w.launch, node, 0, "DW");
    else hg_emit_write(plan, w.launch, w.partials);
    if (direct && weight->bias) hg_emit_dw(plan, w.launch, node, 1, "DB");
    else hg_emit_write(plan, w.launch, w.bias_partials);
    hg_emit_int(plan, w.launch, units);
    hg_emit_int(plan, w.launch, span);
    hg_conv_define(plan, w.launch, c);
    const struct { const char *name; int value; } macros[] = {{"CL", c->cl}, {"HL", c->hl}, {"WL", c->wl}, {"CS", c->cs}, {"HS", c->hs}, {"WS", c->ws},
        {"TRANSPOSED", c->transposed}, {"BIAS", weight->bias}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, w.launch, macros[i].name, macros[i].value);
    hg_weight_emit_cost(plan, w.launch, weight, w.splits);
    return w;
}

void hg_cpu_weight_end(hg_plan *plan, const hg_node *node, const hg_weight_launch *w)
{
    if (!w->direct) hg_conv_emit_reduce(plan, node, w->conv, w->splits, w->partials, w->weights, w->bias_partials, w->biases);
}

static void emit_weight(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const int blocks_s = ceil_div(tiled_scalars(&s), p[SCALARS] * p[SCALAR_TILES]), blocks_v = ceil_div(s.vectors, p[VECTOR] * p[VECTORS] * p[VECTOR_TILES]);
    const int units = ceil_div(s.batch, pictures_of(&s, p[CHUNK])) * ceil_div(s.conv.hs, least(p[CHUNK], s.conv.hs));
    const hg_weight_launch w = hg_cpu_weight_begin(plan, node, problem, "conv_cpu_weight", "weight_gradient", units, blocks_s * blocks_v);
    hg_emit_int(plan, w.launch, s.batch);
    hg_emit_define(plan, w.launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, w.launch, "NV", p[VECTORS]);
    hg_emit_define(plan, w.launch, "TI", p[SCALARS]);
    hg_emit_define(plan, w.launch, "VT", p[VECTOR_TILES]);
    hg_emit_define(plan, w.launch, "ST", p[SCALAR_TILES]);
    hg_emit_define(plan, w.launch, "RB", p[CHUNK]);
    hg_emit_define(plan, w.launch, "MERGED", s.merged);
    hg_emit_define(plan, w.launch, "VEC_LARGE", s.vector_large);
    hg_emit_taken(plan, w.launch, (size_t)w.splits * (size_t)blocks_s * (size_t)blocks_v);
    hg_emit_variant(plan, w.launch, "cpu %d:%d:%d:%d:%d:%d, %d splits", p[VECTOR], p[VECTORS], p[SCALARS], p[VECTOR_TILES], p[SCALAR_TILES], p[CHUNK],
                    w.splits);
    hg_cpu_weight_end(plan, node, &w);
}

const hg_variant hg_cpu_weight = {"cpu", {"vector", "vectors", "scalars", "vector_tiles", "scalar_tiles", "chunk", NULL}, fit_weight, accept_weight, emit_weight, .half = true};

/* ---- the weight gradient where one side has few channels */

enum { BAND_ROWS = 2, TAP_ROWS, LANES = 16 };

static int64_t taps_patch(const hg_conv *c, bool vector_large, int rows)
{
    const int64_t columns = vector_large ? c->wl : c->ws, channels = vector_large ? c->cs : c->cl;
    return ((int64_t)(rows - 1) * c->sh + (int64_t)(c->kh - 1) * c->dh + 1) * ((columns - 1) * c->sw + (int64_t)(c->kw - 1) * c->dw + 1) * channels * 4;
}

static bool accept_taps(const hg_device_info *limits, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    (void)limits;
    if (hg_conv_is_product(c) || s.scalars > 4 || (s.vector_large && (c->sh > 1 || c->sw > 1))) return false;
    return p[VECTOR] >= 1 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 && p[VECTOR] * p[VECTORS] <= s.vectors &&
           p[BAND_ROWS] >= 1 && p[TAP_ROWS] >= 1 && c->kh % p[TAP_ROWS] == 0 && taps_patch(c, s.vector_large, p[BAND_ROWS]) <= PATCH_BYTES &&
           (int64_t)c->kh * c->kw * s.scalars * (s.vectors + p[VECTORS] * p[VECTOR]) * 4 <= PATCH_BYTES;
}

/* Registers for sums and for what neighbouring pixels have in common; 16 are too few where that is more. */
enum { FEW_REGISTERS = 16 };

static int taps_registers(const weight_shape *s, const int *p)
{
    const hg_conv *c = &s->conv;
    const int shared = c->kw > c->sw ? p[TAP_ROWS] * (c->kw - c->sw) * s->scalars : 0;
    return p[TAP_ROWS] * c->kw * s->scalars * p[VECTORS] + shared;
}

static double fit_taps(const hg_device_info *limits, const void *problem, int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    const int rows = s.vector_large ? c->hl : c->hs, columns = s.vector_large ? c->wl : c->ws;
    p[VECTOR] = hg_cpu_vector(limits, s.vectors);
    p[TAP_ROWS] = c->kh;
    while (p[TAP_ROWS] > 1 && (c->kh % p[TAP_ROWS] || p[TAP_ROWS] * c->kw * s.scalars > hg_cpu_registers_of(limits).sums)) p[TAP_ROWS]--;
    p[VECTORS] = most(1, least(s.vectors / p[VECTOR], hg_cpu_registers_of(limits).sums / (p[TAP_ROWS] * c->kw * s.scalars)));
    int bands = 1;
    do p[BAND_ROWS] = ceil_div(rows, bands++);
    while (p[BAND_ROWS] > 1 && (taps_patch(c, s.vector_large, p[BAND_ROWS]) > BAND_BYTES || (int64_t)p[BAND_ROWS] * columns * s.vectors * 4 > BAND_BYTES));
    /* AVX-512 multiplies with what is in memory */
    const bool crowded = hg_cpu_registers_of(limits).width < LANES && taps_registers(&s, p) > FEW_REGISTERS;
    return accept_taps(limits, problem, p) && s.vectors >= 4 ? hg_cpu_place(limits) * (crowded ? 1.5 : 0.5) : -1;
}

static void emit_taps(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const int rows = s.vector_large ? s.conv.hl : s.conv.hs;
    const int units = s.batch * ceil_div(rows, p[BAND_ROWS]);
    const hg_weight_launch w = hg_cpu_weight_begin(plan, node, problem, "conv_cpu_weight_taps", "weight_taps", units, 1);
    hg_emit_define(plan, w.launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, w.launch, "NV", p[VECTORS]);
    hg_emit_define(plan, w.launch, "RB", p[BAND_ROWS]);
    hg_emit_define(plan, w.launch, "KG", p[TAP_ROWS]);
    hg_emit_define(plan, w.launch, "TURNS", taps_registers(&s, p) > FEW_REGISTERS ? 1 : 4);
    hg_emit_define(plan, w.launch, "VEC_LARGE", s.vector_large);
    hg_emit_taken(plan, w.launch, (size_t)w.splits);
    hg_emit_variant(plan, w.launch, "cpu_taps %d:%d:%d:%d, %d splits", p[VECTOR], p[VECTORS], p[BAND_ROWS], p[TAP_ROWS], w.splits);
    hg_cpu_weight_end(plan, node, &w);
}

const hg_variant hg_cpu_weight_taps = {"cpu_taps", {"vector", "vectors", "rows", "taps", NULL}, fit_taps, accept_taps, emit_taps, .half = true};

/* ---- the weight gradient along pictures (cl/conv_cpu_pictures_weight.cl) */

enum { LARGE_CHANNELS, SMALL_CHANNELS, ROWS };

static bool accept_pictures(const hg_device_info *limits, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    (void)limits;
    if (hg_conv_is_product(c) || s.batch < LANES || p[LARGE_CHANNELS] < 1 || c->cl % p[LARGE_CHANNELS] || p[SMALL_CHANNELS] < 1 ||
        c->cs % p[SMALL_CHANNELS] || p[LARGE_CHANNELS] * p[SMALL_CHANNELS] > 32 || p[ROWS] < 1 || p[ROWS] > c->hs)
        return false;
    const int64_t met = (int64_t)(p[ROWS] - 1) * c->sh + (int64_t)(c->kh - 1) * c->dh + 1, summed = c->ph + (int64_t)p[ROWS] * c->sh + most(0, c->hl - c->hs * c->sh);
    const int64_t rows = met > summed ? met : summed, pixel = LANES * (int64_t)sizeof(float);
    return (rows < c->hl ? rows : c->hl) * c->wl * c->cl * pixel <= PATCH_BYTES && (int64_t)p[ROWS] * c->ws * c->cs * pixel <= PATCH_BYTES &&
           (int64_t)c->kh * c->kw * c->cl * c->cs * pixel <= PATCH_BYTES;
}

static double fit_pictures(const hg_device_info *limits, const void *problem, int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    const int sums = hg_cpu_registers_of(limits).sums * hg_cpu_registers_of(limits).width / LANES, side = sums >= 16 ? 4 : 2;
    p[LARGE_CHANNELS] = p[SMALL_CHANNELS] = side;
    while (c->cl % p[LARGE_CHANNELS]) p[LARGE_CHANNELS]--;
    while (c->cs % p[SMALL_CHANNELS]) p[SMALL_CHANNELS]--;
    int bands = 1;
    do p[ROWS] = ceil_div(c->hs, bands++);
    while (p[ROWS] > 1 && !accept_pictures(limits, problem, p));
    if (!hg_has_wide_vectors(limits) || !accept_pictures(limits, problem, p)) return -1;
    /* where others leave a part of their vectors empty, and all stays in the first-level cache */
    const bool pays = s.scalars > 4 && s.vectors < LANES && (int64_t)c->hl * c->wl * c->cl * LANES * (int64_t)sizeof(float) <= 4 * BAND_BYTES;
    return hg_cpu_place(limits) * (pays && hg_cpu_registers_of(limits).width == LANES ? 0.5 : 3);
}

static void emit_pictures(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const int units = ceil_div(s.batch, LANES) * ceil_div(s.conv.hs, p[ROWS]);
    const hg_weight_launch w = hg_cpu_weight_begin(plan, node, problem, "conv_cpu_pictures_weight", "weight_pictures", units, 1);
    hg_emit_int(plan, w.launch, s.batch);
    hg_emit_define(plan, w.launch, "HG_VEC", LANES);
    hg_emit_define(plan, w.launch, "TI", p[LARGE_CHANNELS]);
    hg_emit_define(plan, w.launch, "TJ", p[SMALL_CHANNELS]);
    hg_emit_define(plan, w.launch, "BAND", p[ROWS]);
    hg_emit_taken(plan, w.launch, (size_t)w.splits);
    hg_emit_variant(plan, w.launch, "cpu_pictures %d:%d:%d, %d splits", p[LARGE_CHANNELS], p[SMALL_CHANNELS], p[ROWS], w.splits);
    hg_cpu_weight_end(plan, node, &w);
}

const hg_variant hg_cpu_weight_pictures = {"cpu_pictures", {"large", "small", "rows", NULL}, fit_pictures, accept_pictures, emit_pictures, .half = true};
