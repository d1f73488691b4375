/* Initializers: ranges, means and variances within what n draws allow, orthogonality, the same numbers for the same seed, and
 * the way between PyTorch's order and the engine's. */
#include "model/initializer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "context.h"

/* A convolution's weights [48, 32, 3, 3] under the initializer of the model text. */
static hg_graph *graph_with(const char *initializer)
{
    char text[512];
    int n = snprintf(text, sizeof text, "input: {channels: 32, height: 5, width: 5}\nencoder: [{conv2d: {filters: 48, kernel: 3, initializer: %s}}]\n", initializer);
    hg_context_clear(ctx);
    hg_graph *graph = hg_graph_parse_layers(ctx, initializer, text, (size_t)n);
    if (!graph) fail_msg("%s: %s", initializer, hg_message(ctx));
    return graph;
}

static float *fill(const hg_graph *graph, int index, uint64_t seed)
{
    const hg_param *param = graph->params[index];
    float *out = calloc(param->count, sizeof *out);
    assert_non_null(out);
    assert_true(hg_param_init(ctx, param, index, seed, out));
    return out;
}

typedef struct expected { const char *text; double mean, variance, limit, kurtosis; } expected;

static void check_distribution(const expected *e)
{
    hg_graph *graph = graph_with(e->text);
    float *v = fill(graph, 0, 3), *again = fill(graph, 0, 3), *other = fill(graph, 0, 4);
    size_t n = graph->params[0]->count;
    double mean = 0, variance = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        mean += (double)v[i] / (double)n;
        largest = fmax(largest, fabs((double)v[i] - e->mean));
    }
    for (size_t i = 0; i < n; i++) variance += pow((double)v[i] - mean, 2) / (double)n;
    assert_memory_equal(v, again, n * sizeof *v);
    if (e->variance > 0) assert_memory_not_equal(v, other, n * sizeof *v);
    /* five standard deviations of the mean and of the variance of n draws */
    assert_true(fabs(mean - e->mean) <= 5 * sqrt(e->variance / (double)n));
    if (!(fabs(variance - e->variance) <= 5 * e->variance * sqrt((e->kurtosis - 1) / (double)n) + 1e-12))
        fail_msg("%s: variance %g, should be %g", e->text, variance, e->variance);
    if (!(largest <= e->limit * (1 + 1e-6))) fail_msg("%s: a number is %g off the mean, at most %g", e->text, largest, e->limit);
    free(v), free(again), free(other);
    hg_model_destroy(graph);
}

/* A normal cut at two deviations: variance 1 - 4 phi(2) / (Phi(2) - Phi(-2)). */
#define TRUNCATED 0.7737413

static void test_distributions(void **unused)
{
    (void)unused;
    const double fan_in = 32 * 9, fan_out = 48 * 9, glorot = sqrt(6 / (fan_in + fan_out)), torch = 1 / sqrt(fan_in), he = sqrt(6 / fan_in);
    const expected all[] = {
        {"glorot_uniform", 0, glorot * glorot / 3, glorot, 1.8},
        {"he_uniform", 0, he * he / 3, he, 1.8},
        {"he_normal", 0, 2 / fan_in, HUGE_VAL, 3},
        {"uniform_fan_in", 0, torch * torch / 3, torch, 1.8},
        {"{normal: {mean: 0.5, std: 0.02}}", 0.5, 0.0004, HUGE_VAL, 3},
        {"{truncated_normal: {std: 0.1}}", 0, 0.01 * TRUNCATED, 0.2, 2.4},
        {"zeros", 0, 0, 0, 3},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) check_distribution(&all[i]);
}

/* Rows of [48, 288] are orthonormal times the gain. */
static void test_orthogonal(void **unused)
{
    (void)unused;
    hg_graph *graph = graph_with("orthogonal");
    float *v = fill(graph, 0, 3);
    for (int a = 0; a < 48; a++)
        for (int b = 0; b <= a; b++) {
            double dot = 0;
            for (int i = 0; i < 288; i++) dot += (double)v[a * 288 + i] * (double)v[b * 288 + i];
            assert_true(fabs(dot - (a == b)) < 1e-5);
        }
    free(v);
    hg_model_destroy(graph);
}

/* PyTorch's layers draw biases from the same range as the weights. */
static void test_bias(void **unused)
{
    (void)unused;
    hg_graph *graph = graph_with("uniform_fan_in");
    float *b = fill(graph, 1, 3);
    double largest = 0;
    for (size_t i = 0; i < 48; i++) largest = fmax(largest, fabs((double)b[i]));
    assert_true(largest > 0 && largest <= 1 / sqrt(32 * 9.0));
    free(b);
    hg_model_destroy(graph);
    graph = graph_with("glorot_uniform");
    b = fill(graph, 1, 3);
    for (size_t i = 0; i < 48; i++) assert_true(b[i] == 0);
    free(b);
    hg_model_destroy(graph);
}

