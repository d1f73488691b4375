#include "model/conv_cpu.h"

#include "model/conv.h"
#include "model/conv_reduce.h"

/* Vector registers for sums: AVX-512 and SVE have 32, of which a few hold weights. */
enum { SUMS = 28, MOST_ITEMS = 256, PATCH_BYTES = 256 << 10, BAND_BYTES = 16 << 10 };

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }

/* The widest vector, up to 16, that `channels` fill. */
static int vector_of(int channels)
{
    int width = 16;
    while (width > channels) width /= 2;
    return width;
}

/* Equal parts of at most `limit`. */
static int even_part(int n, int limit)
{
    return ceil_div(n, ceil_div(n, limit));
}

/* On a CPU whose driver has wide vectors the family is at home. */
static double place(const hg_device_info *limits)
{
    return hg_has_wide_vectors(limits) ? 1 : 100;
}

/* ---- gathers: F reads the large side, D the small one */

enum { VECTOR, VECTORS, ROWS, COLUMNS, BAND };

typedef struct gather_shape { hg_side read, written; int rows, columns, row_step, column_step; bool product, data; } gather_shape;

static bool is_product(const hg_conv *c)
{
    return c->kh == 1 && c->kw == 1 && c->sh == 1 && c->sw == 1 && c->ph == 0 && c->pw == 0 && c->hl == c->hs && c->wl == c->ws;
}

static gather_shape shape_of(const hg_gather *gather, bool data)
{
    const hg_conv *c = &gather->conv;
    gather_shape s = {.read = data ? hg_conv_small(c) : hg_conv_large(c), .written = data ? hg_conv_large(c) : hg_conv_small(c),
                      .product = is_product(c), .data = data, .row_step = data ? 1 : c->sh, .column_step = data ? 1 : c->sw};
    s.rows = data ? ceil_div(s.written.h, c->sh) : s.written.h;
    s.columns = data ? ceil_div(s.written.w, c->sw) : s.written.w;
    return s;
}

static int64_t patch_bytes(const hg_gather *gather, const gather_shape *s, int rows, int columns)
{
    const hg_conv *c = &gather->conv;
    int64_t h = (int64_t)(rows - 1) * s->row_step + (int64_t)c->kh * c->dh, w = (int64_t)(columns - 1) * s->column_step + (int64_t)c->kw * c->dw;
    return h * w * ((s->read.c + 15) / 16 * 16) * (int64_t)sizeof(float);
}

/* Sums for `tile` pixels: whole rows where they are short, else even parts of a row. */
static void set_tile(const hg_gather *gather, const gather_shape *s, int tile, int *p)
{
    p[COLUMNS] = even_part(s->columns, tile);
    p[ROWS] = 1;
    if (p[COLUMNS] == s->columns) {
        int limit = least(tile / p[COLUMNS], s->rows);
        for (int r = 1; r <= limit; r++)
            if (ceil_div(s->rows, r) * r <= ceil_div(s->rows, p[ROWS]) * p[ROWS]) p[ROWS] = r;
    }
    /* tiles that share a patch: as many as leave it in the first-level cache, in even bands */
    const int tiles = ceil_div(s->rows, p[ROWS]);
    int bands = 1;
    do p[BAND] = ceil_div(tiles, bands++);
    while (p[BAND] > 1 && patch_bytes(gather, s, p[BAND] * p[ROWS], p[COLUMNS]) > BAND_BYTES);
    while (p[ROWS] > 1 && patch_bytes(gather, s, p[ROWS], p[COLUMNS]) > PATCH_BYTES) p[ROWS]--;
    while (p[COLUMNS] > 1 && patch_bytes(gather, s, p[ROWS], p[COLUMNS]) > PATCH_BYTES) p[COLUMNS]--;
}

