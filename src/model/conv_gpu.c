#include "model/conv_gpu.h"

#include <math.h>
#include <string.h>
#include "model/conv.h"
#include "model/conv_reduce.h"

enum { ROWS, COLUMNS, DEPTH, ITEM_ROWS, ITEM_COLUMNS };

/* Tiles worth a try: large ones, narrow ones for layers with few channels, deep ones for few outputs of many inputs. */
static const int tiles[][HG_VARIANT_PARAMS] = {
    {128, 128, 8, 8, 8}, {128, 64, 8, 8, 8},  {64, 128, 8, 8, 8}, {128, 64, 16, 8, 4}, {64, 64, 16, 4, 4},
    {64, 64, 16, 8, 8},  {128, 32, 16, 8, 4}, {64, 32, 16, 4, 4}, {32, 64, 16, 4, 4},  {32, 32, 16, 4, 4},
    {128, 16, 16, 4, 4}, {64, 16, 16, 4, 4},  {16, 64, 16, 4, 4}, {32, 16, 16, 4, 2},  {16, 32, 16, 2, 4},
    {16, 16, 16, 2, 2},  {256, 8, 16, 4, 4},  {128, 8, 16, 2, 4}, {256, 4, 16, 2, 4},  {128, 4, 16, 1, 4},
    {256, 4, 16, 4, 2},  {128, 4, 16, 2, 2},  {256, 2, 16, 2, 1}, {128, 2, 16, 1, 1},  {32, 32, 32, 4, 4},
    {32, 16, 64, 2, 4},  {16, 32, 64, 2, 4},  {16, 16, 64, 2, 4}, {16, 16, 64, 2, 2},
};

enum { MAX_PHASES = 64, MAX_GROUPS = 1 << 30, MAX_READS = 16, MAX_READ_FLOATS = 32 };

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int gcd(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int items_of(const int *p)
{
    return p[ROWS] / p[ITEM_ROWS] * (p[COLUMNS] / p[ITEM_COLUMNS]);
}

/* Can `items` work-items read a slice of `floats` numbers together, a line of `line` vectors after the other, without
 * holding too much each? */
static bool shares(int items, int line, int vector, int floats)
{
    if (line < 1 || items < line || items % line != 0) return false;
    const int64_t reads = ceil_div(floats, (int64_t)items * vector);
    return reads <= MAX_READS && reads * vector <= MAX_READ_FLOATS;
}

static bool is_part(int whole, int part)
{
    return (part == 1 || part == 2 || part == 4 || part == 8) && whole % part == 0;
}

static int vector_of(int channels)
{
    return channels % 4 == 0 ? 4 : 1;
}

/* What both kernels ask of a tile. `vector` floats are read at a time on the columns' side, whose slice has a row for each
 * item. Half of the local memory is left, so that two groups share a compute unit (and Mesa 22.3 counts some slices twice).
 * Scalars of the columns' side must not be read by all items at the same address: llvmpipe (Mesa 22.3) gives 0 then. */
static bool tile_fits(const hg_device_info *limits, const int *p, int vector)
{
    for (int i = 0; i <= ITEM_COLUMNS; i++)
        if (p[i] < 1 || p[i] > 256) return false;
    if (!is_part(p[ROWS], p[ITEM_ROWS]) || !is_part(p[COLUMNS], p[ITEM_COLUMNS]) || p[DEPTH] % 4 || p[ROWS] % 4)
        return false;
    const int items = items_of(p), read_rows = (int)ceil_div((int64_t)items * vector, p[COLUMNS]);
    const int column_rows = read_rows > p[DEPTH] ? read_rows : p[DEPTH];
    const int64_t floats = (int64_t)p[DEPTH] * (p[ROWS] + 4) + (int64_t)column_rows * (p[COLUMNS] + 4);
    if (items < 32 || limits->max_work_group < 64 || (uint64_t)items > limits->max_work_group) return false;
    if (vector == 1 && p[COLUMNS] == p[ITEM_COLUMNS]) return false;
    return p[ITEM_COLUMNS] % vector == 0 && 2 * (uint64_t)floats * sizeof(float) <= limits->local_memory;
}

/* Expected time of a tile in cycles: multiply-adds including the padding of the last tiles, with what reading local
 * memory (per item) and global memory (per group) adds to one, times how often the groups leave a part of the device
 * idle; and the slices one after the other, which a nearly idle device waits for. */
static double tile_time(const hg_device_info *limits, const int *p, double rows, double columns, double depth,
                        double parallel)
{
    const double down = ceil(rows / p[ROWS]), across = ceil(columns / p[COLUMNS]), slices = ceil(depth / p[DEPTH]);
    const double per_add = 1 + 1.0 / p[ITEM_ROWS] + 1.0 / p[ITEM_COLUMNS] + 8.0 / p[ROWS] + 8.0 / p[COLUMNS];
    const double adds = down * p[ROWS] * across * p[COLUMNS] * slices * p[DEPTH] * parallel;
    const double wanted = 256.0 * limits->compute_units, items = down * across * parallel * items_of(p);
    const double idle = items < wanted ? wanted / items : 1;
    return adds * per_add * idle / (128.0 * limits->compute_units) + slices * 400;
}

/* ---- fit and accept */

static bool is_gpu(const hg_device_info *limits)
{
    return limits->type != HG_DEVICE_CPU;
}

typedef bool accepts_fn(const hg_device_info *limits, const void *problem, const int *parameters);

static double choose(const hg_device_info *limits, const void *problem, accepts_fn *accepts, double rows,
                     double columns, double depth, double parallel, int *parameters)
{
    double best = -1;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        if (!accepts(limits, problem, tiles[i])) continue;
        const double time = tile_time(limits, tiles[i], rows, columns, depth, parallel);
        if (best >= 0 && time >= best) continue;
        best = time;
        memcpy(parameters, tiles[i], sizeof tiles[i]);
    }
    return best < 0 ? -1 : is_gpu(limits) ? 1 : 100;
}

