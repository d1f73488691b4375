/* Gathers along pixels (cl/conv_cpu_wide.cl). */
#include "model/conv_cpu_private.h"

enum { PIXEL_VECTORS, TILE_ROWS };

static int64_t wide_plane(const hg_gather *gather, const hg_cpu_gather *s, const int *p)
{
    const hg_conv *c = &gather->conv;
    const int64_t step = 16 * p[PIXEL_VECTORS], halo = (int64_t)(c->kw - 1) * c->dw, row = s->columns + halo;
    return ((p[TILE_ROWS] - 1) * row + s->columns + step - 1) / step * step + (int64_t)(c->kh - 1) * c->dh * row + halo + 32;
}

static bool accept_wide(const hg_gather *gather, bool data, const int *p)
{
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const hg_conv *c = &gather->conv;
    const int o = s.written.c;
    return c->sh == 1 && c->sw == 1 && !s.product && o <= 8 && !(o & (o - 1)) && p[PIXEL_VECTORS] >= 1 && p[PIXEL_VECTORS] <= 16 &&
           p[TILE_ROWS] >= 1 && p[TILE_ROWS] <= s.rows && wide_plane(gather, &s, p) * (s.read.c + o) * 4 <= PATCH_BYTES;
}

static double fit_wide(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
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
    return accept_wide(gather, data, p) && s.written.c >= 2 && s.read.c >= 4 ? hg_cpu_place(limits) * (hg_cpu_registers_of(limits).width == 16 ? 0.6 : 3) : -1;
}

static void emit_wide(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const size_t units = hg_mul((size_t)gather->batch, (size_t)ceil_div(s.rows, p[TILE_ROWS]));
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, &s, hg_gather_weights(plan, node, gather, s.written.c), "conv_cpu_wide", "gather");
    hg_emit_int(plan, launch, (int64_t)units);
    hg_emit_define(plan, launch, "HG_VEC", 16);
    hg_emit_define(plan, launch, "NP", p[PIXEL_VECTORS]);
    hg_emit_define(plan, launch, "R", p[TILE_ROWS]);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_variant(plan, launch, "cpu_wide %d:%d", p[PIXEL_VECTORS], p[TILE_ROWS]);
}

static double fit_forward_wide(const hg_device_info *l, const void *q, int *p) { return fit_wide(l, q, p, false); }
static double fit_data_wide(const hg_device_info *l, const void *q, int *p) { return fit_wide(l, q, p, true); }
static bool accept_forward_wide(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_wide(q, false, p); }
static bool accept_data_wide(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_wide(q, true, p); }
static void emit_forward_wide(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_wide(plan, node, q, p, false); }
static void emit_data_wide(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_wide(plan, node, q, p, true); }

#define WIDE_PARAMETERS {"vectors", "rows", NULL}
const hg_variant hg_cpu_forward_wide = {"cpu_wide", WIDE_PARAMETERS, fit_forward_wide, accept_forward_wide, emit_forward_wide, .half = true};
const hg_variant hg_cpu_data_wide = {"cpu_wide", WIDE_PARAMETERS, fit_data_wide, accept_data_wide, emit_data_wide, .half = true};
