/* Trials of candidates for one operation: run, checked, timed. */
#include "model/trial.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "base/half.h"
#include "base/rng.h"
#include "device/device.h"
#include "model/plan_private.h"

/* Random numbers that fill the inputs again and again; a prime, so that rows differ. Rounds of timing. */
enum { NOISE = 1000003, ROUNDS = 5 };
static const double CHAIN_SECONDS = 2e-3;

/* ---- what the trials of an operation share */

static bool fill(hg_buffer *buffer, const void *noise, size_t period)
{
    const size_t bytes = hg_buffer_size(buffer);
    for (size_t at = 0; at < bytes; at += period)
        if (!hg_buffer_write(buffer, at, noise, bytes - at < period ? bytes - at : period)) return false;
    return true;
}

bool hg_trials_open(hg_trials *t, hg_arenas *arenas, hg_device *dev, int batch)
{
    *t = (hg_trials){.ctx = hg_device_context(dev), .dev = dev, .arenas = arenas, .batch = batch};
    hg_rng rng = hg_rng_make(1, HG_STREAM_SAMPLE, 0);
    t->noise = hg_alloc(t->ctx, NOISE, sizeof *t->noise);
    t->half_noise = hg_alloc(t->ctx, NOISE, sizeof *t->half_noise);
    if (!t->noise || !t->half_noise) return false;
    for (int i = 0; i < NOISE; i++) {
        t->noise[i] = hg_rng_uniform(&rng) - 0.5f;
        t->half_noise[i] = hg_half_from_float(t->noise[i]);
    }
    return fill(hg_arenas_params(t->arenas), t->noise, NOISE * sizeof *t->noise);
}

static void free_results(hg_results *r)
{
    for (int i = 0; i < r->n; i++) hg_free(r->values[i]);
    r->n = 0;
}

void hg_trials_close(hg_trials *t)
{
    free_results(&t->expected);
    hg_free(t->half_noise);
    hg_free(t->noise);
    *t = (hg_trials){0};
}

void hg_trials_turn(hg_trials *t, const hg_decision *decision)
{
    free_results(&t->expected);
    t->decision = *decision;
}

void hg_trials_ask(hg_trials *t, bool (*ask)(void *, const hg_operation *, const hg_device_info *, const void *, hg_pick *), void *user)
{
    hg_trial trial = {.node = t->decision.node, .backward = t->decision.backward, .key = t->decision.key, .pick = ask, .user = user};
    hg_plan_destroy(hg_plan_trial(t->arenas, t->batch, &trial));
}

/* ---- a candidate */

static bool take_pick(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *pick)
{
    (void)operation, (void)limits, (void)problem;
    *pick = *(const hg_pick *)user;
    return true;
}

static bool fill_block(hg_trials *t, const hg_plan *plan, hg_block block)
{
    const hg_block_info *info = &plan->blocks[block];
    return info->half ? fill(info->buffer, t->half_noise, NOISE * sizeof *t->half_noise) : fill(info->buffer, t->noise, NOISE * sizeof *t->noise);
}

/* What a forward pass notes and a backward pass reads: winners, one of the first two places that all windows have. */
static bool fill_note(const hg_trials *t, const hg_plan *plan, hg_block block)
{
    const size_t bytes = plan->blocks[block].bytes;
    uint8_t *places = hg_alloc(t->ctx, bytes, 1);
    for (size_t i = 0; places && i < bytes; i++) places[i] = (uint8_t)(i * 7 / 5 % 2);
    const bool ok = places && hg_buffer_write(plan->blocks[block].buffer, 0, places, bytes);
    hg_free(places);
    return ok;
}

/* Values, notes and gradients that the operation reads; what it writes keeps its NaN. */
static bool fill_inputs(hg_trials *t, hg_plan *plan)
{
    const hg_node *node = plan->graph->nodes[t->decision.node];
    bool ok = true;
    for (int i = 0; ok && i < plan->graph->n_nodes; i++) /* the node's own are written by it */
        if (i != node->index && plan->note[i] >= 0 && t->decision.backward) ok = fill_note(t, plan, plan->note[i]);
    for (int i = 0; ok && i < plan->graph->n_tensors; i++) {
        const hg_block value = plan->value[i], grad = plan->grad[i];
        const bool result = !t->decision.backward && i == hg_plan_root(plan, node->out[0]);
        if (value >= 0 && plan->blocks[value].buffer && !result) ok = fill_block(t, plan, value);
        if (ok && grad >= 0 && plan->blocks[grad].buffer && !plan->written[i]) ok = fill_block(t, plan, grad);
    }
    return ok;
}

static bool read_block(hg_trials *t, hg_plan *plan, hg_block block, hg_results *out)
{
    const hg_block_info *info = &plan->blocks[block];
    const size_t count = info->bytes / (info->half ? sizeof(uint16_t) : sizeof(float));
    float *values = hg_alloc(t->ctx, count, sizeof *values);
    if (!values) return false;
    out->values[out->n] = values;
    out->counts[out->n++] = count;
    out->half = info->half;
    return hg_plan_read(plan, block, values);
}