/* The engine holds w[o,i,kh,kw] at [kh,kw,i,o]. */
static void test_order(void **unused)
{
    (void)unused;
    hg_graph *graph = graph_with("glorot_uniform");
    const hg_param *param = graph->params[0];
    float *torch = fill(graph, 0, 3), *engine = calloc(param->count, sizeof *engine), *back = calloc(param->count, sizeof *back);
    hg_param_to_engine(param, torch, engine);
    hg_param_to_torch(param, engine, back);
    assert_memory_equal(torch, back, param->count * sizeof *torch);
    for (size_t o = 0; o < 48; o++)
        for (size_t i = 0; i < 32; i++)
            for (size_t k = 0; k < 9; k++) assert_true(engine[(k * 32 + i) * 48 + o] == torch[(o * 32 + i) * 9 + k]);
    free(torch), free(engine), free(back);
    hg_model_destroy(graph);
}

static hg_graph *graph_of(const char *layers)
{
    char text[512];
    int n = snprintf(text, sizeof text, "input: {channels: 3, height: 2, width: 4}\nencoder: %s\n", layers);
    hg_context_clear(ctx);
    hg_graph *graph = hg_graph_parse_layers(ctx, "layers", text, (size_t)n);
    if (!graph) fail_msg("%s: %s", layers, hg_message(ctx));
    return graph;
}

static bool lies_as_picture(const hg_graph *graph, const char *node)
{
    for (int i = 0; i < graph->n_tensors; i++)
        if (strcmp(graph->tensors[i]->name, node) == 0) return graph->tensors[i]->picture.c > 0;
    fail_msg("no tensor %s", node);
    return false;
}

/* Between a picture [3, 2, 4], a dense layer and a picture [2, 3, 5] nothing is turned but the layer's weights. */
static void test_picture_order(void **unused)
{
    (void)unused;
    hg_graph *graph = graph_of("[flatten, {dense: {units: 30}}, {reshape: [2, 3, 5]}, {conv2d: {filters: 1, kernel: 1}}]");
    assert_true(lies_as_picture(graph, "encoder.0"));
    assert_true(lies_as_picture(graph, "encoder.1"));
    const hg_param *weight = graph->params[0], *bias = graph->params[1];
    assert_int_equal(weight->rank, 2);
    float *torch = fill(graph, 0, 3), *engine = calloc(weight->count, sizeof *engine), *back = calloc(weight->count, sizeof *back), biases[30], turned[30];
    hg_param_to_engine(weight, torch, engine);
    hg_param_to_torch(weight, engine, back);
    assert_memory_equal(torch, back, weight->count * sizeof *torch);
    for (size_t i = 0; i < 30; i++) biases[i] = (float)i;
    hg_param_to_engine(bias, biases, turned);
    for (size_t c = 0; c < 2; c++)
        for (size_t p = 0; p < 15; p++) {
            assert_true(turned[p * 2 + c] == biases[c * 15 + p]);
            for (size_t k = 0; k < 3; k++)
                for (size_t q = 0; q < 8; q++) assert_true(engine[(q * 3 + k) * 30 + p * 2 + c] == torch[(c * 15 + p) * 24 + k * 8 + q]);
        }
    free(torch), free(engine), free(back);
    hg_model_destroy(graph);
}

/* Others see flat numbers in PyTorch's order: what is asked for, layers that are not dense, weights that have another reader. */
static void test_torch_order(void **unused)
{
    (void)unused;
    static const struct { const char *layers, *node; } cases[] = {
        {"[flatten]", "encoder.0"},
        {"[flatten, {activation: {function: relu}}, {dense: {units: 2}}]", "encoder.0"},
        {"[flatten, {dense: {units: 24}}, {dense: {units: 24, share: 1}}]", "encoder.0"},
        {"[flatten, {dense: {units: 30, activity_l1: 1}}, {reshape: [2, 3, 5]}]", "encoder.1"},
        {"[flatten, {dense: {units: 30}}]", "encoder.1"},
        {"[flatten, {dense: {units: 30}}, {reshape: [1, 6, 5]}]", "encoder.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hg_graph *graph = graph_of(cases[i].layers);
        if (lies_as_picture(graph, cases[i].node)) fail_msg("%s: %s", cases[i].layers, cases[i].node);
        hg_model_destroy(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_distributions), cmocka_unit_test(test_orthogonal), cmocka_unit_test(test_bias), cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_picture_order), cmocka_unit_test(test_torch_order)};
    return cmocka_run_group_tests_name("initializers", tests, set_up, tear_down);
}
