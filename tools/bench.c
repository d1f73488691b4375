/* hourglass bench: devices compared by the models that they train and run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

static struct {
    cli_texts devices;
    const char *models, *json, *chart;
    int64_t batch, repeats;
    double seconds;
    bool all, layers, compare;
} o = {.repeats = 5, .seconds = 0.4};

static const cli_option options[] = {
    {"device", CLI_TEXTS, &o.devices, 0, 0, "SEL",
     "auto (default), an index, gpu, cpu, or part of a name; may be given several times"},
    {"all", CLI_FLAG, &o.all, 0, 0, NULL, "every usable device"},
    {"models", CLI_TEXT, &o.models, 0, 0, "M,M",
     "built-in models or model files, or `all` the built-in ones; default the benchmarks m1, m2 ..."},
    {"layers", CLI_FLAG, &o.layers, 0, 0, NULL, "layer by layer: forward, data gradient, weight gradient"},
    {"batch", CLI_INT, &o.batch, 1, 1 << 20, "N", "examples per step; default the model's"},
    {"repeats", CLI_INT, &o.repeats, 1, 1000, "N", "repetitions, of which the median counts; default 5"},
    {"seconds", CLI_FLOAT, &o.seconds, 0, 3600, "X", "of a repetition, at least a step; default 0.4"},
    {"json", CLI_TEXT, &o.json, 0, 0, "FILE", "writes the results as JSON"},
    {"chart", CLI_TEXT, &o.chart, 0, 0, "FILE.png|FILE.svg", "draws them as bars"},
    {"compare", CLI_FLAG, &o.compare, 0, 0, NULL, "measures nothing: how many times as fast are the results in B.json as those in A.json?"},
    {0},
};

/* ---- results */

bench_result *bench_add(bench *b)
{
    if (b->n_results == b->room) {
        int room = b->room ? 2 * b->room : 32;
        bench_result *grown = hg_resize(b->c->ctx, b->results, (size_t)room, sizeof *grown);
        if (!grown) return NULL;
        b->results = grown;
        b->room = room;
    }
    bench_result *r = &b->results[b->n_results++];
    *r = (bench_result){.loss = NAN};
    return r;
}

void bench_add_failure(bench *b, const bench_device *device, const bench_model *model, const char *mode)
{
    hg_context *ctx = b->c->ctx;
    hg_status status = hg_context_status(ctx);
    const char *message = hg_arena_text(b->c->arena, hg_message(ctx));
    bench_result *r = message ? bench_add(b) : NULL;
    if (!r) return; /* no host memory: the failure stays, and ends everything */
    r->device = device;
    r->model = model->name;
    r->mode = mode;
    r->status = status;
    r->message = message;
    hg_context_clear(ctx);
}

hg_roofs bench_roofs(const bench_result *r)
{
    return (hg_roofs){(r->before.flops + r->after.flops) / 2, (r->before.bytes + r->after.bytes) / 2};
}

static bool differ(double a, double b) { return fabs(a - b) > 0.15 * fmin(a, b); }

bool bench_is_unsteady(const bench_result *r)
{
    return differ(r->before.flops, r->after.flops) || differ(r->before.bytes, r->after.bytes);
}

double bench_share(const bench_result *r)
{
    if (r->ms <= 0) return 0;
    return r->layer ? r->floor_ms / r->ms : r->gflop / r->ms * 1e12 / bench_roofs(r).flops;
}

const char *bench_temperature(const bench_result *r) { return r->first_ms > 3 * r->warm_ms ? "cold" : "warm"; }

/* ---- what is measured */

static bool add_model(bench *b, const char *name)
{
    for (int i = 0; i < b->n_models; i++)
        if (strcmp(b->models[i].name, name) == 0) return true;
    hg_model *model = cli_open_model(b->c, name);
    if (model) b->models[b->n_models++] = (bench_model){name, model};
    return model != NULL;
}

/* The benchmarks among the built-in models are those whose first line says so. */
static bool add_builtin(bench *b, bool all)
{
    cli_builtin builtin;
    for (int i = 0; cli_builtin_at(b->c, i, &builtin); i++)
        if ((all || strncmp(builtin.about, "Benchmark:", 10) == 0) && !add_model(b, builtin.name)) return false;
    return !hg_failed(b->c->ctx);
}

static bool choose_models(bench *b)
{
    cli *c = b->c;
    int n = 1;
    for (const char *p = o.models ? o.models : ""; *p; p++) n += *p == ',';
    for (cli_builtin builtin; cli_builtin_at(c, n, &builtin);) n++; /* room for either */
    if (!(b->models = hg_arena_alloc(c->arena, (size_t)n + 64, sizeof *b->models))) return false;
    if (!o.models || strcmp(o.models, "all") == 0) return add_builtin(b, o.models != NULL);
    for (const char *p = o.models, *end; p; p = *end ? end + 1 : NULL) {
        end = p + strcspn(p, ",");
        const char *name = hg_arena_format(c->arena, "%.*s", (int)(end - p), p);
        if (!name) return false;
        if (!*name) return hg_fail(c->ctx, HG_USAGE, "--models %s: a name is empty; expected names with commas between, such as m1,m2", o.models);
        if (!add_model(b, name)) return false;
    }
    return true;
}

static bool add_device(bench *b, const hg_device_info *info)
{
    hg_arena *arena = b->c->arena;
    bench_device d = {hg_arena_format(arena, "%d", info->index), hg_arena_text(arena, info->name), hg_arena_text(arena, info->driver),
                      hg_arena_text(arena, info->platform)};
    if (!d.select || !d.name || !d.driver || !d.platform) return false;
    for (int i = 0; i < b->n_devices; i++)
        if (strcmp(b->devices[i].select, d.select) == 0) return true;
    b->devices[b->n_devices++] = d;
    return true;
}

