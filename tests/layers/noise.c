/* y = x + mean + std e with e ~ N(0, 1), clipped to [0, 1] where asked for; e by step and place in the batch, or by example. */
#include "../harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../normal.h"

static void shape(trial *t) { t->out[0] = t->in[0]; }

/* The normal of number i of its row. By step the batch is one row; else (once, or outside training) each picture is one, and in the step's place stands the
 * example's number, or with `per: place` the picture's in the batch, which outside training is 2^32 - 1 for all. Rows are in the engine's order [H, W, C]. */
static double draw(const trial *t, size_t torch)
{
    const bool by_row = option_bool(t->node, "once") || !t->training, by_place = strcmp(option_name(t->node, "per"), "place") == 0;
    const size_t pixels = (size_t)t->in[0].h * (size_t)t->in[0].w, c = (size_t)t->in[0].c, b = torch / (pixels * c);
    const size_t inside = torch % pixels * c + torch / pixels % c, i = by_row ? inside : b * pixels * c + inside;
    const uint64_t turn = !by_row ? t->step : !by_place ? harness_example((int)b) : t->training ? b : UINT32_MAX;
    return drawn_normal(t->seed, turn, (uint32_t)(HG_STREAM_NODE + t->node->index), i);
}

/* Of the normal: log 3 ulp, sqrt 3, cos 4, and the angle (up to 2 pi) rounded twice; then two sums and a product. */
static void forward(trial *t)
{
    const double mean = option_float(t->node, "mean"), std = option_float(t->node, "std");
    for (size_t i = 0; i < t->y[0].n; i++) {
        const double x = t->x[0][i], e = std * draw(t, i), y = x + mean + e;
        t->y[0].v[i] = option_bool(t->node, "clip") ? y > 1 ? 1 : y < 0 ? 0 : y : y;
        t->y[0].tol[i] = std * 5.8 * 24 * UNIT + 4 * UNIT * (fabs(x) + fabs(mean) + fabs(e));
    }
}

#define NOISE(text) "corrupt: {noise: {" text "}}\nencoder: "
static const layer_case cases[] = {
    {"one number", 1, 1, 1, 1, NOISE("std: 0.5") "[]", SMALL},
    {"by step", 3, 5, 7, 3, NOISE("mean: 0.25, std: 0.5") "[]", SMALL},
    {"not clipped", 3, 5, 7, 3, NOISE("mean: -1, std: 2, clip: false") "[]", SMALL},
    {"once", 3, 5, 7, 3, NOISE("std: 0.3, once: true") "[]", SMALL | UNIT_VALUES},
    {"mean alone", 2, 3, 3, 2, NOISE("mean: 0.5, std: 0") "[]", SMALL | UNIT_VALUES},
    {"whole", 2, 6, 5, 4, NOISE("std: 0.3, once: true") "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: tanh}}]\nloss: mse\ndecoder: [{conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"twice", 1, 4, 4, 2, "corrupt: [{noise: {std: 0.3, clip: false}}, {noise: {std: 0.3}}]\nencoder: [{conv2d: {filters: 2, kernel: 3}}]", SMALL},
    {"evaluation", 3, 5, 7, 3, NOISE("std: 0.5") "[{conv2d: {filters: 2, kernel: 1}}]", SMALL | EVALUATE},
    {"by place", 3, 5, 7, 3, NOISE("std: 0.5, once: true, per: place") "[]", SMALL},
    {"evaluation by place", 3, 5, 7, 3, NOISE("std: 0.5, once: true, per: place") "[{conv2d: {filters: 2, kernel: 1}}]", SMALL | EVALUATE},
    {"28x28", 1, 28, 28, 65, NOISE("std: 0.5") "[]", BENCH},
    {"28x28 once", 1, 28, 28, 65, NOISE("std: 0.5, once: true") "[]", BENCH},
    {0},
};

/* Mean, variance and independence of what the device draws, within a picture and between pictures. */
static void check_draws(const char *text)
{
    enum { B = 128, N = 16 * 16 };
    const layer_case c = {"draws", 1, 16, 16, B, text, 0};
    rig r;
    rig_create(&r, harness_device(NULL), &c, RIG_GUARDED);
    rig_run(&r, RIG_GUARDED);
    const double *x = r.value[r.graph->target], *y = r.value[r.graph->input], n = B * N;
    double mean = 0, square = 0, neighbours = 0, pictures = 0;
    for (size_t i = 0; i < B * N; i++) {
        double e = y[i] - x[i], before = i ? y[i - 1] - x[i - 1] : 0, above = i >= N ? y[i - N] - x[i - N] : 0;
        mean += e / n, square += e * e / n, neighbours += e * before / n, pictures += e * above / n;
    }
    rig_destroy(&r);
    assert_true(fabs(mean) < 5 / sqrt(n));
    assert_true(fabs(square - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(neighbours) < 5 / sqrt(n));
    assert_true(fabs(pictures) < 5 / sqrt(n));
}

static void test_draws(void **unused)
{
    (void)unused;
    check_draws(NOISE("std: 1, clip: false") "[]");
    check_draws(NOISE("std: 1, clip: false, once: true") "[]");
}

static const extra_test extras[] = {{"draws: mean, variance, neighbours", test_draws}, {0}};

const reference reference_noise = {"noise", shape, forward, NULL, cases, extras, false};