/* What the operation computed: the value of the node's output; backwards the gradient of its input, or those of its parameters. */
static bool read_results(hg_trials *t, hg_plan *plan, hg_results *out)
{
    const hg_node *node = plan->graph->nodes[t->decision.node];
    bool ok = true;
    *out = (hg_results){0};
    if (!t->decision.backward) return read_block(t, plan, plan->value[hg_plan_root(plan, node->out[0])], out);
    const int input = hg_plan_root(plan, node->in[0]);
    if (plan->written[input]) ok = read_block(t, plan, plan->grad[input], out);
    for (int k = 0; ok && k < node->n_params && out->n < HG_MOST_RESULTS; k++)
        if (plan->param_written[node->params[k]]) ok = read_block(t, plan, plan->param_grad[node->params[k]], out);
    return ok;
}

static bool same_bits(const hg_results *a, const hg_results *b)
{
    for (int i = 0; i < a->n; i++)
        if (memcmp(a->values[i], b->values[i], a->counts[i] * sizeof(float)) != 0) return false;
    return true;
}

/* Rounding errors of sums of n products grow like sqrt(n) relative to the largest sum; 64 leaves room for transforms (Winograd) and for
 * approximate activations, and is far below what a wrong index does. Stored as half, nearly equal numbers may be neighbours. */
static bool agree(const hg_trials *t, const hg_results *got)
{
    const double share = FLT_EPSILON * 64 * (1 + sqrt(t->terms)) + (got->half ? 0x1p-10 : 0);
    for (int i = 0; i < got->n; i++) {
        double largest = 0;
        for (size_t k = 0; k < got->counts[i]; k++) largest = fmax(largest, fabs((double)t->expected.values[i][k]));
        for (size_t k = 0; k < got->counts[i]; k++)
            if (!(fabs((double)got->values[i][k] - (double)t->expected.values[i][k]) <= share * largest)) return false;
    }
    return true;
}

void hg_attempt_end(hg_attempt *a)
{
    hg_plan_destroy(a->plan);
    *a = (hg_attempt){0};
}

/* Its plan, whose launches are built. */
static bool build(hg_trials *t, const hg_pick *pick, hg_attempt *a)
{
    hg_trial trial = {.node = t->decision.node, .backward = t->decision.backward, .key = t->decision.key, .pick = take_pick, .user = (void *)pick};
    int n;
    *a = (hg_attempt){.pick = *pick, .plan = hg_plan_trial(t->arenas, t->batch, &trial)};
    if (!a->plan) return false;
    hg_launch *const *launches = hg_plan_launches(a->plan, &n);
    a->launches = launches + trial.first;
    a->n = trial.count;
    return hg_launches_build(t->dev, launches, n, NULL, NULL);
}

bool hg_attempt_begin(hg_trials *t, const hg_pick *pick, hg_attempt *a)
{
    return build(t, pick, a) && fill_inputs(t, a->plan) && hg_plan_run(a->plan) && hg_device_finish(t->dev);
}

static bool always(void *user)
{
    (void)user;
    return true;
}

bool hg_trials_compile(hg_trials *t, const hg_pick *pick)
{
    hg_attempt attempt;
    const bool ok = build(t, pick, &attempt) && hg_launches_compile(t->dev, attempt.launches, attempt.n, 0, 1, always, NULL);
    hg_attempt_end(&attempt);
    return ok;
}

bool hg_attempt_check(hg_trials *t, hg_attempt *a)
{
    hg_results once = {0}, twice = {0};
    bool ok = read_results(t, a->plan, &once) && hg_plan_guards_intact(a->plan);
    if (ok && !t->expected.n) {
        t->expected = once;
        double flops = 0;
        for (int i = 0; i < a->n; i++) flops = fmax(flops, a->launches[i]->flops);
        t->terms = flops / 2 / (double)once.counts[0];
        return true;
    }
    ok = ok && agree(t, &once) && hg_launches_run(t->dev, a->launches, a->n) && read_results(t, a->plan, &twice) && same_bits(&once, &twice);
    free_results(&once);
    free_results(&twice);
    return ok;
}

/* ---- timing */

static bool time_chain(hg_trials *t, hg_attempt *a, int chain, double *seconds)
{
    const double start = hg_now();
    for (int i = 0; i < chain; i++)
        if (!hg_launches_run(t->dev, a->launches, a->n)) return false;
    if (!hg_device_finish(t->dev)) return false;
    *seconds = (hg_now() - start) / chain;
    return true;
}

/* The least of some rounds, in turns: what else the machine does only ever adds. A candidate that is clearly slower is given up. */
bool hg_attempts_time(hg_trials *t, hg_attempt *const *attempts, int n)
{
    int chain[2] = {1, 1};
    for (int i = 0; i < n; i++) {
        double first;
        if (!time_chain(t, attempts[i], 1, &first)) return false;
        attempts[i]->seconds = first;
        if (first < CHAIN_SECONDS) chain[i] = (int)(CHAIN_SECONDS / fmax(first, 1e-6)) + 1;
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < n; i++) {
            double seconds;
            if (round == 1 && n == 2 && attempts[1]->seconds > 2 * attempts[0]->seconds) return true;
            if (!time_chain(t, attempts[i], chain[i], &seconds)) return false;
            if (round == 0 || seconds < attempts[i]->seconds) attempts[i]->seconds = seconds;
        }
    return true;
}