static bool accepts(const hg_gather *gather, const gather_shape *s, const int *p, bool thin)
{
    const hg_conv *c = &gather->conv;
    if (s->data && ((c->sh > 1 && c->dh > 1) || (c->sw > 1 && c->dw > 1))) return false;
    if (p[VECTOR] < 1 || p[VECTOR] > 16 || (p[VECTOR] & (p[VECTOR] - 1)) || p[VECTORS] < 1 || p[ROWS] < 1 || p[COLUMNS] < 1 || p[BAND] < 1) return false;
    if (s->product && !thin) return (int64_t)p[VECTOR] * p[VECTORS] <= s->written.c && (size_t)p[COLUMNS] <= hg_side_pixels(s->written, gather->batch);
    if (p[COLUMNS] > s->columns || patch_bytes(gather, s, p[ROWS] * p[BAND], p[COLUMNS]) > PATCH_BYTES) return false;
    return thin ? s->written.c <= 4 && (int64_t)c->kh * c->kw * s->read.c * s->written.c <= PATCH_BYTES / 8 : p[VECTOR] * p[VECTORS] <= s->written.c;
}

static double fit_gather(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const gather_shape s = shape_of(gather, data);
    p[VECTOR] = vector_of(s.written.c);
    p[VECTORS] = least(2, s.written.c / p[VECTOR]);
    const int tile = p[VECTORS] == 1 ? 16 : SUMS / p[VECTORS];
    set_tile(gather, &s, tile, p);
    if (s.product) {
        size_t n = hg_side_pixels(s.written, gather->batch);
        p[ROWS] = p[BAND] = 1;
        p[COLUMNS] = n < (size_t)tile ? (int)n : tile;
    }
    return accepts(gather, &s, p, false) ? place(limits) : -1;
}

static double fit_thin(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const gather_shape s = shape_of(gather, data);
    if (s.written.c > 4 || s.product) return -1;
    p[VECTOR] = vector_of(s.read.c);
    p[VECTORS] = 1;
    set_tile(gather, &s, 16 / s.written.c, p);
    /* with few channels on both sides short vectors along the written ones do better */
    return accepts(gather, &s, p, true) ? place(limits) * (s.read.c >= 8 ? 0.5 : 2) : -1;
}

static void define_sides(hg_plan *plan, hg_launch *launch, const gather_shape *s)
{
    hg_emit_define(plan, launch, "IH", s->read.h);
    hg_emit_define(plan, launch, "IW", s->read.w);
    hg_emit_define(plan, launch, "OH", s->written.h);
    hg_emit_define(plan, launch, "OW", s->written.w);
}

static void emit_gather(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data, bool thin)
{
    const hg_gather *gather = problem;
    const gather_shape s = shape_of(gather, data);
    const bool product = s.product && !thin;
    const size_t units = hg_mul((size_t)gather->batch, (size_t)ceil_div(s.rows, p[ROWS] * p[BAND])), n = hg_side_pixels(s.written, gather->batch);
    hg_launch *launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", product ? "conv_cpu_product" : "conv_cpu", product ? "product" : "gather");
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, gather->weight);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_int(plan, launch, (int64_t)(product ? n : units));
    hg_emit_define(plan, launch, "G", s.read.c);
    hg_emit_define(plan, launch, "O", s.written.c);
    hg_emit_define(plan, launch, "BIAS", gather->bias >= 0);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "Q", p[COLUMNS]);
    if (product) {
        const size_t tiles = (n + (size_t)p[COLUMNS] - 1) / (size_t)p[COLUMNS];
        hg_emit_range(plan, launch, tiles, (size_t)ceil_div(s.written.c, p[VECTOR] * p[VECTORS]), 1, 1, 1, 1);
    } else {
        hg_conv_define(plan, launch, &gather->conv);
        define_sides(plan, launch, &s);
        hg_emit_define(plan, launch, "R", p[ROWS]);
        hg_emit_define(plan, launch, "BAND", p[BAND]);
        hg_emit_define(plan, launch, "DATA", data);
        hg_emit_define(plan, launch, "THIN", thin);
        hg_emit_range(plan, launch, units < MOST_ITEMS ? units : MOST_ITEMS, 1, 1, 1, 1, 1);
    }
    hg_gather_emit_cost(plan, launch, gather);
    hg_emit_variant(plan, launch, "%s %d:%d:%d:%d:%d", thin ? "cpu_thin" : "cpu", p[VECTOR], p[VECTORS], p[ROWS], p[COLUMNS], p[BAND]);
}

