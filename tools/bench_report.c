/* hourglass bench: the table, the JSON and the chart. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "bench.h"
#include "figures.h"

static double per_second(const bench_result *r) { return r->ms > 0 ? 1e3 * r->batch / r->ms : 0; }
static double rate(double giga, double ms) { return ms > 0 ? 1e3 * giga / ms : 0; }
static const char *mark(const bench_result *r) { return bench_is_unsteady(r) ? "~" : ""; }

/* ---- the table, 120 columns at most */

void bench_print_heading(const bench *b, const bench_device *device)
{
    printf("device %s: %s (%s, %s)\n", device->select, device->name, device->platform, device->driver);
    if (b->layers)
        printf("%-8s %-28s %-15s %8s %8s %9s %8s %-5s %8s %6s %6s\n",
               "model", "layer", "direction", "MFLOP", "MB", "us", "floor us", "by", "GFLOP/s", "GB/s", "share");
    else
        printf("%-9s %-5s %5s %8s %15s %9s %7s %6s %6s %-11s %7s %7s %9s\n",
               "model", "mode", "batch", "ms/step", "(min to max)", "images/s", "GFLOP/s", "GB/s", "share", "first step", "dev MiB",
               "RSS MiB", "loss");
    fflush(stdout);
}

static void print_layer(const bench_result *r)
{
    const hg_roofs roofs = bench_roofs(r);
    char layer[64];
    snprintf(layer, sizeof layer, "%s %s", r->layer, r->kind);
    const char *by = r->gflop / roofs.flops >= r->gbyte / roofs.bytes ? "FLOP" : "bytes";
    printf("%-8.8s %-28.28s %-15s %8.2f %8.2f %9.1f %8.1f %-5s %8.1f %6.1f ",
           r->model, layer, r->mode, 1e3 * r->gflop, 1e3 * r->gbyte, 1e3 * r->ms, 1e3 * r->floor_ms, by, rate(r->gflop, r->ms),
           rate(r->gbyte, r->ms));
    if (r->floor_ms > 0) printf("%5.0f%%%s\n", 100 * bench_share(r), mark(r));
    else printf("%6s\n", "-");
}

static void print_model(const bench_result *r)
{
    char spread[32], first[32];
    snprintf(spread, sizeof spread, "%.4g to %.4g", r->ms_min, r->ms_max);
    snprintf(first, sizeof first, "%.2f s %s", 1e-3 * r->first_ms, bench_temperature(r));
    printf("%-9.9s %-5s %5d %8.4g %15s %9.0f %7.1f %6.1f %5.1f%% %-11s %7.1f %7.1f %9.4g%s\n",
           r->model, r->mode, r->batch, r->ms, spread, per_second(r), rate(r->gflop, r->ms), rate(r->gbyte, r->ms),
           100 * bench_share(r), first, (double)r->memory / (1 << 20), (double)r->peak / (1 << 20), r->loss, mark(r));
}

void bench_print_results(const bench *b, int first)
{
    for (int i = first; i < b->n_results; i++) {
        const bench_result *r = &b->results[i];
        if (r->status != HG_OK) printf("%-9.9s %-5s failed: %.*s\n", r->model, r->mode, (int)strcspn(r->message, "\n"), r->message);
        else if (r->layer) print_layer(r);
        else print_model(r);
    }
    fflush(stdout);
}

void bench_print_roofs(const bench *b, const bench_device *device)
{
    hg_roofs low = {INFINITY, INFINITY}, high = {0};
    for (int i = 0; i < b->n_results; i++) {
        const bench_result *r = &b->results[i];
        if (r->device != device || r->status != HG_OK) continue;
        low = (hg_roofs){fmin(low.flops, fmin(r->before.flops, r->after.flops)), fmin(low.bytes, fmin(r->before.bytes, r->after.bytes))};
        high = (hg_roofs){fmax(high.flops, fmax(r->before.flops, r->after.flops)), fmax(high.bytes, fmax(r->before.bytes, r->after.bytes))};
    }
    if (high.flops > 0)
        printf("roofs: multiply-adds %.4g to %.4g GFLOP/s, copying %.4g to %.4g GB/s\n",
               1e-9 * low.flops, 1e-9 * high.flops, 1e-9 * low.bytes, 1e-9 * high.bytes);
    putchar('\n');
    fflush(stdout);
}

/* ---- JSON */

