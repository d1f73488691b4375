/* Forward passes and weight gradients of convolutions with the max pooling behind them (cl/conv_pooled.cl, cl/conv_pooled_weight.cl).
 * The data gradients are those of conv_cpu.c and conv_cpu_pictures.c. */
#include "model/conv_cpu_private.h"

#include <string.h>
#include "model/conv_winograd.h"

enum { LANES = 16 };

/* Bytes of the patch that `rows` rows of windows meet. */
static int64_t patch_bytes(const hg_conv *c, const hg_conv_pool *pool, int64_t rows)
{
    const int64_t h = (rows * pool->kh - 1) * c->sh + (int64_t)(c->kh - 1) * c->dh + 1;
    const int64_t w = ((int64_t)pool->w * pool->kw - 1) * c->sw + (int64_t)(c->kw - 1) * c->dw + 1;
    return h * w * c->cl * (int64_t)sizeof(float);
}

/* As many rows of windows as leave the patch in `limit` bytes, in even bands. */
static int band_rows(const hg_conv *c, const hg_conv_pool *pool, int64_t limit)
{
    int rows = pool->h, bands = 1;
    while (rows > 1 && patch_bytes(c, pool, rows) > limit) rows = ceil_div(pool->h, ++bands);
    return rows;
}

static int places(const hg_conv_pool *pool) { return pool->kh * pool->kw; }

/* Can `vectors` vectors go along so many channels side by side? */
static bool fills(int vector, int vectors, int channels)
{
    return vector >= 1 && vector <= 16 && !(vector & (vector - 1)) && vectors >= 1 && vector * vectors <= channels;
}

/* ---- forward */

/* relu(max) is max(relu); of windows without a positive number, where winners may differ, the derivative is zero. */
static void define_late(hg_plan *plan, hg_launch *launch, int to)
{
    const hg_choice act = hg_plan_tensor(plan, to)->act;
    hg_emit_define(plan, launch, "LATE", act.type && strcmp(act.type->name, "relu") == 0);
}

static hg_launch *begin_forward(hg_plan *plan, const hg_node *node, const hg_gather *gather, hg_block weights,
                                const char *kernel, int band, size_t units)
{
    const hg_conv *c = &gather->conv;
    hg_launch *launch = hg_emit(plan, node, "forward, pooled", "conv_pooled", kernel);
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, weights);
    hg_emit_read(plan, launch, gather->bias);
    hg_emit_write(plan, launch, hg_plan_value(plan, gather->to));
    hg_emit_write(plan, launch, gather->pool.winners);
    hg_emit_int(plan, launch, (int64_t)units);
    const struct { const char *name; int value; } macros[] = {
        {"IH", c->hl}, {"IW", c->wl}, {"G", c->cl}, {"OH", c->hs}, {"OW", c->ws}, {"O", c->cs},
        {"BIAS", gather->bias >= 0}, {"NOTE", gather->pool.winners >= 0}, {"BAND", band}};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
    hg_conv_define(plan, launch, c);
    hg_pool_define(plan, launch, &gather->pool);
    hg_emit_act(plan, launch, gather->to);
    define_late(plan, launch, gather->to);
    hg_gather_emit_cost(plan, launch, gather);
    return launch;
}

enum { VECTOR, VECTORS, WINDOWS, BAND };

static bool accept_forward(const hg_device_info *limits, const void *problem, const int *p)
{
    const hg_gather *gather = problem;
    const hg_conv_pool *pool = &gather->pool;
    (void)limits;
    return pool->kh && fills(p[VECTOR], p[VECTORS], gather->conv.cs) && p[WINDOWS] >= 1 && p[WINDOWS] <= pool->w &&
           p[WINDOWS] * places(pool) * p[VECTORS] <= 32 && p[BAND] >= 1 && p[BAND] <= pool->h && patch_bytes(&gather->conv, pool, p[BAND]) <= PATCH_BYTES;
}

/* Would Winograd's filtering compute it if nothing were pooled? That saves more than the pooling costs. */
static bool is_filtered(const hg_device_info *limits, const hg_gather *gather)
{
    static const hg_variant *const filters[] = {HG_WINOGRAD_FORWARD_VARIANTS};
    hg_gather apart = *gather;
    apart.pool = (hg_conv_pool){0};
    bool filtered = false;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        int parameters[HG_VARIANT_PARAMS] = {0};
        const double cost = hg_variant_cost(&hg_conv_forward, filters[i], limits, &apart, parameters);
        filtered |= cost >= 0 && cost < hg_cpu_place(limits);
    }
    return filtered;
}

