#include "optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/plan_private.h"

enum { N = 1031, STEPS = 6 };

static const optimizer_reference *reference;
static hg_context *ctx;
static hg_device *dev;
static const char *select_device;
static uint64_t seed = 1;

typedef struct bench {
    hg_model *model;
    hg_arenas *arenas;
    hg_launch launch;
    size_t n;
} bench;

static void check(bool ok)
{
    if (!ok) fail_msg("%s", hg_message(ctx));
}

static double draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) * 0x1p-23 - 1;
}

static void argument(hg_launch *launch, hg_buffer *buffer, hg_buffer *otherwise)
{
    launch->args[launch->n_args++] = (hg_arg){.type = HG_ARG_BUFFER, .buffer = buffer ? buffer : otherwise};
}

/* How plans run the kernel: an item a number, or spans of vectors. */
static const char *const macros[] = {"", "-DHG_SPAN=1 -DHG_VEC=16", "-DHG_VEC=4"};
enum { WAYS = 3 };

static void open_bench(bench *b, const optimizer_case *c, int way)
{
    char text[512];
    int length = snprintf(text, sizeof text, "input: {channels: 1, height: 1, width: 1}\nencoder: [flatten, {dense: {units: %d}}]\n"
                                             "decoder: [{dense: {units: 1}}]\noptimizer: {%s}\n", N, c->yaml);
    b->model = hg_model_parse(ctx, c->name, text, (size_t)length);
    check(b->model != NULL);
    b->arenas = hg_arenas_create(dev, b->model, NULL, true, HG_PRECISION_FULL);
    check(b->arenas != NULL);
    b->n = b->model->trainable;
    hg_launch *l = &b->launch;
    *l = (hg_launch){.label = "optimizer", .file = reference->name, .kernel = "update", .variant = "", .macros = macros[way], .dims = 1};
    argument(l, b->arenas->params, NULL);
    argument(l, b->arenas->grads, NULL);
    argument(l, b->arenas->moments[0][0], b->arenas->dummy);
    argument(l, b->arenas->moments[0][1], b->arenas->dummy);
    argument(l, b->arenas->step, NULL);
    argument(l, b->arenas->state, NULL);
    l->args[l->n_args++] = (hg_arg){.type = HG_ARG_INT, .i = (int32_t)b->n};
    l->global[0] = way == 1 ? 3 : 64, l->local[0] = 1, l->global[1] = l->global[2] = l->local[1] = l->local[2] = 1;
    check(hg_launches_build(dev, &(hg_launch *){l}, 1, NULL, NULL));
}

static void close_bench(bench *b)
{
    hg_launches_release(&(hg_launch *){&b->launch}, 1);
    hg_arenas_destroy(b->arenas);
    hg_model_destroy(b->model);
}

static float *get(const bench *b, hg_buffer *buffer)
{
    float *data = calloc(b->n, sizeof *data);
    assert_non_null(data);
    if (buffer) check(hg_buffer_read(buffer, 0, data, b->n * sizeof *data));
    return data;
}

/* They are zero already, but Oclgrind 21.10 does not take a filled buffer for an initialised one. */
static void clear_moments(const bench *b)
{
    float *zeros = get(b, NULL);
    for (int k = 0; k < 2; k++)
        if (b->arenas->moments[0][k]) check(hg_buffer_write(b->arenas->moments[0][k], 0, zeros, b->n * sizeof *zeros));
    free(zeros);
}

static void set_state(const bench *b, uint32_t bad, float scale)
{
    struct { uint32_t bad; float scale, norm, unused; } state = {bad, scale, 1, 0};
    check(hg_buffer_write(b->arenas->state, 0, &state, sizeof state));
}

static void close_enough(const char *what, const optimizer_case *c, long step, size_t i, double have, double want, double tol)
{
    if (!(fabs(have - want) <= tol + 1.2e-38))
        fail_msg("%s, step %ld: %s[%zu] is %.9g, should be %.9g +- %.2g", c->name, step, what, i, have, want, tol);
}

