/* Gathers of the large side where few channels are written (cl/conv_cpu_overlap.cl). */
#include "model/conv_cpu_private.h"

#include <math.h>

enum { VECTOR, VECTORS, PIXELS, BAND_ROWS };

/* Groups of SH x SW written pixels, the rows and columns of taps of the pixels that one meets, the lanes of its rows, and the numbers
 * that a pixel of the small side makes. */
typedef struct overlap { int rows, columns, taps_h, taps_w; int64_t line, made; } overlap;

static int count_groups(int written, int stride, int before) { return (written - 1 + before) / stride - before / stride + 1; }

static overlap overlap_of(const hg_conv *c)
{
    overlap v = {.rows = count_groups(c->hl, c->sh, c->ph), .columns = count_groups(c->wl, c->sw, c->pw), .taps_h = ceil_div(c->kh, c->sh),
                 .taps_w = ceil_div(c->kw, c->sw), .line = 2};
    while (v.line < (int64_t)c->sw * c->cl) v.line *= 2;
    v.made = (int64_t)c->kh * v.taps_w * c->sw * c->cl;
    return v;
}

static bool accept_overlap(const hg_device_info *limits, const void *problem, const int *p)
{
    const hg_conv *c = &((const hg_gather *)problem)->conv;
    const overlap v = overlap_of(c);
    (void)limits;
    if (hg_conv_is_product(c) || c->dh > 1 || c->dw > 1 || v.line > 16 || v.made > 256 || p[VECTOR] < 2 || p[VECTOR] > 16 || (p[VECTOR] & (p[VECTOR] - 1)) || p[VECTORS] < 1 ||
        p[VECTORS] > 8 || p[PIXELS] < 1 || p[PIXELS] * p[VECTORS] > 32 || p[BAND_ROWS] < 1 || p[BAND_ROWS] > v.rows) return false;
    const int lanes = ceil_div((int)v.made, p[VECTOR] * p[VECTORS]) * p[VECTOR] * p[VECTORS];
    const int first = c->pw / c->sw - (v.taps_w - 1), low = most(0, -first), high = least(c->ws - first, v.columns + v.taps_w - 1);
    return p[PIXELS] <= high - low && ((int64_t)v.columns + v.taps_w - 1) * lanes * v.taps_h * 4 <= PATCH_BYTES && (int64_t)c->cs * lanes * 4 <= PATCH_BYTES / 4 &&
           (int64_t)v.columns * v.line * 4 <= PATCH_BYTES / 4 && (int64_t)c->ws * c->cs * 4 <= PATCH_BYTES;
}

static double fit_overlap(const hg_device_info *limits, const void *problem, int *p)
{
    const hg_gather *gather = problem;
    const hg_conv *c = &gather->conv;
    const overlap v = overlap_of(c);
    const hg_cpu_registers registers = hg_cpu_registers_of(limits);
    if (v.made > 256 || v.line > 16) return -1;
    p[VECTOR] = hg_cpu_vector(limits, most(2, (int)v.made));
    /* vectors that waste few lanes; a load counts as a quarter of a multiply-add */
    const int all = ceil_div((int)v.made, p[VECTOR]);
    double least_cost = INFINITY;
    for (int n = 1; n <= 4; n++) {
        const int pixels = registers.sums / n;
        const double cost = ceil_div(all, n) * (n + 0.25 * (n + pixels) / pixels);
        if (cost >= least_cost) continue;
        least_cost = cost;
        p[VECTORS] = n;
    }
    p[PIXELS] = least_beyond(c->ws, registers.sums / p[VECTORS]);
    /* some bands whatever the device; a band makes TH - 1 rows that another one makes too */
    p[BAND_ROWS] = even_part(v.rows, most(ceil_div(v.rows, ceil_div(32, gather->batch)), least(v.rows, 4 * v.taps_h)));
    /* Others do better where lanes are few, where channels alone fill a register, and where registers of 16 add one or two numbers together;
     * of stride 1 the kernels along pixels add less, unless channels leave gaps in their vectors. */
    const bool strided = c->sh > 1 || c->sw > 1, narrow = registers.width < 16, uneven = c->cl & (c->cl - 1) || (narrow && c->cl == 1);
    const int64_t lanes = (int64_t)ceil_div(all, p[VECTORS]) * p[VECTORS] * p[VECTOR];
    const bool fills = 2 * (int64_t)c->kh * c->kw * c->cl > lanes && (narrow || c->sw * c->cl >= 3) && c->cl < registers.width && c->cs >= (strided ? 4 : 16);
    return accept_overlap(limits, problem, p) ? hg_cpu_place(limits) * (!fills ? 3 : strided ? 0.4 : uneven ? 0.45 : 2) : -1;
}

static void emit_overlap(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, true);
    const overlap v = overlap_of(&gather->conv);
    const size_t units = hg_mul((size_t)gather->batch, (size_t)ceil_div(v.rows, p[BAND_ROWS]));
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, &s, hg_gather_weights(plan, node, gather, s.written.c), "conv_cpu_overlap", "gather");
    hg_emit_int(plan, launch, (int64_t)units);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "TILE", p[PIXELS]);
    hg_emit_define(plan, launch, "BAND", p[BAND_ROWS]);
    hg_emit_define(plan, launch, "LINE", v.line);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_variant(plan, launch, "cpu_overlap %d:%d:%d:%d", p[VECTOR], p[VECTORS], p[PIXELS], p[BAND_ROWS]);
}

const hg_variant hg_cpu_data_overlap = {"cpu_overlap", {"vector", "vectors", "pixels", "rows", NULL}, fit_overlap, accept_overlap, emit_overlap, .half = true};