static double fit_forward(const hg_device_info *limits, const void *problem, int *p)
{
    const hg_gather *gather = problem;
    const hg_conv_pool *pool = &gather->pool;
    if (!pool->kh) return -1;
    p[VECTOR] = hg_cpu_vector(limits, gather->conv.cs);
    p[VECTORS] = 1;
    /* The sums share the registers with the weights of a row of taps. With few channels there is more to do behind the sums than in them:
     * few windows leave registers for that. */
    const int limit = gather->conv.cl > 4 ? hg_cpu_registers_of(limits).all - gather->conv.kw - 1 : 8;
    p[WINDOWS] = least_beyond(pool->w, most(1, limit / places(pool)));
    p[BAND] = band_rows(&gather->conv, pool, BAND_BYTES);
    if (!accept_forward(limits, problem, p)) return -1;
    return hg_cpu_place(limits) * (is_filtered(limits, gather) ? HG_VARIANT_FOREIGN : 1);
}

static void emit_forward(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const hg_gather *gather = problem;
    const size_t units = hg_mul((size_t)gather->batch, (size_t)ceil_div(gather->pool.h, p[BAND]));
    const hg_block weights = hg_gather_weights(plan, node, gather, p[VECTOR] * p[VECTORS]);
    hg_launch *launch = begin_forward(plan, node, gather, weights, "gather", p[BAND], units);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_define(plan, launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, launch, "NV", p[VECTORS]);
    hg_emit_define(plan, launch, "TILE", p[WINDOWS]);
    hg_emit_variant(plan, launch, "pooled %d:%d:%d:%d", p[VECTOR], p[VECTORS], p[WINDOWS], p[BAND]);
}

const hg_variant hg_cpu_forward_pooled = {"pooled", {"vector", "vectors", "windows", "band", NULL},
    fit_forward, accept_forward, emit_forward, .pooled = true, .half = true,
};

/* ---- the same along pictures */

enum { CHANNELS, PICTURES_BAND };

static int64_t pictures_bytes(const hg_gather *gather, int rows)
{
    const int64_t results = 2 * (int64_t)rows * gather->pool.w * gather->conv.cs * (int64_t)sizeof(float);
    return LANES * (patch_bytes(&gather->conv, &gather->pool, rows) + results);
}

static bool accept_pictures(const hg_device_info *limits, const void *problem, const int *p)
{
    const hg_gather *gather = problem;
    const hg_conv_pool *pool = &gather->pool;
    (void)limits;
    return pool->kh && gather->batch >= LANES && p[CHANNELS] >= 1 && gather->conv.cs % p[CHANNELS] == 0 &&
           p[CHANNELS] * places(pool) <= 32 && p[PICTURES_BAND] >= 1 && p[PICTURES_BAND] <= pool->h && pictures_bytes(gather, p[PICTURES_BAND]) <= PATCH_BYTES;
}

static double fit_pictures(const hg_device_info *limits, const void *problem, int *p)
{
    const hg_gather *gather = problem;
    /* elsewhere it never pays, and Oclgrind 21 takes the sum of 16 lanes, by which NaN is found, for uninitialised */
    if (!gather->pool.kh || !hg_has_wide_vectors(limits)) return -1;
    const int sums = hg_cpu_registers_of(limits).sums * hg_cpu_registers_of(limits).width / LANES;
    p[CHANNELS] = most(1, least(gather->conv.cs, sums / places(&gather->pool)));
    while (p[CHANNELS] > 4 || gather->conv.cs % p[CHANNELS]) p[CHANNELS]--;
    int bands = 1;
    do p[PICTURES_BAND] = ceil_div(gather->pool.h, bands++);
    while (p[PICTURES_BAND] > 1 && pictures_bytes(gather, p[PICTURES_BAND]) > PATCH_BYTES / 2);
    if (!accept_pictures(limits, problem, p)) return -1;
    /* where vectors along channels would be partly empty */
    const bool pays = gather->conv.cs < LANES && hg_cpu_registers_of(limits).width == LANES;
    return hg_cpu_place(limits) * (is_filtered(limits, gather) ? HG_VARIANT_FOREIGN : pays ? 0.5 : 3);
}

static void emit_pictures(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const hg_gather *gather = problem;
    const size_t units = hg_mul((size_t)ceil_div(gather->batch, LANES), (size_t)ceil_div(gather->pool.h, p[PICTURES_BAND]));
    hg_launch *launch = begin_forward(plan, node, gather, gather->weight, "gather_pictures", p[PICTURES_BAND], units);
    hg_emit_int(plan, launch, gather->batch);
    hg_emit_taken(plan, launch, hg_cpu_items(plan, units));
    hg_emit_define(plan, launch, "HG_VEC", LANES);
    hg_emit_define(plan, launch, "Q", p[CHANNELS]);
    hg_emit_variant(plan, launch, "pooled_pictures %d:%d", p[CHANNELS], p[PICTURES_BAND]);
}

const hg_variant hg_cpu_forward_pooled_pictures = {"pooled_pictures", {"channels", "band", NULL},
    fit_pictures, accept_pictures, emit_pictures, .pooled = true, .half = true,
};

