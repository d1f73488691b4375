/* The tuner: times the candidates for every operation of a model and keeps the fastest in a tuning. Everything that happens to an
 * operation can be read in tune_operation.
 *
 * A candidate's results must be finite and agree with those of the variant "plain" (where it fits, else of the expected best), its guard
 * zones untouched, and a second run must give the same bits; only then is it timed, in turns with the best so far. From the best of the
 * variants with their expected parameters the search goes on to neighbours, a parameter halved, doubled, one more or one less, while
 * that gains. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "device/device.h"
#include "model/plan_private.h"
#include "model/trial.h"
#include "model/tuning.h"

enum {
    MOST_CANDIDATES = 256,
    PATIENT = 20,            /* variants that expect to cost this much are tried only where there is no time limit */
};
static const double GAIN = 0.98;

typedef struct tuner {
    hg_context *ctx;
    hg_tuning *tuning;
    const hg_tune_params *params;
    hg_trials trials;
    double deadline;         /* of the operation at hand; 0: none */
    hg_tune_progress progress;
    bool stopped;
    hg_pick list[MOST_CANDIDATES];
    int n_list;
    hg_pick tried[MOST_CANDIDATES];
    int n_tried;
} tuner;

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

/* ---- the search */

static bool out_of_time(tuner *t)
{
    return t->stopped || (t->deadline > 0 && hg_now() > t->deadline);
}

static void tell(tuner *t, const hg_pick *pick, double seconds, const hg_attempt *best)
{
    char text[HG_PICK_TEXT] = "", best_text[HG_PICK_TEXT] = "";
    if (pick) hg_pick_text(pick, text);
    if (best && best->plan) hg_pick_text(&best->pick, best_text);
    t->progress.key = t->trials.decision.key;
    t->progress.pick = text;
    t->progress.seconds = seconds;
    t->progress.best = best_text;
    t->progress.best_seconds = best && best->plan ? best->seconds : 0;
    if (t->params->progress && !t->params->progress(t->params->user, &t->progress)) t->stopped = true;
}

static bool was_tried(const tuner *t, const hg_pick *pick)
{
    for (int i = 0; i < t->n_tried; i++)
        if (hg_pick_same(&t->tried[i], pick)) return true;
    return false;
}

static void quiet(tuner *t, bool on)
{
    if (t->params->quiet) t->params->quiet(t->params->user, on);
}

/* The list's last candidates first: this process tries them from the first one on. */
static void tell_coming(tuner *t)
{
    char text[HG_PICK_TEXT];
    if (!t->params->coming) return;
    t->params->coming(t->params->user, NULL, NULL);
    for (int i = t->n_list - 1; i > 0; i--) {
        hg_pick_text(&t->list[i], text);
        if (!was_tried(t, &t->list[i]) && !hg_tuning_has_crashed(t->tuning, t->trials.decision.key, text))
            t->params->coming(t->params->user, t->trials.decision.key, text);
    }
}

/* Tries a candidate and makes it the best if it is. False: the device is lost, or the tuning cannot be written; a candidate that fails
 * is merely left out. */
static bool try_candidate(tuner *t, const hg_pick *pick, hg_attempt *best)
{
    char text[HG_PICK_TEXT];
    hg_attempt candidate = {0};
    hg_pick_text(pick, text);
    if (was_tried(t, pick) || hg_tuning_has_crashed(t->tuning, t->trials.decision.key, text)) return true;
    if (t->n_tried < MOST_CANDIDATES) t->tried[t->n_tried++] = *pick;
    if (!hg_tuning_trying(t->tuning, t->trials.decision.key, text)) return false;
    bool ok = hg_attempt_begin(&t->trials, pick, &candidate);
    quiet(t, true);
    ok = ok && hg_attempt_check(&t->trials, &candidate);
    if (ok && best->plan) ok = hg_attempts_time(&t->trials, (hg_attempt *[]){best, &candidate}, 2);
    else if (ok) ok = hg_attempts_time(&t->trials, (hg_attempt *[]){&candidate}, 1);
    quiet(t, false);
    hg_tuning_survived(t->tuning);
    const hg_status status = hg_context_status(t->ctx);
    if (status == HG_DEVICE_LOST) hg_tuning_add_crash(t->tuning, t->trials.decision.key, text);
    if (!ok && status != HG_DEVICE_LOST) {
        hg_log(t->ctx, HG_LOG_DEBUG, "tuning: %s = %s is left out: %s", t->trials.decision.key, text,
               status ? hg_message(t->ctx) : "its results are wrong");
        hg_context_clear(t->ctx);
    }
    if (ok) tell(t, pick, candidate.seconds, best);
    if (ok && (!best->plan || candidate.seconds < GAIN * best->seconds)) {
        hg_attempt_end(best);
        *best = candidate;
        return true;
    }
    hg_attempt_end(&candidate);
    return status != HG_DEVICE_LOST;
}