/* A gather as a product: what is read and written, phases, pixels and depth of the largest phase. */
typedef struct product { hg_side from, to; int phases; int64_t rows, depth; } product;

static product product_of(const hg_gather *gather, bool data)
{
    const hg_conv *conv = &gather->conv;
    product p = {.from = data ? hg_conv_small(conv) : hg_conv_large(conv),
                 .to = data ? hg_conv_large(conv) : hg_conv_small(conv)};
    const int sh = data ? conv->sh : 1, sw = data ? conv->sw : 1;
    p.phases = (int64_t)sh * sw <= MAX_PHASES ? sh * sw : 0;
    p.rows = ceil_div(p.to.h, sh) * ceil_div(p.to.w, sw) * gather->batch;
    p.depth = ceil_div(conv->kh, sh) * ceil_div(conv->kw, sw) * p.from.c;
    return p;
}

static bool gather_accepts(const hg_device_info *limits, const hg_gather *gather, bool data, const int *p)
{
    const product shape = product_of(gather, data);
    const int items = items_of(p), from = vector_of(shape.from.c), to = vector_of(shape.to.c);
    if (!shape.phases || !tile_fits(limits, p, to)) return false;
    const int64_t groups = ceil_div(shape.rows, p[ROWS]) * ceil_div(shape.to.c, p[COLUMNS]) * shape.phases;
    return shares(items, p[DEPTH] / from, from, p[ROWS] * p[DEPTH]) && p[ROWS] * p[DEPTH] % (items * from) == 0
        && shares(items, p[COLUMNS] / to, to, p[COLUMNS] * p[DEPTH]) && groups < MAX_GROUPS;
}

static bool forward_accepts(const hg_device_info *limits, const void *problem, const int *p)
{
    return gather_accepts(limits, problem, false, p);
}
static bool data_accepts(const hg_device_info *limits, const void *problem, const int *p)
{
    return gather_accepts(limits, problem, true, p);
}

static double forward_fit(const hg_device_info *limits, const void *problem, int *parameters)
{
    const product p = product_of(problem, false);
    return choose(limits, problem, forward_accepts, (double)p.rows, p.to.c, (double)p.depth, 1, parameters);
}

static double data_fit(const hg_device_info *limits, const void *problem, int *parameters)
{
    const product p = product_of(problem, true);
    return choose(limits, problem, data_accepts, (double)p.rows, p.to.c, (double)p.depth, p.phases, parameters);
}

static bool weight_accepts(const hg_device_info *limits, const void *problem, const int *p)
{
    const hg_conv *conv = &((const hg_weight *)problem)->conv;
    const int items = items_of(p), large = vector_of(conv->cl), small = vector_of(conv->cs);
    if (!tile_fits(limits, p, small)) return false;
    const int64_t rows = (int64_t)conv->kh * conv->kw * conv->cl;
    return shares(items, p[ROWS] / large, large, p[ROWS] * p[DEPTH]) && p[ROWS] * p[DEPTH] % (items * large) == 0
        && shares(items, p[COLUMNS] / small, small, p[COLUMNS] * p[DEPTH])
        && ceil_div(rows, p[ROWS]) * ceil_div(conv->cs, p[COLUMNS]) < MAX_GROUPS / 1024;
}

