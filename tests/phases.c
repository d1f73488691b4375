/* Phases: what a training step moves, against the same steps with gradients by finite differences in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/net.h"
#include "normal.h"

enum { B = 5, PIXELS = 6, HIDDEN = 4, Z = 3, JUDGES = 2, SEED = 7, STEPS = 3, PARAMS = 10 };
static const double EPSILON = 1e-3, STD = 1.5, LR = 0.4, MOMENTUM = 0.5;

#define LAYERS "input: {channels: 1, height: 2, width: 3}\n" \
    "encoder: [flatten, dense: {units: 4, activation: tanh}, dense: 3]\n" \
    "decoder: [dense: {units: 6, activation: sigmoid}]\n" \
    "prior: {std: 1.5}\n" \
    "discriminator: [dense: {units: 3, activation: tanh}, dense: {units: 3, activation: tanh, share: 0}, dense: {units: 2, activation: sigmoid}]\n"
#define SGD "{sgd: {lr: 0.4, momentum: 0.5}}"

/* ---- the network in double precision; parameters in the order of the graph, PyTorch's shapes */

typedef struct weights { double *p[PARAMS]; } weights;
enum { ENCODER = 0, DECODER = 4, DISCRIMINATOR = 6 }; /* the first of their parameters: weight, bias, weight ... */

static void dense(const weights *w, int first, int in, int out, bool curved, const double x[], double y[])
{
    for (int b = 0; b < B; b++)
        for (int o = 0; o < out; o++) {
            double sum = w->p[first + 1][o];
            for (int i = 0; i < in; i++) sum += w->p[first][o * in + i] * x[b * in + i];
            y[b * out + o] = curved ? tanh(sum) : sum;
        }
}

static void encode(const weights *w, const double x[B * PIXELS], double z[B * Z])
{
    double h[B * HIDDEN];
    dense(w, ENCODER, PIXELS, HIDDEN, true, x, h);
    dense(w, ENCODER + 2, HIDDEN, Z, false, h, z);
}

static double reconstruction(const weights *w, const double z[B * Z], const double x[B * PIXELS])
{
    double y[B * PIXELS], sum = 0;
    dense(w, DECODER, Z, PIXELS, false, z, y);
    for (int i = 0; i < B * PIXELS; i++) sum += pow(1 / (1 + exp(-y[i])) - x[i], 2);
    return sum / (B * PIXELS);
}

static double judgement(const weights *w, const double z[B * Z], bool real)
{
    double a[B * Z], b[B * Z], l[B * JUDGES], sum = 0;
    dense(w, DISCRIMINATOR, Z, Z, true, z, a);
    dense(w, DISCRIMINATOR, Z, Z, true, a, b);
    dense(w, DISCRIMINATOR + 2, Z, JUDGES, false, b, l);
    for (int i = 0; i < B * JUDGES; i++) sum -= log(1 / (1 + exp(real ? -l[i] : l[i])) + EPSILON);
    return sum / (B * JUDGES);
}

/* ---- phases */

typedef struct phase {
    bool reconstructs, prior_is_real, code_is_fake, code_is_real, detached, keeps;
    struct { int set, optimizer; } updates[2]; /* a set is its first parameter; -1 ends the list */
} phase;

static double loss(const phase *f, const weights *w, const weights *of_code, const double x[B * PIXELS], const double drawn[B * Z])
{
    double z[B * Z], sum = 0;
    encode(f->detached ? of_code : w, x, z);
    if (f->reconstructs) sum += reconstruction(w, z, x);
    if (f->prior_is_real) sum += judgement(w, drawn, true);
    if (f->code_is_fake) sum += judgement(w, z, false);
    if (f->code_is_real) sum += judgement(w, z, true);
    return sum;
}

static size_t counts[PARAMS];

static weights make_weights(void)
{
    weights w;
    for (int i = 0; i < PARAMS; i++) assert_non_null(w.p[i] = calloc(counts[i], sizeof(double)));
    return w;
}

static void free_weights(weights *w)
{
    for (int i = 0; i < PARAMS; i++) free(w->p[i]);
}

