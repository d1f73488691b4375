#include "model/conv_cpu_private.h"

/* ---- shared by the family */

hg_cpu_registers hg_cpu_registers_of(const hg_device_info *limits)
{
    if (limits->vector_width >= 16) return (hg_cpu_registers){16, 32, 28};
    return (hg_cpu_registers){limits->vector_width >= 8 ? 8 : 4, 16, 12};
}

int hg_cpu_vector(const hg_device_info *limits, int channels)
{
    int width = hg_cpu_registers_of(limits).width;
    while (width > channels) width /= 2;
    return width;
}

size_t hg_cpu_items(const hg_plan *plan, size_t units)
{
    const size_t most_items = (size_t)hg_plan_limits(plan)->compute_units * ITEMS_EACH;
    return units < most_items ? units : most_items;
}

double hg_cpu_place(const hg_device_info *limits)
{
    return hg_has_wide_vectors(limits) ? 1 : 100;
}

double hg_cpu_idle(size_t units) { return 1 + 3.0 / (double)units; }

hg_cpu_gather hg_cpu_gather_of(const hg_gather *gather, bool data)
{
    const hg_conv *c = &gather->conv;
    hg_cpu_gather s = {.read = data ? hg_conv_small(c) : hg_conv_large(c), .written = data ? hg_conv_large(c) : hg_conv_small(c),
                      .product = hg_conv_is_product(c), .data = data, .row_step = data ? 1 : c->sh, .column_step = data ? 1 : c->sw};
    s.rows = data ? ceil_div(s.written.h, c->sh) : s.written.h;
    s.columns = data ? ceil_div(s.written.w, c->sw) : s.written.w;
    return s;
}

hg_launch *hg_cpu_emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, const hg_cpu_gather *s, hg_block weights, const char *file,
                              const char *kernel)
{
    hg_launch *launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", file, kernel);
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, weights);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_define(plan, launch, "G", s->read.c);
    hg_emit_define(plan, launch, "O", s->written.c);
    hg_emit_define(plan, launch, "BIAS", gather->bias >= 0);
    hg_gather_emit_cost(plan, launch, gather);
    hg_conv_define(plan, launch, &gather->conv);
    hg_emit_define(plan, launch, "IH", s->read.h);
    hg_emit_define(plan, launch, "IW", s->read.w);
    hg_emit_define(plan, launch, "OH", s->written.h);
    hg_emit_define(plan, launch, "OW", s->written.w);
    hg_emit_define(plan, launch, "DATA", s->data);
    return launch;
}

/* ---- gathers: F reads the large side, D the small one */

enum { VECTOR, VECTORS, COLUMNS, BAND };

/* A band: rows of a picture, or `pictures` whole ones, and the columns that share a patch: all unless the picture is very wide. */
typedef struct band { int pictures, rows, columns; } band;

static int64_t patch_bytes(const hg_gather *gather, const hg_cpu_gather *s, band d)
{
    const hg_conv *c = &gather->conv;
    int64_t h = (int64_t)(d.rows - 1) * s->row_step + (int64_t)c->kh * c->dh, w = (int64_t)(d.columns - 1) * s->column_step + (int64_t)c->kw * c->dw;
    return d.pictures * h * w * ((s->read.c + 15) / 16 * 16) * (int64_t)sizeof(float);
}

static band band_of(const hg_gather *gather, const hg_cpu_gather *s, int rows)
{
    band d = {rows < s->rows ? 1 : rows / s->rows, least(rows, s->rows), s->columns};
    while (d.columns > 1 && d.rows == 1 && patch_bytes(gather, s, d) > PATCH_BYTES) d.columns = ceil_div(d.columns, 2);
    return d;
}

static size_t band_units(const hg_gather *gather, const hg_cpu_gather *s, band d)
{
    return hg_mul((size_t)ceil_div(gather->batch, d.pictures), (size_t)ceil_div(s->rows, d.rows));
}

/* As many rows as leave the patch in the first-level cache, in even bands; at least so many that a panel of weights that is larger
 * than that cache serves some tiles. */
static int band_rows(const hg_gather *gather, const hg_cpu_gather *s, int tile, int64_t panel_bytes)
{
    const int64_t wanted = panel_bytes > BAND_BYTES ? BAND_TILES * tile : tile;
    int rows = s->rows, bands = 1;
    while (rows > 1 && patch_bytes(gather, s, (band){1, rows, s->columns}) > BAND_BYTES && (int64_t)ceil_div(s->rows, bands + 1) * s->columns >= wanted)
        rows = ceil_div(s->rows, ++bands);
    if (rows < s->rows) return rows;
    int pictures = 1;
    while (pictures < gather->batch && (int64_t)pictures * rows * s->columns < wanted) pictures++;
    while (pictures > 1 && patch_bytes(gather, s, (band){pictures, rows, s->columns}) > PATCH_BYTES) pictures--;
    return pictures * rows;
}

