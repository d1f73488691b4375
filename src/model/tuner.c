/* The tuner: times the candidates for every operation of a model and keeps the fastest in a tuning. Everything that happens to an
 * operation can be read in tune_operation.
 *
 * A candidate runs in a trial plan: the operation alone, its blocks between guard zones, its inputs random, its results filled with
 * NaN. Its results must be finite and agree with those of the variant "plain", its guard zones untouched, and a second run must give
 * the same bits; only then is it timed, in turns with the best so far, because the speed of a shared machine drifts. From the best of
 * the variants with their expected parameters the search goes on to neighbours, a parameter halved, doubled, one more or one less,
 * while that gains. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/half.h"
#include "base/rng.h"
#include "device/device.h"
#include "model/plan_private.h"
#include "model/tuning.h"
#include "model/variant.h"

enum {
    NOISE = 1000003,         /* random numbers that fill the inputs again and again; a prime, so that rows differ */
    MOST_CANDIDATES = 256, MOST_RESULTS = 3, ROUNDS = 5,
    PATIENT = 20,            /* variants that expect to cost this much are tried only where there is no time limit */
};
static const double CHAIN_SECONDS = 2e-3, GAIN = 0.98;

typedef struct results { float *values[MOST_RESULTS]; size_t counts[MOST_RESULTS]; int n; bool half; } results; /* half: stored so, as floats here */

typedef struct tuner {
    hg_context *ctx;
    hg_device *dev;
    hg_arenas *arenas;
    hg_tuning *tuning;
    const hg_tune_params *params;
    int batch;
    float *noise;
    uint16_t *half_noise;    /* the same as half */
    double deadline;         /* of the operation at hand; 0: none */
    hg_tune_progress progress;
    bool stopped;
    /* the operation at hand */
    hg_decision decision;
    results expected;
    double terms;            /* products in a result */
    hg_pick list[MOST_CANDIDATES];
    int n_list;
    hg_pick tried[MOST_CANDIDATES];
    int n_tried;
} tuner;

/* A trial plan with its operation's launches, and what one run of them takes. */
typedef struct attempt { hg_plan *plan; hg_pick pick; hg_launch *const *launches; int n; double seconds; } attempt;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- which candidates there are */

static void list_add(tuner *t, const hg_pick *pick)
{
    for (int i = 0; i < t->n_list; i++)
        if (hg_pick_same(&t->list[i], pick)) return;
    if (t->n_list < MOST_CANDIDATES) t->list[t->n_list++] = *pick;
}

/* Every variant that fits, cheapest expectation first, with the parameters that it expects to be best and its other starts. */
static bool list_variants(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *unused)
{
    tuner *t = user;
    const double most = t->deadline > 0 ? PATIENT : HG_VARIANT_FOREIGN;
    double done = -1;
    (void)unused;
    for (;;) { /* in the order of cost: the next one above `done` */
        double next = most;
        for (int i = 0; i < operation->count; i++) {
            int parameters[HG_VARIANT_PARAMS] = {0};
            const double cost = hg_variant_cost(operation, operation->variants[i], limits, problem, parameters);
            if (cost >= 0 && cost > done && cost < next) next = cost;
        }
        if (next >= most) break;
        for (int i = 0; i < operation->count; i++) {
            hg_pick pick = {.variant = operation->variants[i]};
            if (hg_variant_cost(operation, pick.variant, limits, problem, pick.parameters) == next) list_add(t, &pick);
        }
        done = next;
    }
    for (int i = 0, n = t->n_list; i < n; i++) {
        const hg_variant *variant = t->list[i].variant;
        for (int k = 0; k < variant->n_starts; k++) {
            hg_pick pick = {.variant = variant};
            memcpy(pick.parameters, variant->starts[k], sizeof pick.parameters);
            if (variant->accepts(limits, problem, pick.parameters)) list_add(t, &pick);
        }
    }
    return false;
}