static void add_gradient(const phase *f, weights *w, const double x[B * PIXELS], const double drawn[B * Z], weights *gradient)
{
    weights still = make_weights();
    for (int i = 0; i < PARAMS; i++) memcpy(still.p[i], w->p[i], counts[i] * sizeof(double));
    for (int i = 0; i < PARAMS; i++)
        for (size_t k = 0; k < counts[i]; k++) {
            const double at = w->p[i][k], h = 1e-5;
            w->p[i][k] = at + h;
            const double up = loss(f, w, &still, x, drawn);
            w->p[i][k] = at - h;
            const double down = loss(f, w, &still, x, drawn);
            w->p[i][k] = at;
            gradient->p[i][k] = (f->keeps ? gradient->p[i][k] : 0) + (up - down) / (2 * h);
        }
    free_weights(&still);
}

static void descend(int set, weights *w, const weights *gradient, weights *momentum)
{
    const int end = set == ENCODER ? DECODER : set == DECODER ? DISCRIMINATOR : PARAMS;
    for (int i = set; i < end; i++)
        for (size_t k = 0; k < counts[i]; k++) {
            momentum->p[i][k] = MOMENTUM * momentum->p[i][k] + gradient->p[i][k];
            w->p[i][k] -= LR * momentum->p[i][k];
        }
}

/* Number i of [B, Z] as cl/prior.cl draws it in a phase of a step. */
static double draw(int step, int f, int i)
{
    return STD * drawn_normal(SEED, (uint64_t)step, HG_STREAM_PRIOR + ((uint32_t)f << 20), (uint64_t)i);
}

static void reference_steps(const phase *phases, int n, const double x[B * PIXELS], weights *w)
{
    weights gradient = make_weights(), momenta[4];
    for (int i = 0; i < 4; i++) momenta[i] = make_weights();
    for (int step = 1; step <= STEPS; step++)
        for (int f = 0; f < n; f++) {
            double drawn[B * Z];
            for (int i = 0; i < B * Z; i++) drawn[i] = draw(step, f, i);
            add_gradient(&phases[f], w, x, drawn, &gradient);
            for (int u = 0; u < 2 && phases[f].updates[u].set >= 0; u++)
                descend(phases[f].updates[u].set, w, &gradient, &momenta[phases[f].updates[u].optimizer]);
        }
    free_weights(&gradient);
    for (int i = 0; i < 4; i++) free_weights(&momenta[i]);
}

/* ---- the engine */

static hg_context *ctx;
static hg_device *dev;

static void check(bool ok)
{
    if (!ok) fail_msg("%s", hg_message(ctx));
}

static void read_weights(hg_net *net, float *const rows[PARAMS], weights *to)
{
    check(hg_net_read_arena(net, hg_arenas_params(hg_net_arenas(net)), rows));
    for (int i = 0; i < PARAMS; i++)
        for (size_t k = 0; k < counts[i]; k++) to->p[i][k] = (double)rows[i][k];
}

static void compare(const char *text, const phase *phases, int n)
{
    if (!dev) skip();
    hg_model *model = hg_model_parse(ctx, "phases.yaml", text, strlen(text));
    check(model != NULL);
    assert_int_equal(model->n_params, PARAMS);
    float *rows[PARAMS];
    for (int i = 0; i < PARAMS; i++) {
        counts[i] = model->params[i]->count;
        assert_non_null(rows[i] = calloc(counts[i], sizeof(float)));
    }
    hg_net *net = hg_net_create(dev, model, &(hg_net_params){.batch = B, .seed = SEED});
    check(net != NULL);
    weights w = make_weights(), moved = make_weights(), start = make_weights();
    read_weights(net, rows, &start);
    read_weights(net, rows, &w);
    uint8_t bytes[B * PIXELS];
    double x[B * PIXELS];
    for (int i = 0; i < B * PIXELS; i++) x[i] = (bytes[i] = (uint8_t)(i * 37 % 256)) / 255.0;
    for (int step = 1; step <= STEPS; step++) {
        hg_plan *plan = hg_net_plan(net, HG_PURPOSE_TRAIN, B);
        check(plan && hg_buffer_write(hg_arenas_bytes(hg_net_arenas(net), sizeof bytes), 0, bytes, sizeof bytes));
        check(hg_arenas_set_step(hg_net_arenas(net), SEED, step, STEPS, 0, B) && hg_plan_run(plan));
    }
    read_weights(net, rows, &moved);
    reference_steps(phases, n, x, &w);
    for (int i = 0; i < PARAMS; i++) {
        double way = 0;
        for (size_t k = 0; k < counts[i]; k++) {
            way = fmax(way, fabs(w.p[i][k] - start.p[i][k]));
            if (!(fabs(moved.p[i][k] - w.p[i][k]) <= 2e-6 * (1 + fabs(w.p[i][k]))))
                fail_msg("%s[%zu] is %.9g, should be %.9g", model->params[i]->name, k, moved.p[i][k], w.p[i][k]);
        }
        bool updated = false;
        const int set = i < DECODER ? ENCODER : i < DISCRIMINATOR ? DECODER : DISCRIMINATOR;
        for (int f = 0; f < n; f++)
            for (int u = 0; u < 2 && phases[f].updates[u].set >= 0; u++) updated |= phases[f].updates[u].set == set;
        assert_true(updated ? way > 1e-3 : memcmp(moved.p[i], start.p[i], counts[i] * sizeof(double)) == 0);
    }
    free_weights(&w), free_weights(&moved), free_weights(&start);
    for (int i = 0; i < PARAMS; i++) free(rows[i]);
    hg_net_destroy(net);
    hg_model_destroy(model);
}

