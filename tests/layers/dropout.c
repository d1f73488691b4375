/* y = x / (1 - rate) where the draw keeps x, else 0; the same mask in the backward pass; nothing while evaluating. */
#include "../harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "base/rng.h"

static void shape(trial *t) { t->out[0] = t->in[0]; }

/* The mask as cl/dropout.cl draws it: number i of [B, H, W, C] takes word i mod 4 of Philox block i / 4 of the node's stream. */
static bool kept(const trial *t, size_t torch, double rate)
{
    size_t pixels = (size_t)t->in[0].h * (size_t)t->in[0].w, c = (size_t)t->in[0].c;
    size_t engine = (torch / (pixels * c) * pixels + torch % pixels) * c + torch / pixels % c;
    uint32_t counter[4] = {(uint32_t)(engine / 4), (uint32_t)t->step, (uint32_t)(t->step >> 32), (uint32_t)(HG_STREAM_NODE + t->node->index)};
    uint32_t key[2] = {(uint32_t)t->seed, (uint32_t)(t->seed >> 32)}, words[4];
    hg_philox(counter, key, words);
    return (float)(words[engine % 4] >> 8) * 0x1p-24f >= (float)rate;
}

static void apply(const trial *t, const double *from, field *to)
{
    double rate = option_float(t->node, "rate"), scale = t->training ? 1 / (1 - rate) : 1;
    for (size_t i = 0; i < to->n; i++) {
        to->v[i] = t->training && !kept(t, i, rate) ? 0 : from[i] * scale;
        to->tol[i] = 4 * UNIT * fabs(to->v[i]);
        if (isnan(from[i]) && t->seen[0]) to->v[i] = t->seen[0][i]; /* 0 or NaN where NaN is dropped */
    }
}

static void forward(trial *t) { apply(t, t->x[0], &t->y[0]); }
static void backward(trial *t) { apply(t, t->dy[0], &t->dx[0]); }

static const layer_case cases[] = {
    {"tiny", 2, 2, 3, 2, "[dropout: {rate: 0.5}]", SMALL},
    {"rate 0.2", 3, 5, 7, 3, "[dropout: {rate: 0.2}]", SMALL},
    {"rate 0", 3, 5, 7, 3, "[dropout: {rate: 0}]", SMALL},
    {"behind tanh", 3, 4, 4, 2, "[{conv2d: {filters: 5, kernel: 1, activation: tanh, activity_l1: 0.1}}, {dropout: {rate: 0.3}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"twice", 3, 4, 4, 2, "[{dropout: {rate: 0.3}}, {dropout: {rate: 0.4}}]", SMALL},
    {"evaluation", 3, 5, 7, 3, "[{conv2d: {filters: 2, kernel: 1, activation: relu}}, {dropout: {rate: 0.5}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL | EVALUATE},
    {"784", 784, 1, 1, 65, "[flatten, {dropout: {rate: 0.25}}]", BENCH},
    {0},
};

/* The share of kept numbers and their neighbours' correlation: n draws, so 5 sigma are 5 sqrt(rate (1 - rate) / n). */
static void test_statistics(void **unused)
{
    (void)unused;
    const layer_case c = {"statistics", 1, 64, 64, 8, "[dropout: {rate: 0.3}]", 0};
    rig r;
    rig_create(&r, harness_device(NULL), &c, RIG_GUARDED);
    rig_run(&r, RIG_GUARDED);
    const double *x = r.value[r.graph->input], *y = r.value[r.graph->output];
    double n = 0, dropped = 0, pairs = 0, both = 0;
    bool before = false;
    for (size_t i = 0; i < 64 * 64 * 8; i++) {
        if (x[i] == 0) continue;
        bool gone = y[i] == 0;
        n++, dropped += gone, pairs++, both += gone && before;
        before = gone;
    }
    rig_destroy(&r);
    assert_true(fabs(dropped / n - 0.3) < 5 * sqrt(0.21 / n));
    assert_true(fabs(both / pairs - 0.09) < 5 * sqrt(0.09 * 0.91 / pairs));
}

static const extra_test extras[] = {{"dropout: share of dropped numbers", test_statistics}, {0}};

const reference reference_dropout = {"dropout", shape, forward, backward, cases, extras, false};
