/* Gathers of the same pixel of several pictures (cl/conv_cpu_batch.cl). */
#include "model/conv_cpu_private.h"

enum { VECTOR, VECTORS, PICTURES, BAND_ROWS };

static bool accept_batch(const hg_gather *gather, bool data, const int *p)
{
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const hg_conv *c = &gather->conv;
    if (s.product || (data && ((c->sh > 1 && c->dh > 1) || (c->sw > 1 && c->dw > 1)))) return false;
    return p[VECTOR] >= 1 && p[VECTOR] <= 16 && !(p[VECTOR] & (p[VECTOR] - 1)) && p[VECTORS] >= 1 &&
           (int64_t)p[VECTOR] * p[VECTORS] <= s.written.c && p[PICTURES] >= 1 && p[PICTURES] <= least(32, gather->batch) &&
           p[BAND_ROWS] >= 1 && p[BAND_ROWS] <= s.written.h;
}

/* The share of taps that lie in the picture, in one dimension. */
static double inside(int large, int small, int kernel, int stride, int dilation, int before)
{
    int64_t met = 0;
    for (int64_t i = 0; i < small; i++)
        for (int64_t k = 0; k < kernel; k++) {
            const int64_t at = i * stride - before + k * dilation;
            met += at >= 0 && at < large;
        }
    return (double)met / ((double)small * kernel);
}

static size_t band_units(const hg_gather *gather, const hg_cpu_gather *s, const int *p)
{
    return hg_mul((size_t)ceil_div(gather->batch, p[PICTURES]), (size_t)ceil_div(s->written.h, p[BAND_ROWS]));
}

static double fit_batch(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const hg_conv *c = &gather->conv;
    const hg_cpu_registers registers = hg_cpu_registers_of(limits);
    p[VECTOR] = hg_cpu_vector(limits, s.written.c);
    p[VECTORS] = even_part(s.written.c / p[VECTOR], 2);
    p[PICTURES] = even_part(gather->batch, registers.sums / p[VECTORS]);
    p[BAND_ROWS] = 1;
    if (!accept_batch(gather, data, p)) return -1;
    /* Measured beside the kernels that copy a band. It needs half a tile, at least, and whole vectors; where few products make a number of
     * a gradient it waits for what that is multiplied by. */
    enum { FEW_PRODUCTS = 128 };
    const int made = ceil_div(gather->batch, p[PICTURES]) * p[PICTURES], sums = p[PICTURES] * p[VECTORS];
    const bool few = gather->gradient && (int64_t)c->kh * c->kw * s.read.c / (data ? c->sh * c->sw : 1) < FEW_PRODUCTS;
    if (p[VECTOR] < registers.width || sums < registers.sums / 2) return hg_cpu_place(limits) * 3;
    const double taps = inside(c->hl, c->hs, c->kh, c->sh, c->dh, c->ph) * inside(c->wl, c->ws, c->kw, c->sw, c->dw, c->pw);
    return hg_cpu_place(limits) * hg_cpu_idle(band_units(gather, &s, p)) * (few ? 1.1 : 0.95) * taps * made / gather->batch;
}

static void emit_batch(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const size_t units = band_units(gather, &s, p);
    const hg_block weights = hg_gather_weights(plan, node, gather, p[VECTOR] * p[VECTORS]);
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, &s, weights, "conv_cpu_batch", "gather");
    hg_emit_int(plan, launch, gather->batch);
    hg_emit_int(plan, launch, (int64_t)units);
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "TILE", p[PICTURES]);
    hg_emit_define(plan, launch, "ROWS", p[BAND_ROWS]);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_variant(plan, launch, "cpu_batch %d:%d:%d:%d", p[VECTOR], p[VECTORS], p[PICTURES], p[BAND_ROWS]);
}

static double fit_forward_batch(const hg_device_info *l, const void *q, int *p) { return fit_batch(l, q, p, false); }
static double fit_data_batch(const hg_device_info *l, const void *q, int *p) { return fit_batch(l, q, p, true); }
static bool accept_forward_batch(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_batch(q, false, p); }
static bool accept_data_batch(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_batch(q, true, p); }
static void emit_forward_batch(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_batch(plan, node, q, p, false); }
static void emit_data_batch(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_batch(plan, node, q, p, true); }

#define BATCH_PARAMETERS {"vector", "vectors", "pictures", "rows", NULL}
const hg_variant hg_cpu_forward_batch = {"cpu_batch", BATCH_PARAMETERS, fit_forward_batch, accept_forward_batch, emit_forward_batch};
const hg_variant hg_cpu_data_batch = {"cpu_batch", BATCH_PARAMETERS, fit_data_batch, accept_data_batch, emit_data_batch};