/* ---- gathers along pixels */

enum { PIXEL_VECTORS, TILE_ROWS };

static int64_t wide_plane(const hg_gather *gather, const gather_shape *s, const int *p)
{
    const hg_conv *c = &gather->conv;
    const int64_t step = 16 * p[PIXEL_VECTORS], halo = (int64_t)(c->kw - 1) * c->dw, row = s->columns + halo;
    return ((p[TILE_ROWS] - 1) * row + s->columns + step - 1) / step * step + (int64_t)(c->kh - 1) * c->dh * row + halo + 32;
}

static bool accept_wide(const hg_gather *gather, bool data, const int *p)
{
    const gather_shape s = shape_of(gather, data);
    const hg_conv *c = &gather->conv;
    const int o = s.written.c;
    return c->sh == 1 && c->sw == 1 && !s.product && o <= 8 && !(o & (o - 1)) && p[PIXEL_VECTORS] >= 1 && p[PIXEL_VECTORS] <= 16 &&
           p[TILE_ROWS] >= 1 && p[TILE_ROWS] <= s.rows && wide_plane(gather, &s, p) * (s.read.c + o) * 4 <= PATCH_BYTES;
}

static double fit_wide(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const gather_shape s = shape_of(gather, data);
    int parts = 1;
    p[PIXEL_VECTORS] = 1;
    do p[TILE_ROWS] = ceil_div(s.rows, parts++);
    while (p[TILE_ROWS] > 1 && wide_plane(gather, &s, p) * s.read.c * 4 > 32 << 10);
    const int64_t flat = (int64_t)(p[TILE_ROWS] - 1) * (s.columns + (gather->conv.kw - 1) * gather->conv.dw) + s.columns;
    int64_t least_flat = INT64_MAX;
    for (int n = 16 / most(1, s.written.c); n > 0; n--) {
        const int64_t padded = (flat + 16 * n - 1) / (16 * n) * 16 * n;
        if (n > 6 || padded >= least_flat) continue;
        least_flat = padded;
        p[PIXEL_VECTORS] = n;
    }
    return accept_wide(gather, data, p) && s.written.c >= 2 && s.read.c >= 4 ? place(limits) * 0.6 : -1;
}

static void emit_wide(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data)
{
    const hg_gather *gather = problem;
    const gather_shape s = shape_of(gather, data);
    const size_t units = hg_mul((size_t)gather->batch, (size_t)ceil_div(s.rows, p[TILE_ROWS]));
    hg_launch *launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", "conv_cpu_wide", "gather");
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, gather->weight);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_int(plan, launch, (int64_t)units);
    hg_emit_define(plan, launch, "G", s.read.c);
    hg_emit_define(plan, launch, "O", s.written.c);
    hg_emit_define(plan, launch, "BIAS", gather->bias >= 0);
    hg_emit_define(plan, launch, "HG_VEC", 16);
    hg_emit_define(plan, launch, "NP", p[PIXEL_VECTORS]);
    hg_emit_define(plan, launch, "R", p[TILE_ROWS]);
    hg_emit_define(plan, launch, "DATA", data);
    hg_conv_define(plan, launch, &gather->conv);
    define_sides(plan, launch, &s);
    hg_emit_range(plan, launch, units < MOST_ITEMS ? units : MOST_ITEMS, 1, 1, 1, 1, 1);
    hg_gather_emit_cost(plan, launch, gather);
    hg_emit_variant(plan, launch, "cpu_wide %d:%d", p[PIXEL_VECTORS], p[TILE_ROWS]);
}