/* Panels of an item of a product: some cache lines side by side, more where every row of weights is on a page of its own, fewer where
 * FEW items would be left; whole rows, if not very long, where so few channels are read that the time goes into writing. */
static int product_panels(const hg_cpu_gather *s, const int *p)
{
    enum { FEW_READ = 4, LONG_ROW = 2048, FEW = 8 };
    const int panel = p[VECTOR] * p[VECTORS], lines = s->written.c < 1024 ? 32 : 64;
    const int columns = s->read.c <= FEW_READ ? least(s->written.c, LONG_ROW) : lines;
    const int panels = least(ceil_div(s->written.c, panel), most(1, columns / panel));
    return s->read.c <= FEW_READ ? panels : most(1, least(panels, s->written.c / (panel * FEW)));
}

/* Tiles of an item of a product: as many as leave some items for each compute unit, and the sums in the second-level cache. Each item
 * copies its weights together, so that more of them do more. */
static int product_band(const hg_device_info *limits, const hg_cpu_gather *s, size_t n, const int *p)
{
    const size_t items = limits->compute_units <= 4 ? 8 : 16;
    const size_t tiles = (n + (size_t)p[COLUMNS] - 1) / (size_t)p[COLUMNS], across = (size_t)ceil_div(s->written.c, p[VECTOR] * p[VECTORS] * product_panels(s, p));
    const size_t spans = (items + across - 1) / across, even = (tiles + spans - 1) / spans;
    const size_t most_tiles = (size_t)PATCH_BYTES / 4 / sizeof(float) / (size_t)(p[COLUMNS] * p[VECTOR] * p[VECTORS] * product_panels(s, p));
    return even < 1 || most_tiles < 1 ? 1 : (int)(even < most_tiles ? even : most_tiles);
}

static bool accepts(const hg_gather *gather, const hg_cpu_gather *s, const int *p, bool thin)
{
    const hg_conv *c = &gather->conv;
    if (s->data && ((c->sh > 1 && c->dh > 1) || (c->sw > 1 && c->dw > 1))) return false;
    if (p[VECTOR] < 1 || p[VECTOR] > 16 || (p[VECTOR] & (p[VECTOR] - 1)) || p[VECTORS] < 1 || p[COLUMNS] < 1 || p[COLUMNS] > 32 || p[BAND] < 1) return false;
    if (gather->pool.kh && (!s->data || s->product || thin)) return false;
    if (s->product && !thin)
        return (int64_t)p[VECTOR] * p[VECTORS] <= s->written.c && (size_t)p[COLUMNS] <= hg_side_pixels(s->written, gather->batch) &&
               (int64_t)p[BAND] * p[COLUMNS] * p[VECTOR] * p[VECTORS] * product_panels(s, p) <= PATCH_BYTES / 4;
    if (p[BAND] > s->rows && (p[BAND] % s->rows || p[BAND] / s->rows > gather->batch)) return false;
    if (patch_bytes(gather, s, band_of(gather, s, p[BAND])) > PATCH_BYTES) return false;
    return thin ? s->written.c <= 4 && (int64_t)c->kh * c->kw * s->read.c * s->written.c <= PATCH_BYTES / 8 : p[VECTOR] * p[VECTORS] <= s->written.c;
}

/* Pixels in a tile, at most `limit`: a part of a row, or several rows, which cost no more than the limit would; else the limit, across
 * the ends of rows. */
static int tile_pixels(const hg_cpu_gather *s, int limit)
{
    for (int tile = limit; tile > limit / 2; tile--)
        if (s->columns % tile == 0 || (tile % s->columns == 0 && s->rows % (tile / s->columns) == 0)) return tile;
    return limit;
}

static double fit_gather(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const hg_cpu_registers registers = hg_cpu_registers_of(limits);
    p[VECTOR] = hg_cpu_vector(limits, s.written.c);
    /* where few channels are read the time goes into writing: a pixel's channels are written together, if registers can hold them */
    p[VECTORS] = even_part(s.written.c / p[VECTOR], s.read.c <= 4 && !s.product ? registers.sums / 3 : 2);
    const int tile = registers.sums / p[VECTORS] < 16 ? registers.sums / p[VECTORS] : 16;
    if (s.product) {
        const size_t n = hg_side_pixels(s.written, gather->batch), tiles = (n + (size_t)tile - 1) / (size_t)tile;
        p[COLUMNS] = (int)((n + tiles - 1) / tiles);
        p[BAND] = product_band(limits, &s, n, p);
    } else {
        const int64_t panel = (int64_t)gather->conv.kh * gather->conv.kw * s.read.c * p[VECTORS] * p[VECTOR] * 4;
        p[COLUMNS] = tile_pixels(&s, tile);
        p[BAND] = band_rows(gather, &s, p[COLUMNS], panel);
    }
    if (!accepts(gather, &s, p, false)) return -1;
    return hg_cpu_place(limits) * (s.product ? 1 : hg_cpu_idle(band_units(gather, &s, band_of(gather, &s, p[BAND]))));
}

