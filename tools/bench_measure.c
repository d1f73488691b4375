/* hourglass bench: the time of a model's steps. */
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "ahead.h"
#include "bench.h"
#include "tuning.h"

/* ---- the process's memory: Linux forgets an earlier peak when told to; elsewhere the peak is that of the process so far */

static void forget_peak(void)
{
#ifdef __GLIBC__
    malloc_trim(0); /* what compilers needed */
#endif
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

static uint64_t resident_peak(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

static uint64_t device_memory(const hg_net *net)
{
    hg_memory_row row;
    uint64_t sum = 0;
    for (int i = 0; hg_net_memory(net, i, &row); i++) sum += row.bytes;
    return sum;
}

/* ---- a subject */

/* A device of its own each time: then nothing is compiled before its time but what the driver keeps. */
bool bench_open(bench *b, const bench_device *device, const bench_model *model, const hg_dataset *data, hg_bench_mode mode,
                bench_subject *s)
{
    cli *c = b->c;
    double seconds;
    *s = (bench_subject){.data = data};
    s->device = hg_device_open(c->ctx, &(hg_device_params){.select = device->select, .kernel_dir = c->kernels, .variants = c->variants});
    if (!s->device) return false;
    if (!(s->tuning = cli_open_tuning(c, s->device))) return false;
    hg_net_params params = {.batch = b->batch, .inference = mode == HG_BENCH_INFER, .tuning = s->tuning};
    if (!cli_precision(c, NULL, &params.precision)) return false;
    double begin = hg_now();
    ahead others = {.n = 0};
    if (!(s->net = hg_net_create(s->device, model->model, &params))) return false;
    if (mode == HG_BENCH_TRAIN && ahead_pays(s->device, s->net)) /* as training does */
        ahead_start(&others, c, s->device, s->net, params.precision, c->tuning, model->name);
    const bool ok = (s->bench = hg_bench_create(s->net, data, mode)) && hg_bench_run(s->bench, 1, &seconds);
    s->first_ms = 1e3 * (hg_now() - begin);
    ahead_stop(&others);
    return ok;
}

void bench_close(bench_subject *s)
{
    hg_bench_destroy(s->bench);
    hg_net_destroy(s->net);
    hg_tuning_close(s->tuning);
    hg_device_close(s->device);
    *s = (bench_subject){0};
}

/* ---- one model in one mode */

static void show_progress(bench *b, const bench_device *device, const char *model, const char *what, int i)
{
    const char *text = hg_arena_format(b->c->arena, i ? "%s: %s %s, repetition %d of %d" : "%s: %s %s, first steps", device->name, model, what, i,
                                       b->repeats);
    if (text) cli_progress(b->c, text);
}

/* The steps up to the one whose loss is told; their time says how many make a repetition. In pieces, so that a signal is heard. */
static bool warm_up(bench *b, bench_subject *s, int64_t *per_repetition)
{
    double all = 0, seconds, last = 0;
    for (int64_t step = 1, n; step < BENCH_LOSS_STEP && !cli_caught; step += n) {
        n = last > 0 ? (int64_t)(0.3 / last) : 1;
        n = n < 1 ? 1 : n > BENCH_LOSS_STEP - step ? BENCH_LOSS_STEP - step : n;
        if (!hg_bench_run(s->bench, n, &seconds)) return false;
        last = seconds / (double)n;
        all += seconds;
    }
    double each = all / (BENCH_LOSS_STEP - 1), n = each > 0 ? b->seconds / each : 1;
    *per_repetition = n < 1 ? 1 : n > 1e9 ? 1000000000 : (int64_t)n;
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool repeat(bench *b, bench_subject *s, bench_result *r, int64_t steps)
{
    double *times = hg_alloc(b->c->ctx, (size_t)b->repeats, sizeof *times), seconds;
    bool ok = times != NULL;
    int n = 0;
    while (ok && n < b->repeats && !cli_caught) {
        show_progress(b, r->device, r->model, r->mode, n + 1);
        ok = hg_bench_run(s->bench, steps, &seconds);
        if (ok) times[n++] = 1e3 * seconds / (double)steps;
    }
    if (ok && n) {
        qsort(times, (size_t)n, sizeof *times, compare);
        r->ms = times[n / 2];
        r->ms_min = times[0];
        r->ms_max = times[n - 1];
    }
    hg_free(times);
    return ok;
}

static void count_costs(bench_subject *s, hg_plan_kind kind, bench_result *r)
{
    hg_launch_row row;
    for (int i = 0; hg_net_launch(s->net, kind, i, &row); i++) {
        r->gflop += 1e-9 * row.flops;
        r->gbyte += 1e-9 * row.bytes;
    }
}

/* The probes are as near to the repetitions as can be; the peak of the process is taken before them. */
static bool measure_steps(bench *b, bench_subject *s, hg_bench_mode mode, bench_result *r)
{
    int64_t steps;
    if (!warm_up(b, s, &steps)) return false;
    if (!cli_caught && !hg_bench_loss(s->bench, BENCH_LOSS_STEP, &r->loss)) return false;
    r->peak = resident_peak();
    r->memory = device_memory(s->net);
    count_costs(s, mode == HG_BENCH_TRAIN ? HG_PLAN_TRAIN : HG_PLAN_RECONSTRUCT, r);
    return hg_device_probe(s->device, &r->before) && repeat(b, s, r, steps) && hg_device_probe(s->device, &r->after);
}

/* The first opening is as a user finds it, cold or not; the second is warm. A result that a signal cut short is dropped. */
static bool measure_mode(bench *b, const bench_device *device, const bench_model *model, const hg_dataset *data, hg_bench_mode mode)
{
    const char *name = mode == HG_BENCH_TRAIN ? "train" : "infer";
    bench_result r = {.device = device, .model = model->name, .mode = name};
    bench_subject s;
    show_progress(b, device, model->name, name, 0);
    bool ok = bench_open(b, device, model, data, mode, &s);
    r.first_ms = s.first_ms;
    bench_close(&s);
    forget_peak();
    ok = ok && bench_open(b, device, model, data, mode, &s);
    r.warm_ms = s.first_ms;
    r.batch = s.net ? hg_net_batch(s.net) : 0;
    r.untuned = s.net ? hg_net_untuned(s.net) : 0;
    ok = ok && measure_steps(b, &s, mode, &r);
    bench_close(&s);
    bench_result *to = ok && !cli_caught ? bench_add(b) : NULL;
    if (to) *to = r;
    return ok;
}

static bool measure_layers(bench *b, const bench_device *device, const bench_model *model, const hg_dataset *data)
{
    bench_subject s;
    show_progress(b, device, model->name, "layers", 0);
    bool ok = bench_open(b, device, model, data, HG_BENCH_TRAIN, &s) && bench_measure_layers(b, device, model, &s);
    bench_close(&s);
    return ok;
}

static hg_dataset *make_data(bench *b, const hg_model *model)
{
    hg_dataset_params params = {.builtin_train = b->batch ? b->batch : hg_model_batch(model), .builtin_test = 1};
    hg_model_target(model, &params.channels, &params.height, &params.width);
    return hg_dataset_open(b->c->ctx, &params);
}

/* What went wrong becomes a result; true while the device may still serve. */
static bool note_failure(bench *b, const bench_device *device, const bench_model *model, const char *mode)
{
    hg_status status = hg_context_status(b->c->ctx);
    bench_add_failure(b, device, model, mode);
    return status != HG_DEVICE_LOST && status != HG_NO_DEVICE;
}

bool bench_measure(bench *b, const bench_device *device, const bench_model *model)
{
    static const char *const names[] = {"train", "infer"}; /* by hg_bench_mode */
    hg_dataset *data = make_data(b, model->model);
    bool working = true;
    if (!data) working = note_failure(b, device, model, "data");
    else if (b->layers) working = measure_layers(b, device, model, data) || note_failure(b, device, model, "layers");
    for (int mode = 0; data && !b->layers && mode < 2 && working && !cli_caught; mode++)
        working = measure_mode(b, device, model, data, (hg_bench_mode)mode) || note_failure(b, device, model, names[mode]);
    hg_dataset_close(data);
    return working;
}
