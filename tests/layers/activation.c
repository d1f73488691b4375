/* The activations by their definitions, their derivatives, and what OpenCL lets the device be off by (full profile, in units in
 * the last place, one being at most 2 UNIT of the value: exp and expm1 3, log1p 2, tanh 5, erf 16, division 2.5). */
#include "../harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../harness_private.h"

#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.6732632423543772848170429916717
#define SQRT_HALF 0.70710678118654752440

static bool is(hg_choice act, const char *name)
{
    return act.type && strcmp(act.type->name, name) == 0;
}

bool act_is_linear(hg_choice act) { return !act.type || is(act, "linear"); }

/* The activation's number as the kernels get it. */
static double number(hg_choice act) { return (double)(float)hg_activation_parameter(act); }

static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double normal_share(double x) { return 0.5 * erfc(-x * SQRT_HALF); }
static double normal_density(double x) { return 0.39894228040143267794 * exp(-0.5 * x * x); }

double act_value(hg_choice act, double x)
{
    if (isnan(x) || act_is_linear(act)) return x;
    if (is(act, "relu")) return x > 0 ? x : 0;
    if (is(act, "leaky_relu")) return x > 0 ? x : number(act) * x;
    if (is(act, "elu")) return x > 0 ? x : number(act) * expm1(x);
    if (is(act, "selu")) return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * expm1(x));
    if (is(act, "gelu")) return x * normal_share(x);
    if (is(act, "silu")) return x * logistic(x);
    if (is(act, "tanh")) return tanh(x);
    if (is(act, "sigmoid")) return logistic(x);
    if (is(act, "softplus")) return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    return NAN;
}

double act_value_error(hg_choice act, double x)
{
    double y = fabs(act_value(act, x));
    if (act_is_linear(act) || is(act, "relu")) return 0;
    if (is(act, "gelu")) return UNIT * (24 * fabs(x) + 3 * y); /* 1 + erf cancels left of zero */
    return 18 * UNIT * y;
}

double act_lipschitz(hg_choice act)
{
    if (is(act, "sigmoid")) return 0.25;
    if (is(act, "elu") || is(act, "leaky_relu")) return fmax(1, fabs(number(act)));
    if (is(act, "selu")) return SELU_SCALE * SELU_ALPHA;
    if (is(act, "gelu") || is(act, "silu")) return 1.13;
    return 1;
}

/* From the output, for those whose derivative follows from it; gelu and silu from the input. */
double act_slope(hg_choice act, double x, double y)
{
    if (is(act, "relu")) return y > 0 ? 1 : 0;
    if (is(act, "leaky_relu")) return y > 0 ? 1 : number(act);
    if (is(act, "elu")) return y > 0 ? 1 : y + number(act);
    if (is(act, "selu")) return y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA;
    if (is(act, "gelu")) return normal_share(x) + x * normal_density(x);
    if (is(act, "silu")) return logistic(x) * (1 + x * (1 - logistic(x)));
    if (is(act, "tanh")) return 1 - y * y;
    if (is(act, "sigmoid")) return y * (1 - y);
    if (is(act, "softplus")) return -expm1(-y);
    return 1;
}

double act_slope_error(hg_choice act, double x, double y)
{
    if (act_is_linear(act) || is(act, "relu")) return 0;
    if (is(act, "gelu") || is(act, "silu")) return 64 * UNIT * (1 + fabs(x));
    if (is(act, "tanh")) return 3 * UNIT;
    if (is(act, "elu") || is(act, "selu") || is(act, "leaky_relu")) return 4 * UNIT * (fabs(number(act)) + 2);
    return 10 * UNIT * fabs(act_slope(act, x, y));
}

/* ---- the layer */

static hg_choice chosen(const trial *t) { return option_choice(t->node, "function"); }

/* The engine may leave the function to the tensor (fused); then the layer itself only copies. */
static bool is_fused(const trial *t) { return !act_is_linear(t->graph->tensors[t->node->out[0]]->act); }

static void shape(trial *t) { t->out[0] = t->in[0]; }

static void forward(trial *t)
{
    for (size_t i = 0; i < t->y[0].n; i++) {
        double x = t->x[0][i];
        t->y[0].v[i] = is_fused(t) ? x : act_value(chosen(t), x);
        t->y[0].tol[i] = is_fused(t) ? 0 : act_value_error(chosen(t), x) + 1.2e-38;
    }
}