static double fit_thin(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    if (s.written.c > 4) return -1;
    p[VECTOR] = hg_cpu_vector(limits, s.read.c);
    p[VECTORS] = 1;
    p[COLUMNS] = tile_pixels(&s, most(1, least(16, hg_cpu_registers_of(limits).sums) / s.written.c));
    p[BAND] = band_rows(gather, &s, p[COLUMNS], 0);
    /* with few channels on both sides short vectors along the written ones do better */
    return accepts(gather, &s, p, true) ? hg_cpu_place(limits) * (s.read.c >= 8 ? 0.5 : 2) : -1;
}

static void emit_product(hg_plan *plan, const hg_node *node, const hg_gather *gather, const hg_cpu_gather *s, const int *p)
{
    const size_t n = hg_side_pixels(s->written, gather->batch), rows = (size_t)p[COLUMNS] * (size_t)p[BAND];
    const int panels = product_panels(s, p);
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, s, gather->weight, "conv_cpu_product", "product");
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "Q", p[COLUMNS]);
    hg_emit_define(plan, launch, "BAND", p[BAND]);
    hg_emit_define(plan, launch, "PANELS", panels);
    hg_emit_define(plan, launch, "SWAP", gather->gradient);
    hg_emit_taken(plan, launch, (n + rows - 1) / rows * (size_t)ceil_div(s->written.c, p[VECTOR] * p[VECTORS] * panels));
    hg_emit_variant(plan, launch, "cpu %d:%d:%d:%d", p[VECTOR], p[VECTORS], p[COLUMNS], p[BAND]);
}

static void emit_gather(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data, bool thin)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    if (s.product && !thin) {
        emit_product(plan, node, gather, &s, p);
        return;
    }
    const band d = band_of(gather, &s, p[BAND]);
    const int panel = thin ? s.written.c : p[VECTOR] * p[VECTORS];
    const size_t units = band_units(gather, &s, d);
    const bool swap = s.product && gather->gradient; /* as they lie, then, for there is one tap */
    const hg_block weights = swap ? gather->weight : hg_gather_weights(plan, node, gather, panel);
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, &s, weights, "conv_cpu", "gather");
    hg_emit_int(plan, launch, gather->batch);
    hg_emit_int(plan, launch, (int64_t)units);
    hg_emit_define(plan, launch, "THIN", thin);
    hg_emit_define(plan, launch, "SWAP", swap);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "TILE", p[COLUMNS]);
    hg_emit_define(plan, launch, "BAND", p[BAND]);
    hg_emit_define(plan, launch, "PART", d.columns);
    if (gather->pool.kh) hg_emit_read(plan, launch, gather->pool.winners);
    hg_pool_define(plan, launch, &gather->pool);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_variant(plan, launch, "%s %d:%d:%d:%d", thin ? "cpu_thin" : "cpu", p[VECTOR], p[VECTORS], p[COLUMNS], p[BAND]);
}

static double fit_forward(const hg_device_info *l, const void *q, int *p) { return fit_gather(l, q, p, false); }
static double fit_forward_thin(const hg_device_info *l, const void *q, int *p) { return fit_thin(l, q, p, false); }
static double fit_data(const hg_device_info *l, const void *q, int *p) { return fit_gather(l, q, p, true); }
static double fit_data_thin(const hg_device_info *l, const void *q, int *p) { return fit_thin(l, q, p, true); }

static bool accept_gather(const void *problem, const int *p, bool data, bool thin)
{
    const hg_cpu_gather s = hg_cpu_gather_of(problem, data);
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

#define GATHER_PARAMETERS {"vector", "vectors", "columns", "band", NULL}
const hg_variant hg_cpu_forward = {"cpu", GATHER_PARAMETERS, fit_forward, accept_forward, emit_forward, .half = true};
const hg_variant hg_cpu_forward_thin = {"cpu_thin", GATHER_PARAMETERS, fit_forward_thin, accept_forward_thin, emit_forward_thin, .half = true};
const hg_variant hg_cpu_data = {"cpu", GATHER_PARAMETERS, fit_data, accept_data, emit_data, .pooled = true, .half = true};
const hg_variant hg_cpu_data_thin = {"cpu_thin", GATHER_PARAMETERS, fit_data_thin, accept_data_thin, emit_data_thin, .half = true};
