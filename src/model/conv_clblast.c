#include "model/conv_clblast.h"

#include "device/gemm.h"
#include "model/conv.h"
#include "model/conv_gpu.h"
#include "model/plan_private.h"

/* Above the tuner's patience: its kernels take seconds to compile. */
enum { COST = 30 };

/* The product as [rows, from] x [from, to]. */
static bool fits(const hg_conv *c, int batch)
{
    return hg_conv_is_product(c) && hg_side_pixels(hg_conv_small(c), batch) <= INT32_MAX;
}

static double fit_gather(const hg_device_info *limits, const void *problem, int *parameters)
{
    const hg_gather *gather = problem;
    (void)limits, (void)parameters;
    return fits(&gather->conv, gather->batch) ? COST : -1;
}

static double fit_weight(const hg_device_info *limits, const void *problem, int *parameters)
{
    const hg_weight *weight = problem;
    (void)limits, (void)parameters;
    return fits(&weight->conv, weight->batch) ? COST : -1;
}

static hg_launch *emit_gemm(hg_plan *plan, const hg_node *node, const char *what, hg_block a, hg_block b, hg_gemm product)
{
    hg_launch *launch = hg_emit(plan, node, what, "clblast", "sgemm");
    hg_gemm *kept = hg_arena_alloc(hg_plan_arena(plan), 1, sizeof *kept);
    if (hg_plan_sticky(plan, kept != NULL)) *kept = product;
    launch->gemm = kept;
    hg_emit_read(plan, launch, a);
    hg_emit_read(plan, launch, b);
    hg_emit_cost(plan, launch, 2.0 * product.m * product.n * product.k,
                 4.0 * ((double)product.m * product.k + (double)product.k * product.n + (double)product.m * product.n));
    hg_emit_variant(plan, launch, "clblast");
    return launch;
}

static void emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, int from, int to)
{
    const int rows = (int)hg_side_pixels(hg_conv_small(&gather->conv), gather->batch);
    const size_t n = hg_mul((size_t)rows, (size_t)to);
    const hg_block product = hg_plan_scratch(plan, hg_mul(n, sizeof(float)));
    const hg_block weights = hg_gather_weights(plan, node, gather, to);
    hg_launch *launch = emit_gemm(plan, node, gather->gradient ? "data gradient" : "forward", gather->from, weights,
                                  (hg_gemm){.m = rows, .n = to, .k = from});
    hg_emit_write(plan, launch, product);
    launch = hg_emit(plan, node, gather->gradient ? "derivative" : "bias and activation", "conv_clblast", "finish");
    hg_emit_read(plan, launch, product);
    hg_emit_read(plan, launch, gather->bias);
    hg_gather_emit_output(plan, launch, gather);
    hg_emit_define(plan, launch, "O", to);
    hg_emit_define(plan, launch, "BIAS", gather->bias >= 0);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, (double)n, 8.0 * (double)n);
}

static void emit_forward(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters)
{
    const hg_gather *gather = problem;
    (void)parameters;
    emit_gather(plan, node, gather, gather->conv.cl, gather->conv.cs);
}

static void emit_data(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters)
{
    const hg_gather *gather = problem;
    (void)parameters;
    emit_gather(plan, node, gather, gather->conv.cs, gather->conv.cl);
}

/* dw [in, out] = x^T dy. */
static void emit_weight(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters)
{
    const hg_weight *weight = problem;
    const hg_conv *c = &weight->conv;
    const int rows = (int)hg_side_pixels(hg_conv_small(c), weight->batch), in = c->transposed ? c->cs : c->cl, out = c->transposed ? c->cl : c->cs;
    const hg_block x = c->transposed ? weight->small : weight->large, dy = c->transposed ? weight->large : weight->small;
    (void)parameters;
    hg_launch *launch = emit_gemm(plan, node, "weight gradient", x, dy,
                                  (hg_gemm){.m = in, .n = out, .k = rows, .a_turned = true, .add = hg_plan_dw_written(plan, node, 0)});
    hg_emit_dw(plan, launch, node, 0, "DW");
    if (weight->bias) hg_gpu_emit_bias(plan, node, dy, out, rows);
}

const hg_variant hg_clblast_forward = {.name = "clblast", .fit = fit_gather, .emit = emit_forward};
const hg_variant hg_clblast_data = {.name = "clblast", .fit = fit_gather, .emit = emit_data};
const hg_variant hg_clblast_weight = {.name = "clblast", .fit = fit_weight, .emit = emit_weight};