/* ---- weight gradients: the winner's surroundings are picked, with vectors along the channels that are read; or, where these are few,
 * all of a window's are gone through, with vectors along the channels of the gradient */

enum { WEIGHT_BAND = 2 };

static int64_t summed_bytes(const hg_conv *c) { return (int64_t)c->kh * c->kw * c->cl * c->cs * (int64_t)sizeof(float); }

static bool accept_weight(const hg_weight *weight, const int *p, int channels)
{
    const hg_conv *c = &weight->conv;
    return weight->pool.kh && fills(p[VECTOR], p[VECTORS], channels) && p[WEIGHT_BAND] >= 1 && p[WEIGHT_BAND] <= weight->pool.h &&
           patch_bytes(c, &weight->pool, p[WEIGHT_BAND]) <= PATCH_BYTES && 2 * summed_bytes(c) <= PATCH_BYTES;
}

static bool accept_picked(const hg_device_info *limits, const void *problem, const int *p)
{
    const hg_weight *weight = problem;
    (void)limits;
    return accept_weight(weight, p, weight->conv.cl) && weight->conv.kh * weight->conv.kw * p[VECTORS] <= 64;
}

static double fit_picked(const hg_device_info *limits, const void *problem, int *p)
{
    const hg_weight *weight = problem;
    const hg_conv *c = &weight->conv;
    if (!weight->pool.kh) return -1;
    p[VECTOR] = hg_cpu_vector(limits, c->cl);
    p[VECTORS] = even_part(c->cl / p[VECTOR], most(1, hg_cpu_registers_of(limits).sums / (c->kh * c->kw)));
    p[WEIGHT_BAND] = band_rows(c, &weight->pool, 2 * BAND_BYTES);
    if (!accept_picked(limits, problem, p)) return -1;
    /* vectors along the few channels of a picture are nearly empty: then the pair is faster apart, unless masks do */
    return hg_cpu_place(limits) * (c->cl < 4 ? HG_VARIANT_FOREIGN : 1);
}

static void emit_weight(hg_plan *plan, const hg_node *node, const hg_weight *weight, const char *name, const char *kernel, const int *p)
{
    const int units = weight->batch * ceil_div(weight->pool.h, p[WEIGHT_BAND]);
    const hg_weight_launch w = hg_cpu_weight_begin(plan, node, weight, "conv_pooled_weight", kernel, units, 1);
    hg_emit_read(plan, w.launch, weight->pool.winners);
    hg_pool_define(plan, w.launch, &weight->pool);
    hg_emit_define(plan, w.launch, "HG_VEC", p[VECTOR]);
    hg_emit_define(plan, w.launch, "NV", p[VECTORS]);
    hg_emit_define(plan, w.launch, "BAND", p[WEIGHT_BAND]);
    hg_emit_taken(plan, w.launch, (size_t)w.splits);
    hg_emit_variant(plan, w.launch, "%s %d:%d:%d, %d splits", name, p[VECTOR], p[VECTORS], p[WEIGHT_BAND], w.splits);
    hg_cpu_weight_end(plan, node, &w);
}

static void emit_picked(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    emit_weight(plan, node, problem, "pooled", "weight_picked", p);
}

const hg_variant hg_cpu_weight_pooled = {"pooled", {"vector", "vectors", "band", NULL},
    fit_picked, accept_picked, emit_picked, .pooled = true, .half = true,
};

static bool accept_masked(const hg_device_info *limits, const void *problem, const int *p)
{
    const hg_weight *weight = problem;
    const hg_conv *c = &weight->conv;
    (void)limits;
    return c->cl <= 4 && accept_weight(weight, p, c->cs) && c->kh * c->kw * c->cl * p[VECTORS] <= 128;
}

static double fit_masked(const hg_device_info *limits, const void *problem, int *p)
{
    const hg_weight *weight = problem;
    const hg_conv *c = &weight->conv;
    if (!weight->pool.kh) return -1;
    p[VECTOR] = hg_cpu_vector(limits, c->cs);
    p[VECTORS] = even_part(c->cs / p[VECTOR], most(1, hg_cpu_registers_of(limits).sums / (c->kh * c->kw * c->cl)));
    p[WEIGHT_BAND] = band_rows(c, &weight->pool, BAND_BYTES / 4);
    if (!accept_masked(limits, problem, p)) return -1;
    /* sums that no register has are slower than the pair apart */
    return hg_cpu_place(limits) * (c->kh * c->kw * c->cl > 36 ? HG_VARIANT_FOREIGN : 0.5);
}

static void emit_masked(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    emit_weight(plan, node, problem, "pooled_masked", "weight_masked", p);
}

const hg_variant hg_cpu_weight_pooled_masked = {"pooled_masked", {"vector", "vectors", "band", NULL},
    fit_masked, accept_masked, emit_masked, .pooled = true, .half = true,
};