static double fit_forward_wide(const hg_device_info *l, const void *q, int *p) { return fit_wide(l, q, p, false); }
static double fit_data_wide(const hg_device_info *l, const void *q, int *p) { return fit_wide(l, q, p, true); }
static bool accept_forward_wide(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_wide(q, false, p); }
static bool accept_data_wide(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_wide(q, true, p); }
static void emit_forward_wide(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_wide(plan, node, q, p, false); }
static void emit_data_wide(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_wide(plan, node, q, p, true); }

#define WIDE_PARAMETERS {"vectors", "rows", NULL}
const hg_variant hg_cpu_forward_wide = {"cpu_wide", WIDE_PARAMETERS, fit_forward_wide, accept_forward_wide, emit_forward_wide};
const hg_variant hg_cpu_data_wide = {"cpu_wide", WIDE_PARAMETERS, fit_data_wide, accept_data_wide, emit_data_wide};

static double fit_forward(const hg_device_info *l, const void *q, int *p) { return fit_gather(l, q, p, false); }
static double fit_forward_thin(const hg_device_info *l, const void *q, int *p) { return fit_thin(l, q, p, false); }
static double fit_data(const hg_device_info *l, const void *q, int *p) { return fit_gather(l, q, p, true); }
static double fit_data_thin(const hg_device_info *l, const void *q, int *p) { return fit_thin(l, q, p, true); }

static bool accept_gather(const void *problem, const int *p, bool data, bool thin)
{
    const gather_shape s = shape_of(problem, data);
    return accepts(problem, &s, p, thin);
}

static bool accept_forward(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_gather(q, p, false, false); }
static bool accept_forward_thin(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_gather(q, p, false, true); }
static bool accept_data(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_gather(q, p, true, false); }
static bool accept_data_thin(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_gather(q, p, true, true); }

static void emit_forward(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_gather(plan, node, q, p, false, false); }
static void emit_forward_thin(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_gather(plan, node, q, p, false, true); }
static void emit_data(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_gather(plan, node, q, p, true, false); }
static void emit_data_thin(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_gather(plan, node, q, p, true, true); }

#define GATHER_PARAMETERS {"vector", "vectors", "rows", "columns", "band", NULL}
const hg_variant hg_cpu_forward = {"cpu", GATHER_PARAMETERS, fit_forward, accept_forward, emit_forward};
const hg_variant hg_cpu_forward_thin = {"cpu_thin", GATHER_PARAMETERS, fit_forward_thin, accept_forward_thin, emit_forward_thin};
const hg_variant hg_cpu_data = {"cpu", GATHER_PARAMETERS, fit_data, accept_data, emit_data};
const hg_variant hg_cpu_data_thin = {"cpu_thin", GATHER_PARAMETERS, fit_data_thin, accept_data_thin, emit_data_thin};

/* ---- the weight gradient */

enum { SCALARS = 2, COPIES = 3, CHUNK = 4 };

/* A product's pixels are one long row; vectors go along the small side unless only the large one fills them. */
typedef struct weight_shape { hg_conv conv; int batch, scalars, vectors; bool vector_large; } weight_shape;

static weight_shape weight_shape_of(const hg_weight *weight)
{
    weight_shape s = {.conv = weight->conv, .batch = weight->batch};
    if (is_product(&s.conv)) {
        const bool pixels = s.conv.hs * s.conv.ws == 1;
        s.conv.hl = s.conv.hs = pixels ? 1 : s.conv.hs * s.batch;
        s.conv.wl = s.conv.ws = pixels ? s.batch : s.conv.ws;
        s.batch = 1;
    }
    s.vector_large = s.conv.cs < 16 && s.conv.cl > s.conv.cs;
    s.scalars = s.vector_large ? s.conv.cs : s.conv.cl;
    s.vectors = s.vector_large ? s.conv.cl : s.conv.cs;
    return s;
}