/* A fused tensor's gradient already is the one before the function. */
static void backward(trial *t)
{
    for (size_t i = 0; i < t->dx[0].n; i++) {
        double x = t->x[0][i], dy = t->dy[0][i], y = t->seen[0] ? t->seen[0][i] : act_value(chosen(t), x);
        double slope = is_fused(t) ? 1 : act_slope(chosen(t), x, y), off = is_fused(t) ? 0 : act_slope_error(chosen(t), x, y);
        t->dx[0].v[i] = dy * slope;
        t->dx[0].tol[i] = fabs(dy) * (off + 2 * UNIT * fabs(slope)) + 1.2e-38;
    }
}

#define EACH(name, flags) \
    {name, 3, 5, 7, 2, "[activation: " name "]", SMALL}, \
    {name " large values", 5, 16, 9, 3, "[activation: " name "]", LARGE_VALUES}, \
    {name " chain", 3, 4, 3, 2, "[{conv2d: {filters: 5, kernel: 1, activation: tanh}}, {activation: " name "}, {conv2d: {filters: 2, kernel: 1}}]", SMALL}

static const layer_case cases[] = {
    EACH("linear", 0), EACH("relu", 0), EACH("leaky_relu", 0), EACH("elu", 0), EACH("selu", 0), EACH("gelu", 0), EACH("silu", 0),
    EACH("tanh", 0), EACH("sigmoid", 0), EACH("softplus", 0),
    {"leaky_relu slope", 3, 5, 7, 2, "[activation: {leaky_relu: {slope: 0.03}}]", SMALL},
    {"elu alpha", 3, 5, 7, 2, "[activation: {elu: {alpha: 1.7}}]", SMALL},
    {"relu twice", 3, 5, 7, 2, "[{activation: relu}, {activation: sigmoid}]", SMALL},
    {"relu 16x28x28", 16, 28, 28, 33, "[activation: relu]", BENCH},
    {"gelu 16x28x28", 16, 28, 28, 33, "[activation: gelu]", BENCH},
    {0},
};

/* What storing as half does to single numbers, and loading again: ties to even, denormals, infinities, NaN. */
static void test_rounding(void **unused)
{
    (void)unused;
    static const float given[] = {0, 1, 65504, 0x1.ffdffep15f, 65520, 1e30f, INFINITY, 0x1p-14f, 0x1p-15f, 0x1.8p-23f, 0x1p-24f, 0x1p-25f, 0x1.000002p-25f,
                                  0x1.8p-24f, 1 + 0x1p-11f, 0x1.002002p0f, 1 + 0x1.8p-10f, 0x1.ffep-15f, 1e-30f};
    static const float kept[] = {0, 1, 65504, 65504, INFINITY, INFINITY, INFINITY, 0x1p-14f, 0x1p-15f, 0x1.8p-23f, 0x1p-24f, 0, 0x1p-24f,
                                 0x1p-23f, 1, 1 + 0x1p-10f, 1 + 0x1p-9f, 0x1p-14f, 0};
    enum { N = sizeof given / sizeof *given };
    const layer_case c = {"rounding", 1, 2, N + 1, 1, "[activation: linear, activation: linear, activation: linear]", 0};
    hg_graph *graph = harness_graph(&c, false);
    hg_arenas *arenas = hg_arenas_create(harness_device(NULL), graph, NULL, true, HG_PRECISION_MIXED);
    assert_non_null(arenas);
    hg_plan *plan = hg_plan_create(arenas, HG_PURPOSE_PROBE_EVALUATE, 1, true);
    assert_non_null(plan);
    float x[2 * (N + 1)] = {0}, y[2 * (N + 1)];
    for (int i = 0; i < N; i++) x[i] = given[i], x[N + 1 + i] = -given[i];
    x[N] = x[2 * N + 1] = NAN;
    write_part(plan->blocks[plan->value[graph->input]].guard, HG_ALIGN, x, sizeof x, "input");
    assert_true(hg_plan_run(plan));
    for (int node = 0; node < 3; node++) { /* as stored, as loaded and stored, as loaded by the device */
        const int tensor = graph->nodes[node]->out[0];
        assert_true(hg_plan_is_half(plan, tensor) == (node < 2) && hg_plan_get_value(plan, tensor, y));
        for (int i = 0; i < N; i++)
            if (y[i] != kept[i] || y[N + 1 + i] != -kept[i] || !signbit(y[N + 1 + i])) fail_msg("%a is kept as %a and %a, should be %a", given[i], y[i], y[N + 1 + i], kept[i]);
        assert_true(isnan(y[N]) && isnan(y[2 * N + 1]));
    }
    hg_plan_destroy(plan);
    hg_arenas_destroy(arenas);
    hg_model_destroy(graph);
}

static const extra_test extras[] = {{"activation: rounding of values stored as half", test_rounding}, {0}};

const reference reference_activation = {"activation", shape, forward, backward, cases, extras, false};
