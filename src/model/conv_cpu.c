#include "model/conv_cpu_private.h"

/* ---- shared by the family */

int hg_cpu_vector(int channels)
{
    int width = 16;
    while (width > channels) width /= 2;
    return width;
}

double hg_cpu_place(const hg_device_info *limits)
{
    return hg_has_wide_vectors(limits) ? 1 : 100;
}

bool hg_cpu_is_product(const hg_conv *c)
{
    return c->kh == 1 && c->kw == 1 && c->sh == 1 && c->sw == 1 && c->ph == 0 && c->pw == 0 && c->hl == c->hs && c->wl == c->ws;
}

hg_cpu_gather hg_cpu_gather_of(const hg_gather *gather, bool data)
{
    const hg_conv *c = &gather->conv;
    hg_cpu_gather s = {.read = data ? hg_conv_small(c) : hg_conv_large(c), .written = data ? hg_conv_large(c) : hg_conv_small(c),
                      .product = hg_cpu_is_product(c), .data = data, .row_step = data ? 1 : c->sh, .column_step = data ? 1 : c->sw};
    s.rows = data ? ceil_div(s.written.h, c->sh) : s.written.h;
    s.columns = data ? ceil_div(s.written.w, c->sw) : s.written.w;
    return s;
}

hg_launch *hg_cpu_emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, const hg_cpu_gather *s, const char *file, const char *kernel,
                              size_t items)
{
    hg_launch *launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", file, kernel);
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, gather->weight);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_int(plan, launch, (int64_t)items);
    hg_emit_define(plan, launch, "G", s->read.c);
    hg_emit_define(plan, launch, "O", s->written.c);
    hg_emit_define(plan, launch, "BIAS", gather->bias >= 0);
    hg_gather_emit_cost(plan, launch, gather);
    if (s->product) return launch;
    hg_conv_define(plan, launch, &gather->conv);
    hg_emit_define(plan, launch, "IH", s->read.h);
    hg_emit_define(plan, launch, "IW", s->read.w);
    hg_emit_define(plan, launch, "OH", s->written.h);
    hg_emit_define(plan, launch, "OW", s->written.w);
    hg_emit_define(plan, launch, "DATA", s->data);
    return launch;
}

/* ---- gathers: F reads the large side, D the small one */

enum { VECTOR, VECTORS, ROWS, COLUMNS, BAND };

static int64_t patch_bytes(const hg_gather *gather, const hg_cpu_gather *s, int rows, int columns)
{
    const hg_conv *c = &gather->conv;
    int64_t h = (int64_t)(rows - 1) * s->row_step + (int64_t)c->kh * c->dh, w = (int64_t)(columns - 1) * s->column_step + (int64_t)c->kw * c->dw;
    return h * w * ((s->read.c + 15) / 16 * 16) * (int64_t)sizeof(float);
}

/* Sums for `tile` pixels: whole rows where they are short, else even parts of a row. */
static void set_tile(const hg_gather *gather, const hg_cpu_gather *s, int tile, int *p)
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

static bool accepts(const hg_gather *gather, const hg_cpu_gather *s, const int *p, bool thin)
{
    const hg_conv *c = &gather->conv;
    if (s->data && ((c->sh > 1 && c->dh > 1) || (c->sw > 1 && c->dw > 1))) return false;
    if (p[VECTOR] < 1 || p[VECTOR] > 16 || (p[VECTOR] & (p[VECTOR] - 1)) || p[VECTORS] < 1 || p[ROWS] < 1 || p[COLUMNS] < 1 || p[BAND] < 1) return false;
    if (s->product) return !thin && (int64_t)p[VECTOR] * p[VECTORS] <= s->written.c && (size_t)p[COLUMNS] <= hg_side_pixels(s->written, gather->batch);
    if (p[COLUMNS] > s->columns || patch_bytes(gather, s, p[ROWS] * p[BAND], p[COLUMNS]) > PATCH_BYTES) return false;
    return thin ? s->written.c <= 4 && (int64_t)c->kh * c->kw * s->read.c * s->written.c <= PATCH_BYTES / 8 : p[VECTOR] * p[VECTORS] <= s->written.c;
}

static double fit_gather(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    p[VECTOR] = hg_cpu_vector(s.written.c);
    p[VECTORS] = least(2, s.written.c / p[VECTOR]);
    const int tile = p[VECTORS] == 1 ? 16 : SUMS / p[VECTORS];
    set_tile(gather, &s, tile, p);
    if (s.product) {
        size_t n = hg_side_pixels(s.written, gather->batch);
        p[ROWS] = p[BAND] = 1;
        p[COLUMNS] = n < (size_t)tile ? (int)n : tile;
    }
    return accepts(gather, &s, p, false) ? hg_cpu_place(limits) : -1;
}

static double fit_thin(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    if (s.written.c > 4 || s.product) return -1;
    p[VECTOR] = hg_cpu_vector(s.read.c);
    p[VECTORS] = 1;
    set_tile(gather, &s, 16 / s.written.c, p);
    /* with few channels on both sides short vectors along the written ones do better */
    return accepts(gather, &s, p, true) ? hg_cpu_place(limits) * (s.read.c >= 8 ? 0.5 : 2) : -1;
}

static void emit_product(hg_plan *plan, const hg_node *node, const hg_gather *gather, const hg_cpu_gather *s, const int *p)
{
    const size_t n = hg_side_pixels(s->written, gather->batch), tiles = (n + (size_t)p[COLUMNS] - 1) / (size_t)p[COLUMNS];
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, s, "conv_cpu_product", "product", n);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "Q", p[COLUMNS]);
    hg_emit_range(plan, launch, tiles, (size_t)ceil_div(s->written.c, p[VECTOR] * p[VECTORS]), 1, 1, 1, 1);
    hg_emit_variant(plan, launch, "cpu %d:%d:1:%d", p[VECTOR], p[VECTORS], p[COLUMNS]);
}

static void emit_gather(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data, bool thin)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    if (s.product) {
        emit_product(plan, node, gather, &s, p);
        return;
    }
    const size_t units = hg_mul((size_t)gather->batch, (size_t)ceil_div(s.rows, p[ROWS] * p[BAND]));
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, &s, "conv_cpu", "gather", units);
    hg_emit_define(plan, launch, "THIN", thin);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "R", p[ROWS]);
    hg_emit_define(plan, launch, "Q", p[COLUMNS]);
    hg_emit_define(plan, launch, "BAND", p[BAND]);
    hg_emit_range(plan, launch, units < MOST_ITEMS ? units : MOST_ITEMS, 1, 1, 1, 1, 1);
    hg_emit_variant(plan, launch, "%s %d:%d:%d:%d:%d", thin ? "cpu_thin" : "cpu", p[VECTOR], p[VECTORS], p[ROWS], p[COLUMNS], p[BAND]);
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

#define GATHER_PARAMETERS {"vector", "vectors", "rows", "columns", "band", NULL}
const hg_variant hg_cpu_forward = {"cpu", GATHER_PARAMETERS, fit_forward, accept_forward, emit_forward};
const hg_variant hg_cpu_forward_thin = {"cpu_thin", GATHER_PARAMETERS, fit_forward_thin, accept_forward_thin, emit_forward_thin};
const hg_variant hg_cpu_data = {"cpu", GATHER_PARAMETERS, fit_data, accept_data, emit_data};
const hg_variant hg_cpu_data_thin = {"cpu_thin", GATHER_PARAMETERS, fit_data_thin, accept_data_thin, emit_data_thin};