static bool accept_weight(const hg_device_info *limits, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    (void)limits;
    return p[VECTOR] >= 1 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 && p[VECTOR] * p[VECTORS] <= s.vectors &&
           p[SCALARS] >= 1 && p[SCALARS] <= s.scalars && p[COPIES] >= 1 && p[CHUNK] >= 1 &&
           (int64_t)s.conv.kh * s.conv.kw * p[SCALARS] * p[VECTORS] * p[VECTOR] * 4 <= PATCH_BYTES;
}

static double fit_weight(const hg_device_info *limits, const void *problem, int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    p[VECTOR] = vector_of(s.vectors);
    p[VECTORS] = least(2, s.vectors / p[VECTOR]);
    p[SCALARS] = even_part(s.scalars, p[VECTORS] == 1 ? 16 : 12);
    p[COPIES] = most(1, 8 / (p[SCALARS] * p[VECTORS]));
    /* enough pixels that adding to the totals is lost among them, few enough that both sides' rows stay in the caches */
    const int64_t row_bytes = ((int64_t)c->ws * c->cs + (int64_t)c->sh * c->wl * c->cl) * 4;
    p[CHUNK] = least(c->hs, ceil_div(256, c->ws));
    while (p[CHUNK] > 1 && p[CHUNK] * row_bytes > PATCH_BYTES) p[CHUNK]--;
    return accept_weight(limits, problem, p) ? place(limits) : -1;
}

/* About 64 work-items, whatever the device: the sums, and so the bits, do not depend on its threads. */
static int splits_of(int units, int blocks, size_t count, int *span)
{
    const int wanted = most(1, least(least(ceil_div(64, blocks), units), (int)((8 << 20) / (count * sizeof(float))) + 1));
    *span = ceil_div(units, wanted);
    return ceil_div(units, *span);
}

/* The kernel, its splits and their sum; the caller adds the variant's own macros and range to the launch before the sum begins. */
typedef struct weight_launch { hg_launch *launch; hg_block partials, bias_partials; int splits; size_t weights, biases; } weight_launch;

static weight_launch begin_weight(hg_plan *plan, const hg_node *node, const hg_weight *weight, const weight_shape *s, const char *kernel, int units, int blocks)
{
    const hg_conv *c = &s->conv;
    const int out = c->transposed ? c->cl : c->cs;
    weight_launch w = {.weights = (size_t)c->kh * (size_t)c->kw * (size_t)c->cl * (size_t)c->cs, .biases = weight->bias ? (size_t)out : 0, .bias_partials = -1};
    int span;
    w.splits = splits_of(units, blocks, w.weights, &span);
    const bool direct = w.splits == 1;
    w.partials = direct ? -1 : hg_plan_scratch(plan, hg_mul((size_t)w.splits * sizeof(float), w.weights));
    if (!direct && weight->bias) w.bias_partials = hg_plan_scratch(plan, hg_mul((size_t)w.splits * sizeof(float), w.biases));
    w.launch = hg_emit(plan, node, "weight gradient", "conv_cpu_weight", kernel);
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
        {"TRANSPOSED", c->transposed}, {"VEC_LARGE", s->vector_large}, {"BIAS", weight->bias}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, w.launch, macros[i].name, macros[i].value);
    hg_weight_emit_cost(plan, w.launch, weight, w.splits);
    return w;
}

static void end_weight(hg_plan *plan, const hg_node *node, const weight_launch *w)
{
    if (w->splits > 1) hg_conv_emit_reduce(plan, node, w->splits, w->partials, w->weights, w->bias_partials, w->biases);
}