static bool list_neighbours(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *unused)
{
    tuner *t = user;
    const hg_pick from = t->list[0];
    (void)operation, (void)unused;
    t->n_list = 0;
    for (int i = 0; from.variant->accepts && from.variant->parameters[i]; i++) {
        const int v = from.parameters[i], others[] = {v * 2, v / 2, v + 1, v - 1};
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            hg_pick pick = from;
            pick.parameters[i] = others[k];
            if (others[k] >= 1 && others[k] != v && from.variant->accepts(limits, problem, pick.parameters)) list_add(t, &pick);
        }
    }
    return false;
}

static bool find_plain(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *unused)
{
    tuner *t = user;
    hg_pick pick;
    (void)unused;
    if (hg_pick_parse(operation, limits, problem, "plain", &pick)) list_add(t, &pick);
    return false;
}

typedef bool scout_fn(void *, const hg_operation *, const hg_device_info *, const void *, hg_pick *);

/* Fills the list by asking the operation where it is emitted; nothing is emitted. */
static void scout(tuner *t, scout_fn *ask)
{
    hg_trial trial = {.node = t->decision.node, .backward = t->decision.backward, .key = t->decision.key, .pick = ask, .user = t};
    hg_plan_destroy(hg_plan_trial(t->arenas, t->batch, &trial));
}

/* ---- a trial */

static bool take_pick(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *pick)
{
    (void)operation, (void)limits, (void)problem;
    *pick = *(const hg_pick *)user;
    return true;
}

static bool fill(hg_buffer *buffer, const void *noise, size_t period)
{
    const size_t bytes = hg_buffer_size(buffer);
    for (size_t at = 0; at < bytes; at += period)
        if (!hg_buffer_write(buffer, at, noise, bytes - at < period ? bytes - at : period)) return false;
    return true;
}

static bool fill_block(tuner *t, const hg_plan *plan, hg_block block)
{
    const hg_block_info *info = &plan->blocks[block];
    return info->half ? fill(info->buffer, t->half_noise, NOISE * sizeof *t->half_noise) : fill(info->buffer, t->noise, NOISE * sizeof *t->noise);
}

/* Values and gradients that the operation reads; what it writes keeps its NaN. */
static bool fill_inputs(tuner *t, hg_plan *plan)
{
    const hg_node *node = plan->graph->nodes[t->decision.node];
    bool ok = true;
    for (int i = 0; ok && i < plan->graph->n_tensors; i++) {
        const hg_block value = plan->value[i], grad = plan->grad[i];
        const bool result = !t->decision.backward && i == hg_plan_root(plan, node->out[0]);
        if (value >= 0 && plan->blocks[value].buffer && !result) ok = fill_block(t, plan, value);
        if (ok && grad >= 0 && plan->blocks[grad].buffer && !plan->written[i]) ok = fill_block(t, plan, grad);
    }
    return ok;
}

static void free_results(results *r)
{
    for (int i = 0; i < r->n; i++) hg_free(r->values[i]);
    r->n = 0;
}

static bool read_block(tuner *t, hg_plan *plan, hg_block block, results *out)
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
static bool read_results(tuner *t, hg_plan *plan, results *out)
{
    const hg_node *node = plan->graph->nodes[t->decision.node];
    bool ok = true;
    *out = (results){0};
    if (!t->decision.backward) return read_block(t, plan, plan->value[hg_plan_root(plan, node->out[0])], out);
    const int input = hg_plan_root(plan, node->in[0]);
    if (plan->written[input]) ok = read_block(t, plan, plan->grad[input], out);
    for (int k = 0; ok && k < node->n_params && out->n < MOST_RESULTS; k++)
        if (plan->param_written[node->params[k]]) ok = read_block(t, plan, plan->param_grad[node->params[k]], out);
    return ok;
}

static bool same_bits(const results *a, const results *b)
{
    for (int i = 0; i < a->n; i++)
        if (memcmp(a->values[i], b->values[i], a->counts[i] * sizeof(float)) != 0) return false;
    return true;
}

