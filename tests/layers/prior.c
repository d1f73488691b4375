/* Draws from N(0, std^2): as cl/prior.cl has them, and their statistics. */
#include "../harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "../normal.h"

/* Numbers are drawn in the order [B, H, W, C]. */
static double draw(const trial *t, size_t torch)
{
    const size_t pixels = (size_t)t->out[0].h * (size_t)t->out[0].w, c = (size_t)t->out[0].c;
    const size_t i = (torch / (pixels * c) * pixels + torch % pixels) * c + torch / pixels % c;
    return drawn_normal(t->seed, t->step, HG_STREAM_PRIOR, i);
}

/* Of the normal: log 3 ulp, sqrt 3, cos 4, and the angle (up to 2 pi) rounded twice; then a product. */
static void forward(trial *t)
{
    const double std = option_float(t->node, "std");
    for (size_t i = 0; i < t->y[0].n; i++) {
        t->y[0].v[i] = std * draw(t, i);
        t->y[0].tol[i] = std * 5.8 * 24 * UNIT + 2 * UNIT * fabs(t->y[0].v[i]);
    }
}

#define MODEL(code, prior, rest) "encoder: " code "\ndecoder: [conv2d_transpose: {filters: 1, kernel: 1}]\nprior: " prior "\ndiscriminator: " rest \
    "\nphases:\n- {name: a, loss: mse, update: {encoder: sgd, decoder: sgd}}\n- {name: d, loss: {adversarial: {real: prior, fake: code}}, update: {discriminator: sgd}}"
#define JUDGE "[flatten, dense: {units: 1, activation: sigmoid}]"
static const layer_case cases[] = {
    {"one number", 1, 1, 1, 1, MODEL("[conv2d: {filters: 1, kernel: 1}]", "{std: 1}", JUDGE), SMALL},
    {"picture", 1, 3, 5, 3, MODEL("[conv2d: {filters: 3, kernel: 1}]", "{std: 0.5}", JUDGE), SMALL},
    {"zeros", 1, 3, 5, 3, MODEL("[conv2d: {filters: 3, kernel: 1}]", "{std: 0}", JUDGE), SMALL},
    {"evaluation", 1, 3, 5, 3, MODEL("[conv2d: {filters: 3, kernel: 1}]", "{std: 5}", JUDGE), SMALL | EVALUATE},
    {"150", 1, 10, 15, 256, MODEL("[conv2d: {filters: 1, kernel: 1}]", "{std: 5}", JUDGE), BENCH},
    {0},
};

static void test_statistics(void **unused)
{
    (void)unused;
    enum { B = 128, N = 16 * 16 };
    const layer_case c = {"statistics", 1, 16, 16, B, MODEL("[conv2d: {filters: 1, kernel: 1}]", "{std: 5}", JUDGE), 0};
    rig r;
    rig_create(&r, harness_device(NULL), &c, RIG_GUARDED);
    rig_run(&r, RIG_GUARDED);
    const double *z = r.value[r.graph->nodes[harness_node(r.graph, "prior")]->out[0]], n = B * N;
    double mean = 0, square = 0, neighbours = 0, rows = 0;
    for (size_t i = 0; i < B * N; i++) {
        mean += z[i] / n, square += z[i] * z[i] / n;
        if (i) neighbours += z[i] * z[i - 1] / n;
        if (i >= N) rows += z[i] * z[i - N] / n;
    }
    rig_destroy(&r);
    assert_true(fabs(mean) < 5 * 5 / sqrt(n));
    assert_true(fabs(square / 25 - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(neighbours / 25) < 5 / sqrt(n));
    assert_true(fabs(rows / 25) < 5 / sqrt(n));
}

static const extra_test extras[] = {{"prior: mean, variance, neighbours", test_statistics}, {0}};

const reference reference_prior = {"prior", NULL, forward, NULL, cases, extras, false};