static void emit_weight(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const int blocks_s = ceil_div(s.scalars, p[SCALARS]), blocks_v = ceil_div(s.vectors, p[VECTOR] * p[VECTORS]);
    const weight_launch w = begin_weight(plan, node, problem, &s, "weight_gradient", s.batch * ceil_div(s.conv.hs, p[CHUNK]), blocks_s * blocks_v);
    hg_emit_define(plan, w.launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, w.launch, "NV", p[VECTORS]);
    hg_emit_define(plan, w.launch, "TI", p[SCALARS]);
    hg_emit_define(plan, w.launch, "U", p[COPIES]);
    hg_emit_define(plan, w.launch, "RB", p[CHUNK]);
    hg_emit_range(plan, w.launch, (size_t)w.splits, (size_t)blocks_s, (size_t)blocks_v, 1, 1, 1);
    hg_emit_variant(plan, w.launch, "cpu %d:%d:%d:%d:%d, %d splits", p[VECTOR], p[VECTORS], p[SCALARS], p[COPIES], p[CHUNK], w.splits);
    end_weight(plan, node, &w);
}

const hg_variant hg_cpu_weight = {"cpu", {"vector", "vectors", "scalars", "copies", "chunk", NULL}, fit_weight, accept_weight, emit_weight};

/* ---- the weight gradient where one side has few channels */

enum { BAND_ROWS = 2, TAP_ROWS = 3 };

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
    if (is_product(c) || s.scalars > 4 || (s.vector_large && (c->sh > 1 || c->sw > 1))) return false;
    return p[VECTOR] >= 1 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 && p[VECTOR] * p[VECTORS] <= s.vectors &&
           p[BAND_ROWS] >= 1 && p[TAP_ROWS] >= 1 && c->kh % p[TAP_ROWS] == 0 && taps_patch(c, s.vector_large, p[BAND_ROWS]) <= PATCH_BYTES &&
           (int64_t)c->kh * c->kw * s.scalars * p[VECTORS] * p[VECTOR] * 4 <= PATCH_BYTES;
}

static double fit_taps(const hg_device_info *limits, const void *problem, int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const hg_conv *c = &s.conv;
    const int rows = s.vector_large ? c->hl : c->hs, columns = s.vector_large ? c->wl : c->ws;
    p[VECTOR] = vector_of(s.vectors);
    p[TAP_ROWS] = c->kh;
    while (p[TAP_ROWS] > 1 && (c->kh % p[TAP_ROWS] || p[TAP_ROWS] * c->kw * s.scalars > SUMS)) p[TAP_ROWS]--;
    p[VECTORS] = most(1, least(s.vectors / p[VECTOR], SUMS / (p[TAP_ROWS] * c->kw * s.scalars)));
    int bands = 1;
    do p[BAND_ROWS] = ceil_div(rows, bands++);
    while (p[BAND_ROWS] > 1 && (taps_patch(c, s.vector_large, p[BAND_ROWS]) > BAND_BYTES || (int64_t)p[BAND_ROWS] * columns * s.vectors * 4 > 64 << 10));
    return accept_taps(limits, problem, p) && s.vectors >= 4 ? place(limits) * 0.5 : -1;
}

static void emit_taps(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const weight_shape s = weight_shape_of(problem);
    const int blocks = ceil_div(s.vectors, p[VECTOR] * p[VECTORS]), rows = s.vector_large ? s.conv.hl : s.conv.hs;
    const weight_launch w = begin_weight(plan, node, problem, &s, "weight_taps", s.batch * ceil_div(rows, p[BAND_ROWS]), blocks);
    hg_emit_define(plan, w.launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, w.launch, "NV", p[VECTORS]);
    hg_emit_define(plan, w.launch, "RB", p[BAND_ROWS]);
    hg_emit_define(plan, w.launch, "KG", p[TAP_ROWS]);
    hg_emit_range(plan, w.launch, (size_t)w.splits, 1, (size_t)blocks, 1, 1, 1);
    hg_emit_variant(plan, w.launch, "cpu_taps %d:%d:%d:%d, %d splits", p[VECTOR], p[VECTORS], p[BAND_ROWS], p[TAP_ROWS], w.splits);
    end_weight(plan, node, &w);
}

const hg_variant hg_cpu_weight_taps = {"cpu_taps", {"vector", "vectors", "rows", "taps", NULL}, fit_taps, accept_taps, emit_taps};