/* Rounding errors of sums of n products grow like sqrt(n) relative to the largest sum; 64 leaves room for transforms (Winograd) and for
 * approximate activations, and is far below what a wrong index does. Stored as half, nearly equal numbers may be neighbours. */
static bool agree(const tuner *t, const results *got)
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

static void end(attempt *a)
{
    hg_plan_destroy(a->plan);
    *a = (attempt){0};
}

static bool begin(tuner *t, const hg_pick *pick, attempt *a)
{
    hg_trial trial = {.node = t->decision.node, .backward = t->decision.backward, .key = t->decision.key, .pick = take_pick, .user = (void *)pick};
    int n;
    *a = (attempt){.pick = *pick, .plan = hg_plan_trial(t->arenas, t->batch, &trial)};
    if (!a->plan) return false;
    hg_launch *const *launches = hg_plan_launches(a->plan, &n);
    a->launches = launches + trial.first;
    a->n = trial.count;
    return hg_launches_build(t->dev, launches, n, NULL, NULL) && fill_inputs(t, a->plan) && hg_plan_run(a->plan) && hg_device_finish(t->dev);
}

/* Runs the operation and compares what it gives; with no expectation yet this becomes it. */
static bool check(tuner *t, attempt *a)
{
    results once = {0}, twice = {0};
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

static bool time_chain(tuner *t, attempt *a, int chain, double *seconds)
{
    const double start = now();
    for (int i = 0; i < chain; i++)
        if (!hg_launches_run(t->dev, a->launches, a->n)) return false;
    if (!hg_device_finish(t->dev)) return false;
    *seconds = (now() - start) / chain;
    return true;
}

/* The least of some rounds, in turns: what else the machine does only ever adds. A candidate that is clearly slower is given up. */
static bool time_attempts(tuner *t, attempt *const *attempts, int n)
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

/* ---- the search */

static bool out_of_time(tuner *t)
{
    return t->stopped || (t->deadline > 0 && now() > t->deadline);
}

static void tell(tuner *t, const hg_pick *pick, double seconds, const attempt *best)
{
    char text[HG_PICK_TEXT] = "", best_text[HG_PICK_TEXT] = "";
    if (pick) hg_pick_text(pick, text);
    if (best && best->plan) hg_pick_text(&best->pick, best_text);
    t->progress.key = t->decision.key;
    t->progress.pick = text;
    t->progress.seconds = seconds;
    t->progress.best = best_text;
    t->progress.best_seconds = best && best->plan ? best->seconds : 0;
    if (t->params->progress && !t->params->progress(t->params->user, &t->progress)) t->stopped = true;
}

static bool was_tried(tuner *t, const hg_pick *pick)
{
    for (int i = 0; i < t->n_tried; i++)
        if (hg_pick_same(&t->tried[i], pick)) return true;
    if (t->n_tried < MOST_CANDIDATES) t->tried[t->n_tried++] = *pick;
    return false;
}

/* Tries a candidate and makes it the best if it is. False: the device is lost, or the tuning cannot be written; a candidate that fails
 * is merely left out. */
static bool try_candidate(tuner *t, const hg_pick *pick, attempt *best)
{
    char text[HG_PICK_TEXT];
    attempt candidate = {0};
    hg_pick_text(pick, text);
    if (was_tried(t, pick) || hg_tuning_has_crashed(t->tuning, t->decision.key, text)) return true;
    if (!hg_tuning_trying(t->tuning, t->decision.key, text)) return false;
    bool ok = begin(t, pick, &candidate) && check(t, &candidate);
    if (ok) ok = best->plan ? time_attempts(t, (attempt *[]){best, &candidate}, 2) : time_attempts(t, (attempt *[]){&candidate}, 1);
    hg_tuning_survived(t->tuning);
    const hg_status status = hg_context_status(t->ctx);
    if (status == HG_DEVICE_LOST) hg_tuning_add_crash(t->tuning, t->decision.key, text);
    if (!ok && status != HG_DEVICE_LOST) {
        hg_log(t->ctx, HG_LOG_DEBUG, "tuning: %s = %s is left out: %s", t->decision.key, text, status ? hg_message(t->ctx) : "its results are wrong");
        hg_context_clear(t->ctx);
    }
    if (ok) tell(t, pick, candidate.seconds, best);
    if (ok && (!best->plan || candidate.seconds < GAIN * best->seconds)) {
        end(best);
        *best = candidate;
        return true;
    }
    end(&candidate);
    return status != HG_DEVICE_LOST;
}

static bool try_list(tuner *t, attempt *best)
{
    for (int i = 0; i < t->n_list && !out_of_time(t); i++)
        if (!try_candidate(t, &t->list[i], best)) return false;
    return true;
}

static bool descend(tuner *t, attempt *best)
{
    for (hg_pick from = {0}; best->plan && !out_of_time(t) && !hg_pick_same(&from, &best->pick);) {
        from = best->pick;
        t->list[0] = from;
        scout(t, list_neighbours);
        if (!try_list(t, best)) return false;
    }
    return true;
}

/* The plain variant's results are what all are compared with. */
static bool expect(tuner *t)
{
    attempt plain = {0};
    t->n_list = 0;
    scout(t, find_plain);
    const bool ok = t->n_list && begin(t, &t->list[0], &plain) && check(t, &plain);
    end(&plain);
    return ok;
}

/* The winner beside what would be chosen without tuning (NULL: that gives no right result), once more and in turns. */
static bool settle(tuner *t, const hg_pick *usual, attempt *best)
{
    attempt other = {0};
    char text[HG_PICK_TEXT];
    double usual_seconds = usual ? best->seconds : 0;
    if (usual && !hg_pick_same(usual, &best->pick)) {
        const bool ok = begin(t, usual, &other) && time_attempts(t, (attempt *[]){best, &other}, 2);
        usual_seconds = ok ? other.seconds : 0;
        if (ok && other.seconds <= best->seconds) best->pick = *usual, best->seconds = other.seconds;
        end(&other);
        if (hg_context_status(t->ctx) == HG_DEVICE_LOST) return false;
        hg_context_clear(t->ctx);
    }
    hg_pick_text(&best->pick, text);
    t->progress.default_seconds = usual_seconds;
    tell(t, NULL, 0, best);
    return hg_tuning_set(t->tuning, t->decision.key, text, best->seconds, usual_seconds) && hg_tuning_save(t->tuning);
}

static bool tune_operation(tuner *t)
{
    attempt best = {0};
    t->n_tried = 0;
    t->progress.default_seconds = 0;
    bool ok = expect(t);
    if (!ok && hg_context_status(t->ctx) != HG_DEVICE_LOST) {
        hg_log(t->ctx, HG_LOG_WARNING, "tuning: %s is left as it is: the plain variant gives no result to compare with%s%s", t->decision.key,
               hg_failed(t->ctx) ? ": " : "", hg_message(t->ctx));
        hg_context_clear(t->ctx);
        return true;
    }
    t->n_list = 0;
    if (ok) scout(t, list_variants);
    const hg_pick usual = t->list[0];
    ok = ok && try_candidate(t, &usual, &best);
    const bool usual_works = best.plan != NULL;
    if (ok && !usual_works) hg_log(t->ctx, HG_LOG_WARNING, "tuning: the usual variant for %s fails on this device: it will not be used", t->decision.key);
    ok = ok && try_list(t, &best) && descend(t, &best);
    if (ok && best.plan) ok = settle(t, usual_works ? &usual : NULL, &best);
    else if (ok) ok = hg_tuning_set(t->tuning, t->decision.key, t->decision.pick, 0, 0); /* no time: at least it stays what it is */
    end(&best);
    free_results(&t->expected);
    return ok;
}

/* ---- all operations of a model */

typedef struct job { hg_decision decision; double weight; } job;

static int heavier(const void *a, const void *b)
{
    const job *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
    return strcmp(x->decision.key, y->decision.key);
}

static bool is_listed(const job *jobs, int n, const char *key)
{
    for (int i = 0; i < n; i++)
        if (strcmp(jobs[i].decision.key, key) == 0) return true;
    return false;
}

/* The operations of a training step that are to be tuned, each once, those first that probably take longest. Strings live in `arena`. */
static job *list_jobs(tuner *t, const hg_plan *plan, hg_arena *arena, int *count)
{
    hg_decision d;
    int total = 0, n = 0, n_launches;
    hg_launch *const *launches = hg_plan_launches(plan, &n_launches);
    while (hg_plan_decision(plan, total, &d)) total++;
    job *jobs = hg_arena_alloc(arena, (size_t)total + 1, sizeof *jobs);
    for (int i = 0; jobs && hg_plan_decision(plan, i, &d); i++) {
        if (is_listed(jobs, n, d.key) || (!t->params->again && hg_tuning_find(t->tuning, d.key))) continue;
        job *j = &jobs[n++];
        j->decision = d;
        j->decision.key = hg_arena_text(arena, d.key);
        j->decision.pick = hg_arena_text(arena, d.pick);
        if (!j->decision.key || !j->decision.pick) return NULL;
        for (int k = d.first; k < d.first + d.count; k++) j->weight += launches[k]->flops + 10 * launches[k]->bytes;
    }
    if (jobs) qsort(jobs, (size_t)n, sizeof *jobs, heavier);
    *count = n;
    return jobs;
}

static bool make_noise(tuner *t)
{
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

/* Each operation gets a share of the time that is left, by its weight among those that are left. */
static bool tune_jobs(tuner *t, const job *jobs, int n)
{
    const double finish = t->params->seconds > 0 ? now() + t->params->seconds : 0;
    double left = 0;
    bool ok = true;
    for (int i = 0; i < n; i++) left += jobs[i].weight;
    t->progress.operations = n;
    for (int i = 0; ok && i < n && !t->stopped; i++) {
        t->decision = jobs[i].decision;
        t->progress.operation = i + 1;
        t->deadline = finish > 0 ? now() + (finish - now()) * jobs[i].weight / left : 0;
        left -= jobs[i].weight;
        if (finish > 0 && now() > finish) ok = hg_tuning_set(t->tuning, t->decision.key, t->decision.pick, 0, 0);
        else ok = tune_operation(t);
    }
    return ok;
}

bool hg_tune(hg_device *dev, const hg_model *model, hg_tuning *tuning, const hg_tune_params *params)
{
    static const hg_tune_params none;
    tuner t = {.ctx = hg_device_context(dev), .dev = dev, .tuning = tuning, .params = params ? params : &none};
    t.batch = t.params->batch ? t.params->batch : model->batch;
    if (!hg_tuning_take(tuning)) return false;
    hg_arena *arena = hg_arena_create(t.ctx);
    hg_plan *plan = NULL;
    job *jobs = NULL;
    int n = 0;
    bool ok = arena && (t.arenas = hg_arenas_create(dev, model, tuning, true, t.params->precision)) && make_noise(&t);
    ok = ok && (plan = hg_plan_prepare(t.arenas, HG_PURPOSE_TRAIN, t.batch, false)) && (jobs = list_jobs(&t, plan, arena, &n));
    hg_plan_destroy(plan);
    ok = ok && tune_jobs(&t, jobs, n) && hg_tuning_save(tuning);
    hg_free(t.half_noise);
    hg_free(t.noise);
    hg_arenas_destroy(t.arenas);
    hg_arena_destroy(arena);
    hg_tuning_release(tuning);
    return ok;
}
