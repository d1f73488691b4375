/* hourglass bench --compare: two files of results side by side. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "bench.h"

typedef struct entry {
    const char *device, *model, *mode, *layer; /* layer "": the whole model */
    json_int_t batch;
    double ms, rate;
    bool used;
} entry;

typedef struct side {
    const char *path, *date, *version;
    json_t *root; /* the texts live here */
    entry *entries;
    int n;
    bool several; /* devices */
} side;

/* ---- reading */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool read_entry(const json_t *object, entry *e)
{
    const json_t *rate = json_object_get(object, "images_per_second"), *ms = json_object_get(object, "ms_per_step");
    *e = (entry){text_of(object, "device"), text_of(object, "model"), text_of(object, "mode"), text_of(object, "layer"),
                 json_integer_value(json_object_get(object, "batch")), json_number_value(ms), json_number_value(rate), false};
    return *e->device && *e->model && *e->mode && e->ms > 0 && e->rate > 0;
}

static bool read_entries(cli *c, side *s)
{
    const json_t *results = json_object_get(s->root, "results");
    s->date = text_of(s->root, "date");
    s->version = text_of(s->root, "version");
    if (!json_is_array(results) || !*s->version)
        return hg_fail(c->ctx, HG_BAD_INPUT,
                       "%s: is no file of results: it has no \"version\" and \"results\"; expected what `hourglass bench --json` writes",
                       s->path);
    if (!json_array_size(results))
        return hg_fail(c->ctx, HG_BAD_INPUT, "%s: has no results: run `hourglass bench --json %s` again", s->path, s->path);
    if (!(s->entries = hg_arena_alloc(c->arena, json_array_size(results), sizeof *s->entries))) return false;
    for (size_t i = 0; i < json_array_size(results); i++) {
        entry *e = &s->entries[s->n++];
        if (!read_entry(json_array_get(results, i), e))
            return hg_fail(c->ctx, HG_BAD_INPUT,
                           "%s: result %zu lacks a device, model or mode, or its ms_per_step and images_per_second are no positive numbers",
                           s->path, i);
        s->several |= strcmp(e->device, s->entries[0].device) != 0;
    }
    return true;
}

static bool read_side(cli *c, const char *path, side *s)
{
    enum { LIMIT = 64 << 20 };
    uint8_t *data = NULL;
    size_t length;
    json_error_t error;
    *s = (side){.path = path};
    if (!hg_file_read(c->ctx, path, LIMIT, &data, &length)) return false;
    s->root = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, &error);
    hg_free(data);
    if (!s->root)
        return hg_fail(c->ctx, HG_BAD_INPUT, "%s: line %d, column %d: is no JSON: %s", path, error.line, error.column, error.text);
    return read_entries(c, s);
}

/* ---- comparing */

/* The same model, mode and layer; of a file with several devices the same device too. Each is used once, so that twins pair up. */
static entry *partner(side *b, const entry *a, bool by_device)
{
    for (int i = 0; i < b->n; i++) {
        entry *e = &b->entries[i];
        if (e->used || strcmp(e->model, a->model) != 0 || strcmp(e->mode, a->mode) != 0 || strcmp(e->layer, a->layer) != 0) continue;
        if (!by_device || strcmp(e->device, a->device) == 0) return e;
    }
    return NULL;
}

static void print_side(const char *letter, const side *s)
{
    printf("%s: %s, %s, hourglass %s, %s%s\n", letter, s->path, s->date, s->version, s->entries[0].device, s->several ? " and others" : "");
}

static void print_pair(const entry *a, const entry *b, bool by_device)
{
    char batch[48], name[128];
    snprintf(batch, sizeof batch, a->batch == b->batch ? "%lld" : "%lld:%lld", (long long)a->batch, (long long)b->batch);
    snprintf(name, sizeof name, "%s%s%s", a->model, *a->layer ? " " : "", a->layer);
    printf("%-26.26s %-15s %8s %10.4g %10.4g %11.1f %11.1f %8.3f", name, a->mode, batch, a->ms, b->ms, a->rate, b->rate, b->rate / a->rate);
    printf(by_device ? "  %.40s\n" : "\n", a->device);
}

/* Prints the pairs; their number and the sum of the ratios' logarithms. */
static int print_pairs(side *a, side *b, double *logs)
{
    bool by_device = a->several || b->several;
    int pairs = 0;
    for (int i = 0; i < a->n; i++) {
        entry *with = partner(b, &a->entries[i], by_device);
        if (!with) continue;
        if (!pairs++) {
            print_side("A", a);
            print_side("B", b);
            printf("%-26s %-15s %8s %10s %10s %11s %11s %8s\n",
                   "model", "mode", "batch", "A ms", "B ms", "A images/s", "B images/s", "B / A");
        }
        a->entries[i].used = with->used = true;
        print_pair(&a->entries[i], with, by_device);
        *logs += log(with->rate / a->entries[i].rate);
    }
    return pairs;
}

static bool compare(cli *c, side *a, side *b)
{
    double logs = 0;
    int pairs = print_pairs(a, b, &logs);
    if (!pairs) {
        const entry *one = a->entries, *other = b->entries;
        return hg_fail(c->ctx, HG_BAD_INPUT,
                       "%s and %s have no result in common: %s of %s on %s here, %s of %s on %s there; measure the same models%s",
                       a->path, b->path, one->mode, one->model, one->device, other->mode, other->model, other->device,
                       a->several || b->several ? " on the same devices, or one device in each file" : "");
    }
    printf("%-26s %-15s %8d %10s %10s %11s %11s %8.3f\n", "geometric mean", "of results", pairs, "", "", "", "", exp(logs / pairs));
    if (pairs < a->n || pairs < b->n)
        cli_say(c, "hourglass: warning: %d results of %s and %d of %s have no partner in the other file",
                a->n - pairs, a->path, b->n - pairs, b->path);
    return true;
}

bool bench_compare(cli *c, const char *const paths[2])
{
    side a, b = {0};
    bool ok = read_side(c, paths[0], &a) && read_side(c, paths[1], &b) && compare(c, &a, &b);
    json_decref(a.root);
    json_decref(b.root);
    return ok;
}