static json_t *result_json(const bench_result *r)
{
    const hg_roofs roofs = bench_roofs(r);
    json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                               "device", r->device->name, "driver", r->device->driver, "model", r->model, "batch", r->batch,
                               "mode", r->mode, "layer", r->layer, "kind", r->kind,
                               "ms_per_step", figure(r->ms), "ms_min", figure(r->ms_min), "ms_max", figure(r->ms_max),
                               "images_per_second", figure(per_second(r)), "gflop_per_step", figure(r->gflop),
                               "gflops", figure(rate(r->gflop, r->ms)), "gbs", figure(rate(r->gbyte, r->ms)),
                               "roof_gflops", figure(1e-9 * roofs.flops), "roof_gbs", figure(1e-9 * roofs.bytes),
                               "share", figure(bench_share(r)), "loss", figure(r->loss));
    json_t *more = json_pack("{s:s, s:s, s:o, s:b, s:[o, o], s:[o, o]}",
                             "device_index", r->device->select, "platform", r->device->platform,
                             "gbyte_per_step", figure(r->gbyte), "unsteady", bench_is_unsteady(r),
                             "roof_gflops_before_after", figure(1e-9 * r->before.flops), figure(1e-9 * r->after.flops),
                             "roof_gbs_before_after", figure(1e-9 * r->before.bytes), figure(1e-9 * r->after.bytes));
    json_t *own = r->layer ? json_pack("{s:o}", "floor_ms", figure(r->floor_ms))
                           : json_pack("{s:o, s:o, s:s, s:I, s:I, s:i, s:i}",
                                       "first_step_ms", figure(r->first_ms), "first_step_warm_ms", figure(r->warm_ms),
                                       "first_step", bench_temperature(r), "device_bytes", (json_int_t)r->memory,
                                       "peak_resident_bytes", (json_int_t)r->peak, "loss_step", BENCH_LOSS_STEP,
                                       "untuned_operations", r->untuned);
    if (object && more && own) {
        json_object_update(object, more);
        json_object_update(object, own);
        if (!r->layer) json_object_del(object, "layer"), json_object_del(object, "kind");
    } else {
        json_decref(object);
        object = NULL;
    }
    json_decref(more);
    json_decref(own);
    return object;
}

static json_t *failure_json(const bench_result *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s}",
                     "device", r->device->name, "driver", r->device->driver, "model", r->model, "mode", r->mode,
                     "status", (int)r->status, "message", r->message);
}

bool bench_write_json(const bench *b, const char *path)
{
    cli *c = b->c;
    char date[32] = "";
    time_t clock = time(NULL);
    struct tm utc;
    if (gmtime_r(&clock, &utc)) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *results = json_array(), *failures = json_array();
    bool ok = results && failures;
    for (int i = 0; ok && i < b->n_results; i++) {
        const bench_result *r = &b->results[i];
        ok = (r->status == HG_OK ? json_array_append_new(results, result_json(r)) : json_array_append_new(failures, failure_json(r))) == 0;
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "version", HG_VERSION, "date", date, "command", c->command, "interrupted",
                             c->signal != 0, "results", results, "failures", failures);
    char *text = ok && root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (!text) return hg_fail(c->ctx, HG_INTERNAL, "--json %s: no memory, or a name or the command line is not UTF-8", path);
    ok = hg_file_write(c->ctx, path, text, strlen(text));
    free(text);
    return ok;
}

/* ---- the chart: a panel a mode, a group a model, a bar a device */

static const char *short_number(hg_arena *arena, double value)
{
    return value < 999.5 ? hg_arena_format(arena, "%.3g", value) : value < 999500 ? hg_arena_format(arena, "%.3gk", 1e-3 * value)
                                                                                  : hg_arena_format(arena, "%.3gM", 1e-6 * value);
}

static const bench_result *find(const bench *b, int device, int model, const char *mode)
{
    for (int i = 0; i < b->n_results; i++) {
        const bench_result *r = &b->results[i];
        if (r->device != &b->devices[device] || r->model != b->models[model].name) continue;
        if (strcmp(r->mode, mode) == 0 && r->status == HG_OK) return r;
    }
    return NULL;
}

/* Devices of very different speed share a logarithmic axis. */
static bool spans_decades(const hg_bar *bars, int n)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < n; i++)
        if (bars[i].value > 0) low = fmin(low, bars[i].value), high = fmax(high, bars[i].value);
    return high > 50 * low;
}

static bool fill_panel(const bench *b, const char *mode, const char *title, const char *const *models, const char *const *devices,
                       hg_bars *panel)
{
    hg_arena *arena = b->c->arena;
    hg_bar *bars = hg_arena_alloc(arena, (size_t)(b->n_models * b->n_devices), sizeof *bars);
    for (int m = 0; bars && m < b->n_models; m++)
        for (int d = 0; d < b->n_devices; d++) {
            const bench_result *r = find(b, d, m, mode);
            bars[m * b->n_devices + d] = r ? (hg_bar){rate(r->gflop, r->ms), rate(r->gflop, r->ms_max), rate(r->gflop, r->ms_min),
                                                      short_number(arena, per_second(r))}
                                           : (hg_bar){.value = NAN};
        }
    if (!bars) return false;
    *panel = (hg_bars){title, "GFLOP/s", b->n_models, b->n_devices, models, devices, bars, spans_decades(bars, b->n_models * b->n_devices)};
    return true;
}

bool bench_draw(const bench *b, const char *path)
{
    hg_arena *arena = b->c->arena;
    const char **models = hg_arena_alloc(arena, (size_t)b->n_models, sizeof *models);
    const char **devices = hg_arena_alloc(arena, (size_t)b->n_devices, sizeof *devices);
    hg_bars panels[2];
    if (!models || !devices) return false;
    for (int m = 0; m < b->n_models; m++) models[m] = b->models[m].name;
    for (int d = 0; d < b->n_devices; d++) {
        const bench_device *device = &b->devices[d];
        if (!(devices[d] = hg_arena_format(arena, "%s: %s (%s)", device->select, device->name, device->platform))) return false;
    }
    return fill_panel(b, "train", "Training: GFLOP/s, and above the bars pictures per second", models, devices, &panels[0]) &&
           fill_panel(b, "infer", "Inference: GFLOP/s, and above the bars pictures per second", models, devices, &panels[1]) &&
           hg_plot_bars(b->c->ctx, path, panels, 2);
}
