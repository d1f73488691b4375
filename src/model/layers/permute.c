#include "model/layers/permute.h"

#include "model/ranges.h"

/* A shape as a matrix of pixels and channels. */
typedef struct order { int pixels, channels; } order;

static order order_of(const hg_plan *plan, int tensor)
{
    const hg_shape s = hg_tensor_order(hg_plan_tensor(plan, tensor));
    return (order){s.h * s.w, s.c};
}

/* With one pixel or one channel the order inside is PyTorch's. */
static bool is_torch(order o)
{
    return o.pixels == 1 || o.channels == 1;
}

static bool same_order(order a, order b)
{
    return (is_torch(a) && is_torch(b)) || (a.pixels == b.pixels && a.channels == b.channels);
}

/* `to` receives the value of the output or (gradient) the gradient of the input. */
static void emit(hg_plan *plan, const hg_node *node, order from, order to, bool gradient)
{
    const size_t batch = (size_t)hg_plan_batch(plan), n = hg_mul(hg_mul((size_t)from.pixels, (size_t)from.channels), batch);
    const bool transpose = is_torch(from) || is_torch(to), into_picture = is_torch(from);
    const order matrix = into_picture ? (order){to.channels, to.pixels} : from; /* M x N, to be transposed */
    const bool squares = transpose && hg_has_wide_vectors(hg_plan_limits(plan)) && matrix.pixels >= 16 && matrix.channels >= 16;
    const size_t rows = hg_mul(batch, (size_t)(squares ? (matrix.pixels + 15) / 16 : transpose ? matrix.channels : to.pixels));
    hg_launch *launch = hg_emit(plan, node, gradient ? "data gradient" : "forward", transpose ? "flatten" : "reshape",
                                squares ? "transpose_squares" : transpose ? "transpose" : "reshape");
    hg_emit_define(plan, launch, "GRADIENT", gradient);
    hg_emit_read(plan, launch, gradient ? hg_plan_grad(plan, node->out[0]) : hg_plan_value(plan, node->in[0]));
    if (gradient) {
        hg_emit_dx(plan, launch, node->in[0]);
    } else {
        hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
        hg_emit_read(plan, launch, -1);
    }
    hg_emit_int(plan, launch, (int64_t)rows);
    if (transpose) {
        hg_emit_int(plan, launch, matrix.pixels);
        hg_emit_int(plan, launch, matrix.channels);
    } else {
        hg_emit_int(plan, launch, from.pixels);
        hg_emit_int(plan, launch, from.channels);
        hg_emit_int(plan, launch, to.pixels);
        hg_emit_int(plan, launch, to.channels);
    }
    if (squares) {
        hg_emit_define(plan, launch, "HG_VEC", 16);
        hg_emit_rows(plan, launch, rows, 16 * (size_t)matrix.channels);
    } else {
        hg_emit_matrix(plan, launch, rows, transpose ? matrix.pixels : to.channels);
    }
    hg_emit_cost(plan, launch, 0, 8.0 * (double)n);
}

void hg_permute_forward(hg_plan *plan, const hg_node *node)
{
    const order from = order_of(plan, node->in[0]), to = order_of(plan, node->out[0]);
    if (same_order(from, to)) hg_plan_alias(plan, node->out[0], node->in[0]);
    else emit(plan, node, from, to, false);
}

void hg_permute_backward(hg_plan *plan, const hg_node *node)
{
    const order from = order_of(plan, node->out[0]), to = order_of(plan, node->in[0]);
    if (!same_order(from, to) && hg_plan_wants_grad(plan, node->in[0])) emit(plan, node, from, to, true);
}
