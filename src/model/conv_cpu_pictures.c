/* Gathers along pictures (cl/conv_cpu_pictures.cl). */
#include "model/conv_cpu_private.h"

enum { PIXELS, CHANNELS, BAND, LANES = 16 };

/* Pixels of the patch along one side for n written ones, in D of a phase. */
static int64_t patch_side(int64_t n, int step, int kernel, int stride, int dilation, int before, bool data)
{
    if (!data || stride == 1) return (n - 1) * step + (int64_t)(kernel - 1) * dilation + 1;
    return n + (stride - 1 + before) / stride - before / stride + (kernel - 1) / stride;
}

/* Bytes of the patch and of the results. */
static int64_t pictures_bytes(const hg_gather *gather, const hg_cpu_gather *s, int rows)
{
    const hg_conv *c = &gather->conv;
    const int64_t h = patch_side(rows, s->row_step, c->kh, c->sh, c->dh, c->ph, s->data), w = patch_side(s->columns, s->column_step, c->kw, c->sw, c->dw, c->pw, s->data);
    return (h * w * s->read.c + (int64_t)rows * (s->data ? c->sh : 1) * s->written.w * s->written.c) * LANES * (int64_t)sizeof(float);
}

static bool accept_pictures(const hg_gather *gather, bool data, const int *p)
{
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const hg_conv *c = &gather->conv;
    if (data && ((c->sh > 1 && c->dh > 1) || (c->sw > 1 && c->dw > 1))) return false;
    return !s.product && gather->batch >= LANES && p[PIXELS] >= 1 && p[PIXELS] <= s.columns && p[CHANNELS] >= 1 && s.written.c % p[CHANNELS] == 0 &&
           p[PIXELS] * p[CHANNELS] <= 32 && p[BAND] >= 1 && p[BAND] <= s.rows && pictures_bytes(gather, &s, p[BAND]) <= PATCH_BYTES;
}

static double fit_pictures(const hg_device_info *limits, const void *problem, int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const int sums = hg_cpu_registers_of(limits).sums * hg_cpu_registers_of(limits).width / LANES;
    p[CHANNELS] = 1;
    for (int n = 2; n * n <= sums; n++) if (s.written.c % n == 0) p[CHANNELS] = n;
    p[PIXELS] = even_part(s.columns, most(1, sums / p[CHANNELS]));
    int bands = 1;
    do p[BAND] = ceil_div(s.rows, bands++);
    while (p[BAND] > 1 && pictures_bytes(gather, &s, p[BAND]) > PATCH_BYTES / 2);
    if (!accept_pictures(gather, data, p)) return -1;
    /* where others leave half of their vectors empty, or have short rows */
    const bool strided = gather->conv.sh * gather->conv.sw > 1;
    const bool pays = s.written.c <= 8 ? s.written.w <= 8 || strided : s.written.c <= 16 && s.read.c <= 8 && data && strided;
    return hg_cpu_place(limits) * (pays && hg_cpu_registers_of(limits).width == LANES ? 0.4 : 3);
}

static void emit_pictures(hg_plan *plan, const hg_node *node, const void *problem, const int *p, bool data)
{
    const hg_gather *gather = problem;
    const hg_cpu_gather s = hg_cpu_gather_of(gather, data);
    const size_t units = hg_mul((size_t)ceil_div(gather->batch, LANES), (size_t)ceil_div(s.rows, p[BAND]));
    hg_launch *launch = hg_cpu_emit_gather(plan, node, gather, &s, hg_gather_weights(plan, node, gather, s.written.c), "conv_cpu_pictures", "gather");
    hg_emit_int(plan, launch, gather->batch);
    hg_emit_int(plan, launch, (int64_t)units);
    hg_emit_define(plan, launch, "HG_VEC", LANES);
    hg_emit_define(plan, launch, "TILE", p[PIXELS]);
    hg_emit_define(plan, launch, "Q", p[CHANNELS]);
    hg_emit_define(plan, launch, "BAND", p[BAND]);
    if (gather->pool.kh) hg_emit_read(plan, launch, gather->pool.winners);
    hg_pool_define(plan, launch, &gather->pool);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_variant(plan, launch, "cpu_pictures %d:%d:%d", p[PIXELS], p[CHANNELS], p[BAND]);
}

static double fit_forward_pictures(const hg_device_info *l, const void *q, int *p) { return fit_pictures(l, q, p, false); }
static double fit_data_pictures(const hg_device_info *l, const void *q, int *p) { return fit_pictures(l, q, p, true); }
static bool accept_forward_pictures(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_pictures(q, false, p); }
static bool accept_data_pictures(const hg_device_info *l, const void *q, const int *p) { (void)l; return accept_pictures(q, true, p); }
static void emit_forward_pictures(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_pictures(plan, node, q, p, false); }
static void emit_data_pictures(hg_plan *plan, const hg_node *node, const void *q, const int *p) { emit_pictures(plan, node, q, p, true); }

#define PICTURES_PARAMETERS {"pixels", "channels", "band", NULL}
const hg_variant hg_cpu_forward_pictures = {"cpu_pictures", PICTURES_PARAMETERS, fit_forward_pictures, accept_forward_pictures, emit_forward_pictures, .half = true};
const hg_variant hg_cpu_data_pictures = {"cpu_pictures", PICTURES_PARAMETERS, fit_data_pictures, accept_data_pictures,
    emit_data_pictures, .pooled = true, .half = true};