static bool try_list(tuner *t, hg_attempt *best)
{
    tell_coming(t);
    for (int i = 0; i < t->n_list && !out_of_time(t); i++)
        if (!try_candidate(t, &t->list[i], best)) return false;
    return true;
}

static bool descend(tuner *t, hg_attempt *best)
{
    for (hg_pick from = {0}; best->plan && !out_of_time(t) && !hg_pick_same(&from, &best->pick);) {
        from = best->pick;
        t->list[0] = from;
        hg_trials_ask(&t->trials, list_neighbours, t);
        if (!try_list(t, best)) return false;
    }
    return true;
}

/* The plain variant's results are what all are compared with; where it does not fit, those of the variant that is expected to be best. */
static bool expect(tuner *t, hg_pick *compared)
{
    hg_attempt plain = {0};
    t->n_list = 0;
    hg_trials_ask(&t->trials, find_plain, t);
    if (!t->n_list) hg_trials_ask(&t->trials, list_variants, t);
    const bool ok = t->n_list && hg_attempt_begin(&t->trials, &t->list[0], &plain) && hg_attempt_check(&t->trials, &plain);
    *compared = t->list[0];
    hg_attempt_end(&plain);
    return ok;
}

static bool keep(tuner *t, const hg_pick *pick, double seconds, double usual_seconds)
{
    char text[HG_PICK_TEXT];
    hg_pick_text(pick, text);
    return hg_tuning_set(t->tuning, t->trials.decision.key, text, seconds, usual_seconds) && hg_tuning_save(t->tuning);
}

/* The winner beside what would be chosen without tuning (NULL: that gives no right result), once more and in turns. */
static bool settle(tuner *t, const hg_pick *usual, hg_attempt *best)
{
    hg_attempt other = {0};
    double usual_seconds = usual ? best->seconds : 0;
    if (usual && !hg_pick_same(usual, &best->pick)) {
        quiet(t, true);
        const bool ok = hg_attempt_begin(&t->trials, usual, &other) && hg_attempts_time(&t->trials, (hg_attempt *[]){best, &other}, 2);
        quiet(t, false);
        usual_seconds = ok ? other.seconds : 0;
        if (ok && other.seconds <= best->seconds) best->pick = *usual, best->seconds = other.seconds;
        hg_attempt_end(&other);
        if (hg_context_status(t->ctx) == HG_DEVICE_LOST) return false;
        hg_context_clear(t->ctx);
    }
    t->progress.default_seconds = usual_seconds;
    tell(t, NULL, 0, best);
    return keep(t, &best->pick, best->seconds, usual_seconds);
}