static void one_step(bench *b, const optimizer_case *c, long step, double lr, double scale, uint64_t *random)
{
    float *g = get(b, NULL), *w = get(b, b->arenas->params), *m0 = get(b, b->arenas->moments[0][0]), *m1 = get(b, b->arenas->moments[0][1]);
    for (size_t i = 0; i < b->n; i++) g[i] = i % 11 == 0 ? 0 : (float)(draw(random) * (i % 5 ? 1 : 1e-4));
    check(hg_buffer_write(b->arenas->grads, 0, g, b->n * sizeof *g));
    set_state(b, 0, (float)scale);
    check(hg_arenas_set_step(b->arenas, 1, step, STEPS, lr, 1));
    check(hg_launches_run(dev, &(hg_launch *){&b->launch}, 1));
    float *w2 = get(b, b->arenas->params), *n0 = get(b, b->arenas->moments[0][0]), *n1 = get(b, b->arenas->moments[0][1]);
    for (size_t i = 0; i < b->n; i++) {
        cell now = {w[i], g[i] * scale, m0[i], m1[i]}, tol = {0};
        if (c->clip_value > 0) now.g = fmax(-c->clip_value, fmin(c->clip_value, now.g));
        reference->step(c->numbers, (double)(float)lr, step, &now, &tol);
        close_enough("w", c, step, i, w2[i], now.w, tol.w);
        if (b->arenas->moments[0][0]) close_enough("first moment", c, step, i, n0[i], now.m0, tol.m0);
        if (b->arenas->moments[0][1]) close_enough("second moment", c, step, i, n1[i], now.m1, tol.m1);
    }
    free(g), free(w), free(m0), free(m1), free(w2), free(n0), free(n1);
}

static void test_steps(void **unused)
{
    (void)unused;
    for (const optimizer_case *c = reference->cases; c->name; c++) {
        for (int way = 0; way < WAYS; way++) {
            bench b;
            uint64_t random = seed * 77 + 5;
            open_bench(&b, c, way);
            float *w = get(&b, NULL);
            for (size_t i = 0; i < b.n; i++) w[i] = (float)draw(&random);
            check(hg_buffer_write(b.arenas->params, 0, w, b.n * sizeof *w));
            free(w);
            clear_moments(&b);
            for (long step = 1; step <= STEPS; step++) one_step(&b, c, step, step % 2 ? 0.01 : 0.003, step > 2 ? 0.25 : 1, &random);
            close_bench(&b);
        }
    }
}

/* After a loss that was not finite nothing moves. */
static void test_bad(void **unused)
{
    (void)unused;
    bench b;
    open_bench(&b, &reference->cases[0], 0);
    float *before = get(&b, b.arenas->params), *g = get(&b, NULL);
    for (size_t i = 0; i < b.n; i++) g[i] = NAN;
    check(hg_buffer_write(b.arenas->grads, 0, g, b.n * sizeof *g));
    set_state(&b, 1, 1);
    check(hg_arenas_set_step(b.arenas, 1, 1, STEPS, 0.1, 1));
    check(hg_launches_run(dev, &(hg_launch *){&b.launch}, 1));
    float *after = get(&b, b.arenas->params), *m = get(&b, b.arenas->moments[0][0]);
    assert_memory_equal(before, after, b.n * sizeof *before);
    for (size_t i = 0; i < b.n; i++) assert_true(m[i] == 0);
    free(before), free(g), free(after), free(m);
    close_bench(&b);
}

static int open_device(void **unused)
{
    (void)unused;
    ctx = hg_context_create(NULL, NULL);
    dev = hg_device_open(ctx, &(hg_device_params){.select = select_device});
    return 0;
}

static int close_device(void **unused)
{
    (void)unused;
    hg_device_close(dev);
    hg_context_destroy(ctx);
    return 0;
}

static int need_device(void **unused)
{
    (void)unused;
    if (!dev) print_message("skipped: %s\n", hg_message(ctx));
    return 0;
}

static void steps_or_skip(void **state)
{
    if (!dev) skip();
    test_steps(state);
}

static void bad_or_skip(void **state)
{
    if (!dev) skip();
    test_bad(state);
}

int optimizer_main(int argc, char **argv, const optimizer_reference *r)
{
    reference = r;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--small") == 0) continue; /* it is */
        if (i + 1 < argc && strcmp(argv[i], "--device") == 0) select_device = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[++i], NULL, 10);
        else return 2;
    }
    printf("%s, seed %llu\n", r->name, (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        {"each step against the reference", steps_or_skip, need_device, NULL, NULL},
        {"nothing moves after a bad loss", bad_or_skip, need_device, NULL, NULL},
    };
    return _cmocka_run_group_tests(r->name, tests, sizeof tests / sizeof *tests, open_device, close_device);
}