/* Splits of the pixels fill the device, so idle parts do not count in the choice of a tile. */
static double weight_fit(const hg_device_info *limits, const void *problem, int *parameters)
{
    const hg_conv *conv = &((const hg_weight *)problem)->conv;
    return choose(limits, problem, weight_accepts, (double)conv->kh * conv->kw * conv->cl, conv->cs, 1024, 1e9,
                  parameters);
}

/* ---- emitting */

static void define_tile(hg_plan *plan, hg_launch *launch, const int *p, int vector)
{
    hg_emit_define(plan, launch, "TM", p[ROWS]);
    hg_emit_define(plan, launch, "TN", p[COLUMNS]);
    hg_emit_define(plan, launch, "TK", p[DEPTH]);
    hg_emit_define(plan, launch, "RM", p[ITEM_ROWS]);
    hg_emit_define(plan, launch, "RN", p[ITEM_COLUMNS]);
    hg_emit_define(plan, launch, "HG_VEC", vector);
}

static void set_range(hg_plan *plan, hg_launch *launch, int64_t groups, const int *p)
{
    const size_t items = (size_t)items_of(p);
    hg_emit_range(plan, launch, hg_mul((size_t)groups, items), 1, 1, items, 1, 1);
}

static void define_phases(hg_plan *plan, hg_launch *launch, const hg_conv *conv)
{
    const int down = gcd(conv->sh, conv->dh), across = gcd(conv->sw, conv->dw);
    hg_emit_define(plan, launch, "DATA", 1);
    hg_emit_define(plan, launch, "KSH", conv->sh / down);
    hg_emit_define(plan, launch, "KSW", conv->sw / across);
    hg_emit_define(plan, launch, "TSH", conv->dh / down);
    hg_emit_define(plan, launch, "TSW", conv->dw / across);
}

static void emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, bool data, const int *p)
{
    const product shape = product_of(gather, data);
    const int64_t m_tiles = ceil_div(shape.rows, p[ROWS]), n_tiles = ceil_div(shape.to.c, p[COLUMNS]);
    const hg_block weights = hg_gather_weights(plan, node, gather, shape.to.c);
    hg_launch *launch = hg_emit(plan, node, gather->gradient ? "data gradient" : "forward", "conv_gpu", "conv_gather");
    hg_emit_read(plan, launch, gather->from);
    hg_emit_read(plan, launch, weights);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_conv_define(plan, launch, &gather->conv);
    hg_emit_define(plan, launch, "CF", shape.from.c);
    if (data) define_phases(plan, launch, &gather->conv);
    define_tile(plan, launch, p, vector_of(shape.to.c));
    hg_emit_int(plan, launch, gather->bias >= 0);
    hg_emit_int(plan, launch, gather->batch);
    hg_emit_int(plan, launch, shape.from.h);
    hg_emit_int(plan, launch, shape.from.w);
    hg_emit_int(plan, launch, shape.to.h);
    hg_emit_int(plan, launch, shape.to.w);
    hg_emit_int(plan, launch, shape.to.c);
    hg_emit_int(plan, launch, m_tiles);
    hg_emit_int(plan, launch, n_tiles);
    set_range(plan, launch, m_tiles * n_tiles * shape.phases, p);
    hg_gather_emit_cost(plan, launch, gather);
    hg_emit_variant(plan, launch, "gpu %dx%dx%d %dx%d", p[ROWS], p[COLUMNS], p[DEPTH], p[ITEM_ROWS], p[ITEM_COLUMNS]);
}

static void emit_forward(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    emit_gather(plan, node, problem, false, p);
}
static void emit_data(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    emit_gather(plan, node, problem, true, p);
}

/* Splits of the pixels: enough groups to fill the device, slices enough in each, partial sums of at most 64 MiB. */
static int64_t choose_splits(const hg_device_info *limits, int64_t groups, int64_t numbers, int64_t pixels,
                             const int *p)
{
    int64_t splits = ceil_div(1024 * (int64_t)limits->compute_units, groups * items_of(p));
    const int64_t most = pixels / (8 * p[DEPTH]), fitting = ((int64_t)16 << 20) / numbers;
    if (splits > most) splits = most;
    if (splits > fitting) splits = fitting;
    if (splits > 1024) splits = 1024;
    return splits < 1 ? 1 : splits;
}

