#include "base/clock.h"
#include "progress.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void progress_begin(progress *p)
{
    p->began = p->base_time = hg_now();
    p->base_step = p->seen = p->started;
}

double progress_elapsed(const progress *p)
{
    return hg_now() - p->began;
}

/* Pictures per second over the epoch so far: the trainer's are those since its last report. */
static double rate(progress *p, const hg_progress *s)
{
    double pictures = (double)(s->step - p->seen) * p->batch;
    if (pictures > 0 && s->images_per_second > 0) {
        p->epoch_pictures += pictures;
        p->epoch_seconds += pictures / s->images_per_second;
    }
    p->seen = s->step;
    return p->epoch_seconds > 0 ? p->epoch_pictures / p->epoch_seconds : s->images_per_second;
}

static double time_left(const progress *p, const hg_progress *s)
{
    int64_t done = s->step - p->base_step;
    return done > 0 ? (hg_now() - p->base_time) / (double)done * (double)(s->steps - s->step) : s->seconds_left;
}

static void show_line(progress *p, const hg_progress *s)
{
    char text[256], speed[32], left[32];
    snprintf(text, sizeof text, "epoch %d/%d  step %lld/%lld  loss %.5g  %s pictures/s  %s left", s->epoch, s->epochs,
             (long long)s->epoch_step, (long long)s->epoch_steps, s->train.loss,
             cli_count(speed, (int64_t)rate(p, s)), cli_duration(left, time_left(p, s)));
    cli_progress(p->c, text);
}

static int add_parts(char *text, size_t size, const progress *p, const hg_losses *l)
{
    bool penalty = l->penalty != 0, adversarial = hg_model_is_adversarial(p->model), variational = hg_model_is_variational(p->model);
    if (!variational && !adversarial && !penalty) return 0;
    int n = snprintf(text, size, " (reconstruction %.5g", l->reconstruction);
    if (variational) n += snprintf(text + n, size - (size_t)n, ", kl %.5g", l->kl);
    if (penalty) n += snprintf(text + n, size - (size_t)n, ", penalty %.5g", l->penalty);
    if (adversarial) n += snprintf(text + n, size - (size_t)n, ", discriminator %.5g, generator %.5g", l->discriminator, l->generator);
    return n + snprintf(text + n, size - (size_t)n, ")");
}

static void show_epoch(progress *p, const hg_progress *s)
{
    char text[512], speed[32], left[32];
    int n = snprintf(text, sizeof text, "epoch %d/%d  ", s->epoch, s->epochs);
    if (!s->epoch_done)
        n += snprintf(text + n, sizeof text - (size_t)n, "step %lld/%lld  ", (long long)s->epoch_step, (long long)s->epoch_steps);
    n += snprintf(text + n, sizeof text - (size_t)n, "loss %.5g", s->train.loss);
    n += add_parts(text + n, sizeof text - (size_t)n, p, &s->train);
    if (s->epoch_done && isfinite(s->val.loss)) {
        n += snprintf(text + n, sizeof text - (size_t)n, "  val_loss %.5g", s->val.loss);
        n += add_parts(text + n, sizeof text - (size_t)n, p, &s->val);
    }
    cli_say(p->c, "%s  %s pictures/s  %s left", text, cli_count(speed, (int64_t)rate(p, s)),
            cli_duration(left, time_left(p, s)));
    p->epoch_pictures = p->epoch_seconds = 0;
    if (p->base_step > p->started) return;
    p->base_step = s->step; /* what was compiled on the way is no measure for the rest */
    p->base_time = hg_now();
}

bool progress_callback(void *user, const hg_progress *state)
{
    progress *p = user;
    p->last = *state;
    if (state->epoch_done || state->step == state->steps) { /* --steps may end within an epoch */
        show_epoch(p, state);
        if (hg_now() - p->drawn > 3 && !progress_draw(p)) return false;
    } else {
        show_line(p, state);
    }
    return !*p->stop;
}

/* ---- curves */

enum { TRAIN, VALIDATION, BATCH, CURVES };

typedef struct points { double *x, *y; int n; } points;

static bool add_point(cli *c, points *p, double x, double y)
{
    if (!isfinite(y)) return true;
    if ((p->n & (p->n - 1)) == 0) { /* a power of two: double */
        size_t room = p->n ? 2 * (size_t)p->n : 1;
        double *px = hg_resize(c->ctx, p->x, room, sizeof *px);
        if (px) p->x = px;
        double *py = px ? hg_resize(c->ctx, p->y, room, sizeof *py) : NULL;
        if (!py) return false;
        p->y = py;
    }
    p->x[p->n] = x;
    p->y[p->n++] = y;
    return true;
}

/* One record of log.jsonl; those with val_loss are epochs, the others steps. */
static bool add_record(cli *c, const json_t *record, points curves[CURVES])
{
    double step = json_number_value(json_object_get(record, "step"));
    const json_t *loss = json_object_get(record, "loss"), *val = json_object_get(record, "val_loss");
    double y = json_is_number(loss) ? json_number_value(loss) : NAN;
    if (!val) return add_point(c, &curves[BATCH], step, y);
    return add_point(c, &curves[TRAIN], step, y) &&
           add_point(c, &curves[VALIDATION], step, json_is_number(val) ? json_number_value(val) : NAN);
}

bool progress_draw(progress *p)
{
    cli *c = p->c;
    const char *dir = p->dir;
    points curves[CURVES] = {{0}};
    const char *log = hg_arena_format(c->arena, "%s/log.jsonl", dir),
               *picture = hg_arena_format(c->arena, "%s/loss.png", dir);
    FILE *file = log && picture ? fopen(log, "r") : NULL;
    json_t *record;
    bool ok = true;
    while (file && ok && (record = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL))) {
        ok = add_record(c, record, curves);
        json_decref(record);
    }
    if (file) fclose(file);
    static const char *const names[CURVES] = {"training", "validation", "batch"};
    hg_curve drawn[CURVES];
    int n = 0;
    double low = INFINITY, high = 0;
    for (int i = 0; i < (curves[TRAIN].n < 3 ? CURVES : BATCH); i++) { /* batches until epochs say enough */
        if (curves[i].n) drawn[n++] = (hg_curve){names[i], curves[i].n, curves[i].x, curves[i].y};
        for (int k = 0; k < curves[i].n; k++) low = fmin(low, curves[i].y[k]), high = fmax(high, curves[i].y[k]);
    }
    const char *slash = strrchr(dir, '/');
    const hg_curves_params params = {
        .title = slash && slash[1] ? slash + 1 : dir, .x_label = "step", .y_label = "loss", .log_y = low > 0 && high > 20 * low};
    if (ok && n) ok = hg_plot_curves(c->ctx, picture, drawn, n, &params);
    for (int i = 0; i < CURVES; i++) {
        hg_free(curves[i].x);
        hg_free(curves[i].y);
    }
    p->drawn = hg_now();
    return ok;
}