static bool tune_operation(tuner *t)
{
    hg_attempt best = {0};
    hg_pick compared;
    t->n_tried = 0;
    t->progress.default_seconds = 0;
    bool ok = expect(t, &compared);
    if (!ok && hg_context_status(t->ctx) != HG_DEVICE_LOST) {
        hg_log(t->ctx, HG_LOG_WARNING, "tuning: %s is left as it is: the plain variant gives no result to compare with%s%s",
               t->trials.decision.key, hg_failed(t->ctx) ? ": " : "", hg_message(t->ctx));
        hg_context_clear(t->ctx);
        return true;
    }
    t->n_list = 0;
    if (ok) hg_trials_ask(&t->trials, list_variants, t);
    const hg_pick usual = t->list[0];
    ok = ok && try_candidate(t, &usual, &best);
    const bool usual_works = best.plan != NULL;
    if (ok && !usual_works)
        hg_log(t->ctx, HG_LOG_WARNING, "tuning: the usual variant for %s fails on this device: it will not be used", t->trials.decision.key);
    ok = ok && try_list(t, &best) && descend(t, &best);
    if (ok && best.plan) ok = settle(t, usual_works ? &usual : NULL, &best);
    else if (ok) ok = keep(t, &compared, 0, 0); /* no time to find a right one, and the usual one is wrong */
    hg_attempt_end(&best);
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

/* Each operation gets a share of the time that is left, by its weight among those that are left. */
static bool tune_jobs(tuner *t, const job *jobs, int n)
{
    const double finish = t->params->seconds > 0 ? hg_now() + t->params->seconds : 0;
    double left = 0;
    bool ok = true;
    for (int i = 0; i < n; i++) left += jobs[i].weight;
    t->progress.operations = n;
    for (int i = 0; ok && i < n && !t->stopped; i++) {
        hg_trials_turn(&t->trials, &jobs[i].decision);
        t->progress.operation = i + 1;
        t->deadline = finish > 0 ? hg_now() + (finish - hg_now()) * jobs[i].weight / left : 0;
        left -= jobs[i].weight;
        if (finish > 0 && hg_now() > finish) ok = hg_tuning_set(t->tuning, t->trials.decision.key, t->trials.decision.pick, 0, 0);
        else ok = tune_operation(t);
    }
    return ok;
}

/* What tuning works on: the operations that are to be tuned, in `jobs`. */
typedef struct bench { hg_arena *arena; hg_arenas *arenas; job *jobs; int n; } bench;

static bool set_up(tuner *t, bench *b, hg_device *dev, const hg_model *model)
{
    const int batch = t->params->batch ? t->params->batch : model->batch;
    hg_plan *plan = NULL;
    *b = (bench){.arena = hg_arena_create(t->ctx)};
    bool ok = b->arena && (b->arenas = hg_arenas_create(dev, model, t->tuning, true, t->params->precision));
    ok = ok && hg_trials_open(&t->trials, b->arenas, dev, batch);
    ok = ok && (plan = hg_plan_prepare(b->arenas, HG_PURPOSE_TRAIN, batch, false)) && (b->jobs = list_jobs(t, plan, b->arena, &b->n));
    hg_plan_destroy(plan);
    return ok;
}

static void tear_down(tuner *t, bench *b)
{
    hg_trials_close(&t->trials);
    hg_arenas_destroy(b->arenas);
    hg_arena_destroy(b->arena);
}

bool hg_tune(hg_device *dev, const hg_model *model, hg_tuning *tuning, const hg_tune_params *params)
{
    static const hg_tune_params none;
    tuner t = {.ctx = hg_device_context(dev), .tuning = tuning, .params = params ? params : &none};
    bench b;
    if (!hg_tuning_take(tuning)) return false;
    const bool ok = set_up(&t, &b, dev, model) && tune_jobs(&t, b.jobs, b.n) && hg_tuning_save(tuning);
    tear_down(&t, &b);
    hg_tuning_release(tuning);
    return ok;
}

/* ---- beside another process */

typedef struct wanted { const char *text; hg_pick pick; bool found; } wanted;

static bool parse_wanted(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *unused)
{
    wanted *w = user;
    (void)unused;
    w->found = hg_pick_parse(operation, limits, problem, w->text, &w->pick);
    return false;
}

bool hg_tune_compile(hg_device *dev, const hg_model *model, const hg_tune_params *params,
                     bool (*next)(void *user, const char **key, const char **pick), void *user)
{
    hg_tune_params all = *params;
    all.again = true;
    tuner t = {.ctx = hg_device_context(dev), .params = &all};
    bench b;
    wanted w = {0};
    const char *key;
    bool ok = (t.tuning = hg_tuning_open(dev, NULL)) && set_up(&t, &b, dev, model);
    while (ok && next(user, &key, &w.text)) {
        for (int i = 0; i < b.n; i++)
            if (strcmp(b.jobs[i].decision.key, key) == 0) hg_trials_turn(&t.trials, &b.jobs[i].decision);
        if (!t.trials.decision.key || strcmp(t.trials.decision.key, key) != 0) continue;
        hg_trials_ask(&t.trials, parse_wanted, &w);
        if (w.found && hg_trials_compile(&t.trials, &w.pick)) continue;
        ok = hg_context_status(t.ctx) != HG_DEVICE_LOST;
        if (ok) hg_context_clear(t.ctx);
    }
    if (t.tuning) tear_down(&t, &b);
    hg_tuning_close(t.tuning);
    return ok;
}