void hg_gpu_emit_bias(hg_plan *plan, const hg_node *node, hg_block dy, int channels, int64_t pixels)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    const int items = limits->max_work_group >= 256 ? 256 : 64;
    int columns = 1;
    while (columns < channels && columns < 32) columns *= 2;
    int64_t splits = ceil_div(4 * (int64_t)limits->compute_units, ceil_div(channels, columns));
    const int64_t most = ceil_div(pixels * columns, 16 * (int64_t)items);
    if (splits > most) splits = most;
    const int64_t split_pixels = ceil_div(pixels, splits);
    splits = ceil_div(pixels, split_pixels);

    hg_block partials = hg_plan_scratch(plan, hg_mul(hg_mul((size_t)splits, (size_t)channels), sizeof(float)));
    hg_launch *launch = hg_emit(plan, node, "bias gradient", "conv_gpu_bias", "conv_bias");
    hg_emit_read(plan, launch, dy);
    hg_emit_write(plan, launch, partials);
    hg_emit_define(plan, launch, "NT", items);
    hg_emit_define(plan, launch, "COLUMNS", columns);
    hg_emit_int(plan, launch, pixels);
    hg_emit_int(plan, launch, split_pixels);
    hg_emit_int(plan, launch, channels);
    const size_t groups = (size_t)(ceil_div(channels, columns) * splits);
    hg_emit_range(plan, launch, hg_mul(groups, (size_t)items), 1, 1, (size_t)items, 1, 1);
    hg_emit_cost(plan, launch, (double)pixels * channels, (double)pixels * channels * sizeof(float));
    hg_emit_variant(plan, launch, "gpu %d splits", (int)splits);
    hg_conv_emit_reduce(plan, node, NULL, (int)splits, -1, 0, partials, (size_t)channels);
}

static void emit_weight(hg_plan *plan, const hg_node *node, const void *problem, const int *p)
{
    const hg_weight *weight = problem;
    const hg_conv *conv = &weight->conv;
    const int64_t rows = (int64_t)conv->kh * conv->kw * conv->cl, numbers = rows * conv->cs;
    const int64_t n_tiles = ceil_div(conv->cs, p[COLUMNS]), product_tiles = ceil_div(rows, p[ROWS]) * n_tiles;
    const int64_t pixels = (int64_t)hg_side_pixels(hg_conv_small(conv), weight->batch);
    const int64_t wanted = choose_splits(hg_plan_limits(plan), product_tiles, numbers, pixels, p);
    const int64_t split_pixels = ceil_div(ceil_div(pixels, wanted), p[DEPTH]) * p[DEPTH],
                  splits = ceil_div(pixels, split_pixels);

    hg_block partials = hg_plan_scratch(plan, hg_mul(hg_mul((size_t)splits, (size_t)numbers), sizeof(float)));
    hg_launch *launch = hg_emit(plan, node, "weight gradient", "conv_gpu_weight", "conv_weight");
    hg_emit_read(plan, launch, weight->large);
    hg_emit_read(plan, launch, weight->small);
    hg_emit_write(plan, launch, partials);
    hg_conv_define(plan, launch, conv);
    hg_emit_define(plan, launch, "CL", conv->cl);
    hg_emit_define(plan, launch, "HS", conv->hs);
    hg_emit_define(plan, launch, "WS", conv->ws);
    hg_emit_define(plan, launch, "TRANSPOSED", conv->transposed);
    define_tile(plan, launch, p, vector_of(conv->cs));
    hg_emit_int(plan, launch, pixels);
    hg_emit_int(plan, launch, split_pixels);
    hg_emit_int(plan, launch, conv->hl);
    hg_emit_int(plan, launch, conv->wl);
    hg_emit_int(plan, launch, conv->cs);
    hg_emit_int(plan, launch, n_tiles);
    hg_emit_int(plan, launch, product_tiles);
    set_range(plan, launch, product_tiles * splits, p);
    hg_weight_emit_cost(plan, launch, weight, (int)splits);
    hg_emit_variant(plan, launch, "gpu %dx%dx%d %dx%d, %d splits", p[ROWS], p[COLUMNS], p[DEPTH], p[ITEM_ROWS],
                    p[ITEM_COLUMNS], (int)splits);
    hg_conv_emit_reduce(plan, node, conv, (int)splits, partials, (size_t)numbers, -1, 0);

    const hg_side dy = conv->transposed ? hg_conv_large(conv) : hg_conv_small(conv);
    if (weight->bias)
        hg_gpu_emit_bias(plan, node, conv->transposed ? weight->large : weight->small, dy.c,
                  (int64_t)hg_side_pixels(dy, weight->batch));
}

#define PARAMETERS {"rows", "columns", "depth", "item_rows", "item_columns", NULL}
#define STARTS tiles, sizeof tiles / sizeof *tiles
const hg_variant hg_gpu_forward = {"gpu", PARAMETERS, forward_fit, forward_accepts, emit_forward, STARTS, .half = true};
const hg_variant hg_gpu_data = {"gpu", PARAMETERS, data_fit, data_accepts, emit_data, STARTS, .half = true};
const hg_variant hg_gpu_weight = {"gpu", PARAMETERS, weight_fit, weight_accepts, emit_weight, STARTS, .half = true};