static bool choose_all(bench *b)
{
    hg_device_list *list = hg_devices(b->c->ctx);
    int n = list ? hg_devices_count(list) : 0;
    b->devices = hg_arena_alloc(b->c->arena, (size_t)n + 1, sizeof *b->devices);
    bool ok = list && b->devices;
    for (int i = 0; ok && i < n; i++)
        if (hg_devices_at(list, i)->usable) ok = add_device(b, hg_devices_at(list, i));
    hg_devices_destroy(list);
    if (ok && !b->n_devices) hg_fail(b->c->ctx, HG_NO_DEVICE, "--all: there is no usable OpenCL device; see hourglass devices");
    return ok && b->n_devices;
}

static bool choose_devices(bench *b)
{
    cli *c = b->c;
    int n = o.devices.n ? o.devices.n : 1;
    if (o.all && o.devices.n) return hg_fail(c->ctx, HG_USAGE, "--all means every device: leave out --device");
    if (o.all) return choose_all(b);
    if (!(b->devices = hg_arena_alloc(c->arena, (size_t)n, sizeof *b->devices))) return false;
    for (int i = 0; i < n; i++) {
        c->device = o.devices.n ? o.devices.at[i] : NULL;
        hg_device *device = cli_open_device(c, NULL);
        bool ok = device && add_device(b, hg_device_get_info(device));
        hg_device_close(device);
        if (!ok) return false;
    }
    return true;
}

/* ---- the verb */

static void measure(bench *b)
{
    cli *c = b->c;
    for (int d = 0; d < b->n_devices; d++) {
        bool working = true;
        bench_print_heading(b, &b->devices[d]);
        for (int m = 0; m < b->n_models && working && !cli_caught && !hg_failed(c->ctx); m++) {
            int first = b->n_results;
            working = bench_measure(b, &b->devices[d], &b->models[m]);
            bench_print_results(b, first);
        }
        if (!working && !hg_failed(c->ctx)) cli_say(c, "hourglass: warning: %s: its other models are left out", b->devices[d].name);
        bench_print_roofs(b, &b->devices[d]);
        if (cli_caught || hg_failed(c->ctx)) return;
    }
}

/* The exit status is that of the first failure. */
static bool report_failures(const bench *b)
{
    const bench_result *first = NULL;
    int n = 0;
    for (int i = 0; i < b->n_results; i++) {
        if (b->results[i].status == HG_OK) continue;
        if (!n++) first = &b->results[i];
    }
    if (!n) return true;
    return hg_fail(b->c->ctx, first->status, "bench: %d of %d measurements failed; the first was %s of %s on %s: %s", n, b->n_results,
                   first->mode, first->model, first->device->name, first->message);
}

static void warn(const bench *b)
{
    int unsteady = 0;
    for (int i = 0; i < b->n_results; i++) unsteady += b->results[i].status == HG_OK && bench_is_unsteady(&b->results[i]);
    if (unsteady)
        cli_say(b->c, "hourglass: warning: the machine is unsteady: around %d of %d results (marked ~) the roofs before and after differ by more "
                "than 15 %%; compare shares, and repeat when nothing else runs", unsteady, b->n_results);
}

static bool measure_and_report(bench *b)
{
    cli *c = b->c;
    if (!choose_models(b) || !choose_devices(b)) return false;
    cli_watch_signals(c, "\nending after the repetition; once more ends at once\n");
    c->quiet = !c->verbose;
    measure(b);
    if (cli_caught) {
        c->signal = cli_caught;
        cli_say(c, "stopped by %s after %d measurements", cli_caught == SIGINT ? "Ctrl-C" : "SIGTERM", b->n_results);
    }
    warn(b);
    if (hg_failed(c->ctx)) return false;
    bool written = (!o.json || bench_write_json(b, o.json)) && (!o.chart || bench_draw(b, o.chart));
    return written && report_failures(b);
}

static bool compare(cli *c)
{
    if (o.all || o.devices.n || o.models || o.layers || o.json || o.chart || o.batch)
        return hg_fail(c->ctx, HG_USAGE, "--compare reads two files and measures nothing: leave out the other options");
    if (c->n_args != 2) return hg_fail(c->ctx, HG_USAGE, "--compare needs two files: hourglass bench --compare A.json B.json");
    return bench_compare(c, c->args);
}

static bool run(cli *c)
{
    if (o.compare) return compare(c);
    if (c->n_args) return hg_fail(c->ctx, HG_USAGE, "bench: what is '%s' for? Models go behind --models, two files behind --compare", c->args[0]);
    if (o.layers && o.chart) return hg_fail(c->ctx, HG_USAGE, "--chart draws whole models: leave out --layers or --chart");
    if (!cli_check_file(c, "json", o.json, NULL) || !cli_check_file(c, "chart", o.chart, cli_chart)) return false;
    bench b = {.c = c, .batch = (int)o.batch, .repeats = (int)o.repeats, .seconds = o.seconds, .layers = o.layers};
    bool ok = measure_and_report(&b);
    for (int i = 0; i < b.n_models; i++) hg_model_destroy(b.models[i].model);
    hg_free(b.results);
    return ok;
}

const cli_verb cli_verb_bench = {
    .name = "bench", .arguments = "[--compare A.json B.json]",
    .help = "Compares devices: pictures per second in training and inference, GFLOP/s, share of the device's measured roof.",
    .options = options, .groups = CLI_KERNELS, .max_args = 2, .run = run,
};
