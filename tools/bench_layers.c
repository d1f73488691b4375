/* hourglass bench --layers: forward, data gradient and weight gradient of every layer against the roof that applies. */
#include <math.h>
#include <string.h>
#include "bench.h"

static const char *const modes[] = {"forward", "data gradient", "weight gradient", "update"}; /* by hg_direction */

/* The kind of the layer of that name; "" for what is no layer (loss, optimizer). */
static const char *kind_of(cli *c, const hg_model *model, const char *name)
{
    hg_layer_row row;
    for (int i = 0; hg_model_layer(model, i, &row); i++)
        if (strcmp(row.name, name) == 0) return hg_arena_text(c->arena, row.layer);
    return "";
}

/* The result that a launch belongs to, found among those from `first` on, or a new one. A label begins with the layer's name. */
static bench_result *result_of(bench *b, int first, const bench_result *like, const hg_model *model, const hg_launch_row *launch)
{
    const char *name = hg_arena_format(b->c->arena, "%.*s", (int)strcspn(launch->label, " "), launch->label);
    const char *mode = modes[launch->direction];
    for (int i = first; name && i < b->n_results; i++)
        if (strcmp(b->results[i].layer, name) == 0 && strcmp(b->results[i].mode, mode) == 0) return &b->results[i];
    const char *kind = name ? kind_of(b->c, model, name) : NULL;
    bench_result *r = kind ? bench_add(b) : NULL;
    if (!r) return NULL;
    *r = *like;
    r->layer = name;
    r->kind = kind;
    r->mode = mode;
    return r;
}

enum { STEPS_EACH = 4 }; /* for each of the repetitions that were asked for */

bool bench_measure_layers(bench *b, const bench_device *device, const bench_model *model, bench_subject *s)
{
    bench_result like = {.device = device, .model = model->name, .batch = hg_net_batch(s->net), .loss = NAN};
    hg_launch_row row;
    double whole;
    int first = b->n_results;
    if (!hg_device_probe(s->device, &like.before)) return false;
    if (!hg_net_time(s->net, HG_PLAN_TRAIN, STEPS_EACH * b->repeats, &whole)) return false;
    if (!hg_device_probe(s->device, &like.after)) return false;
    const hg_roofs roofs = bench_roofs(&like);
    for (int i = 0; hg_net_launch(s->net, HG_PLAN_TRAIN, i, &row); i++) {
        bench_result *r = result_of(b, first, &like, model->model, &row);
        if (!r) return false;
        r->ms += 1e3 * row.seconds;
        r->ms_min += 1e3 * row.seconds_min;
        r->ms_max += 1e3 * row.seconds_max;
        r->gflop += 1e-9 * row.flops;
        r->gbyte += 1e-9 * row.bytes;
    }
    for (int i = first; i < b->n_results; i++) {
        bench_result *r = &b->results[i];
        double by_flops = 1e12 * r->gflop / roofs.flops, by_bytes = 1e12 * r->gbyte / roofs.bytes;
        r->floor_ms = by_flops > by_bytes ? by_flops : by_bytes;
    }
    return true;
}