/* The discriminator learns from codes that it gets detached; the encoder has two optimizers. */
static void test_apart(void **state)
{
    (void)state;
    const phase phases[] = {{.reconstructs = true, .updates = {{ENCODER, 0}, {DECODER, 1}}},
                            {.prior_is_real = true, .code_is_fake = true, .detached = true, .updates = {{DISCRIMINATOR, 2}, {-1, 0}}},
                            {.code_is_real = true, .updates = {{ENCODER, 3}, {-1, 0}}}};
    compare(LAYERS "phases:\n- {name: a, loss: mse, update: {encoder: " SGD ", decoder: " SGD "}}\n"
            "- {name: b, loss: {adversarial: {real: prior, fake: code, epsilon: 0.001}}, detach: code, update: {discriminator: " SGD "}}\n"
            "- {name: c, loss: {adversarial: {real: code, epsilon: 0.001}}, update: {encoder: " SGD "}}\n", phases, 3);
}

/* Gradients are kept from phase to phase, the decoder's optimizer steps twice, the discriminator never. */
static void test_kept(void **state)
{
    (void)state;
    const phase phases[] = {{.reconstructs = true, .updates = {{ENCODER, 0}, {DECODER, 1}}},
                            {.prior_is_real = true, .code_is_fake = true, .keeps = true, .updates = {{DECODER, 1}, {-1, 0}}},
                            {.code_is_real = true, .keeps = true, .updates = {{ENCODER, 3}, {-1, 0}}}};
    compare(LAYERS "phases:\n- {name: a, loss: mse, update: {encoder: " SGD ", decoder: " SGD "}}\n"
            "- {name: b, loss: {adversarial: {real: prior, fake: code, epsilon: 0.001}}, keep_gradients: true, update: {decoder: {again: a}}}\n"
            "- {name: c, loss: {adversarial: {real: code, epsilon: 0.001}}, keep_gradients: true, update: {encoder: " SGD "}}\n", phases, 3);
}

/* Two losses in a phase; the discriminator learns in the next, before which gradients begin anew, and with another draw in the last. */
static void test_joint(void **state)
{
    (void)state;
    const phase phases[] = {{.reconstructs = true, .code_is_real = true, .updates = {{ENCODER, 0}, {DECODER, 1}}},
                            {.prior_is_real = true, .code_is_fake = true, .updates = {{DISCRIMINATOR, 2}, {-1, 0}}},
                            {.prior_is_real = true, .keeps = true, .updates = {{DISCRIMINATOR, 2}, {-1, 0}}}};
    compare(LAYERS "phases:\n- {name: a, loss: {mse: , adversarial: {real: code, epsilon: 0.001}}, update: {encoder: " SGD ", decoder: " SGD "}}\n"
            "- {name: b, loss: {adversarial: {real: prior, fake: code, epsilon: 0.001}}, update: {discriminator: " SGD "}}\n"
            "- {name: c, loss: {adversarial: {real: prior, epsilon: 0.001}}, keep_gradients: true, update: {discriminator: {again: b}}}\n", phases, 3);
}

static int open_device(void **state)
{
    (void)state;
    ctx = hg_context_create(NULL, NULL);
    dev = hg_device_open(ctx, NULL);
    if (!dev) print_message("skipped: %s\n", hg_message(ctx));
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    hg_device_close(dev);
    hg_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_apart), cmocka_unit_test(test_kept), cmocka_unit_test(test_joint)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
