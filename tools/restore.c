#include "restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "figures.h"
#include "open.h"
#include "pictures.h"
#include "quality.h"

static struct { const char *out, *out_dir; int64_t count, label; cli_texts pictures; bool json; } o = {.count = 10, .label = -1};

const cli_option restore_options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the rows"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many pictures in the rows; default 10"},
    {"pictures", CLI_TEXTS, &o.pictures, 0, 0, "FILE|DIR",
     "PNG files of your own, of any size, instead of test pictures; may be given several times"},
    {"out-dir", CLI_TEXT, &o.out_dir, 0, 0, "DIR", "write the results as PNG files into this folder"},
    CLI_LABEL(&o.label),
    {"json", CLI_FLAG, &o.json, 0, 0, NULL, "the figures as JSON"},
    {0},
};

/* ---- the steps: what there is without the model, and last what the model makes; all in the output's shape */

enum { MOST = 3 };
typedef struct steps { int n; const char *names[MOST]; float *x[MOST]; } steps;

/* The names stay. */
static void steps_free(steps *s)
{
    for (int i = 0; i < MOST; i++) {
        hg_free(s->x[i]);
        s->x[i] = NULL;
    }
}

/* Of n inputs x [n, in] of the net, with labels [n] where it is told them. The first way to enlarge shows the input itself. */
static bool steps_make(hg_context *ctx, restore_kind kind, hg_net *net, int64_t n, const float *x, const int *labels, steps *s)
{
    static const steps names[] = {{2, {"noisy", "cleaned"}, {0}}, {3, {"nearest", "bilinear", "output"}, {0}}};
    const hg_model *model = hg_net_model(net);
    int in[3], out[3];
    hg_model_input(model, &in[0], &in[1], &in[2]);
    hg_model_output(model, &out[0], &out[1], &out[2]);
    const size_t in_n = (size_t)in[0] * (size_t)in[1] * (size_t)in[2], out_n = (size_t)out[0] * (size_t)out[1] * (size_t)out[2];
    *s = names[kind];
    for (int k = 0; k < s->n; k++)
        if (!(s->x[k] = hg_alloc(ctx, hg_mul((size_t)n, out_n), sizeof **s->x))) return false;
    for (int k = 0; k + 1 < s->n; k++) /* of one size, nearest is the same again */
        for (int64_t i = 0; i < n; i++)
            hg_enlarge(k == 0 ? HG_NEAREST : HG_BILINEAR, in[0], in[1], in[2], x + (size_t)i * in_n, out[1], out[2],
                       s->x[k] + (size_t)i * out_n);
    return hg_reconstruct(net, n, x, labels, s->x[s->n - 1]);
}

/* ---- test pictures */

typedef struct totals { quality steps[MOST]; int64_t better; } totals;

/* Adds m pictures; better are those that the model brought nearer to the target than the step before. */
static void measure(cli_run *run, const steps *s, int64_t m, const float *target, totals *t)
{
    for (int k = 0; k < s->n; k++) quality_add(&t->steps[k], 0, run->out, m, target, s->x[k]);
    for (int64_t i = 0; i < m; i++) {
        const size_t at = (size_t)i * run->out_n;
        const float *before = s->x[s->n - 2] + at, *after = s->x[s->n - 1] + at;
        t->better += hg_squared_error(run->out_n, after, target + at) < hg_squared_error(run->out_n, before, target + at);
    }
}

static bool print(cli_run *run, const steps *s, const char *target, const totals *t)
{
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (int k = 0; ok && k < s->n; k++) {
        json_t *row = json_pack("{s:s}", "picture", s->names[k]);
        ok = json_array_append_new(rows, row) == 0 && quality_put(&t->steps[k], 0, row);
    }
    const int64_t n = t->steps[0].n;
    const double share = (double)t->better / (double)n;
    if (ok && !o.json) {
        figures_print_rows(rows);
        printf("\n%s is closer to the %s picture than %s in %.2f %% of %" PRId64 " test pictures\n", s->names[s->n - 1], target,
               s->names[s->n - 2], 100 * share, n);
        json_decref(rows);
        return true;
    }
    if (ok) return figures_print_json(run->c, json_pack("{s:I, s:f, s:o}", "pictures", (json_int_t)n, "better", share, "steps", rows));
    json_decref(rows);
    return hg_fail_memory(run->c->ctx, 0);
}

static bool draw(cli_run *run, const steps *s, const char *name, const float *target, int64_t n)
{
    band bands[MOST + 1];
    for (int k = 0; k <= s->n; k++)
        bands[k] = (band){k < s->n ? s->names[k] : name, k < s->n ? s->x[k] : target, {run->out[0], run->out[1], run->out[2]}, NULL};
    return (!o.out || rows_draw(run->c, o.out, bands, s->n + 1, n)) && (!o.out_dir || rows_write(run->c, o.out_dir, &bands[s->n - 1], n));
}

static bool restore_data(cli_run *run, restore_kind kind)
{
    const char *name = kind == RESTORE_DENOISE ? "clean" : "target";
    const int64_t all = hg_dataset_count(run->data, HG_TEST), shown = o.count < all ? o.count : all, piece = cli_run_piece(run, 512);
    totals t = {0};
    steps s = {0};
    bool ok = true;
    for (int64_t first = 0, m; ok && first < all; first += m) { /* the first piece is what is drawn */
        m = first == 0 ? shown : all - first < piece ? all - first : piece;
        float *x = cli_run_inputs(run, HG_TEST, first, m), *target = cli_run_pictures(run, HG_TEST, first, m);
        int *labels = NULL;
        ok = x && target && cli_run_labels(run, HG_TEST, first, m, &labels) && steps_make(run->c->ctx, kind, run->net, m, x, labels, &s);
        if (ok) measure(run, &s, m, target, &t);
        ok = ok && (first > 0 || draw(run, &s, name, target, m));
        hg_free(x);
        hg_free(target);
        hg_free(labels);
        if (first + m < all) steps_free(&s);
    }
    ok = ok && print(run, &s, name, &t);
    steps_free(&s);
    return ok;
}

/* ---- a user's pictures, each at its own size */

/* The model for the size of the pictures at hand. */
typedef struct sized { hg_model *model; hg_net *net; int height, width; } sized;

static void sized_free(sized *s)
{
    hg_net_destroy(s->net);
    hg_model_destroy(s->model);
    *s = (sized){0};
}

static bool sized_make(cli_run *run, int height, int width, sized *s)
{
    if (s->net && s->height == height && s->width == width) return true;
    sized_free(s);
    hg_net_params params = cli_run_net_params(run);
    params.batch = 1;
    s->height = height, s->width = width;
    s->model = hg_model_resize(run->model, height, width);
    s->net = s->model ? hg_net_create(run->device, s->model, &params) : NULL;
    return s->net && hg_net_copy(s->net, run->net);
}

/* A picture [C, h, w] of another size: cut at the right and bottom, or continued there by its last pixels. */
static float *frame(hg_context *ctx, int channels, int h, int w, const float *from, int to_h, int to_w)
{
    float *to = hg_alloc(ctx, hg_mul(hg_mul((size_t)channels, (size_t)to_h), (size_t)to_w), sizeof *to), *at = to;
    for (int c = 0; to && c < channels; c++)
        for (int y = 0; y < to_h; y++)
            for (int x = 0; x < to_w; x++)
                *at++ = from[((size_t)c * (size_t)h + (size_t)(y < h ? y : h - 1)) * (size_t)w + (size_t)(x < w ? x : w - 1)];
    return to;
}

/* The same message, with the picture's name in front. */
static bool fail_picture(hg_context *ctx, const picture *p)
{
    const hg_status status = hg_context_status(ctx);
    char *message = hg_copy_text(ctx, hg_message(ctx));
    hg_context_clear(ctx);
    hg_fail(ctx, status, "%s: %s", p->path, message ? message : "no memory");
    hg_free(message);
    return false;
}

/* The steps of one picture, cut to its size times the model's factor. */
static bool restore_picture(cli_run *run, restore_kind kind, const picture *p, sized *s, steps *names, picture *made[MOST], int64_t i)
{
    hg_context *ctx = run->c->ctx;
    const int h = p->shape[1], w = p->shape[2], factor_y = run->out[1] / run->in[1], factor_x = run->out[2] / run->in[2];
    const int label = (int)o.label;
    int fit_h = h, fit_w = w;
    if (!hg_model_fit(run->model, &fit_h, &fit_w) || !sized_make(run, fit_h, fit_w, s)) return fail_picture(ctx, p);
    float *x = frame(ctx, p->shape[0], h, w, p->x, fit_h, fit_w);
    steps all = {0};
    bool ok = x && steps_make(ctx, kind, s->net, 1, x, &label, &all);
    for (int k = 0; ok && k < all.n; k++) {
        made[k][i] = (picture){{run->out[0], h * factor_y, w * factor_x}, NULL, p->path};
        made[k][i].x = frame(ctx, run->out[0], fit_h * factor_y, fit_w * factor_x, all.x[k], h * factor_y, w * factor_x);
        ok = made[k][i].x != NULL;
    }
    hg_free(x);
    steps_free(&all);
    *names = all;
    return ok;
}

static bool restore_pictures(cli_run *run, restore_kind kind, const pictures *p)
{
    picture *made[MOST] = {0};
    sized s = {0};
    bool ok = true;
    for (int k = 0; k < MOST; k++) ok = ok && (made[k] = hg_alloc(run->c->ctx, (size_t)p->n, sizeof **made));
    steps names = {0};
    for (int64_t i = 0; ok && i < p->n; i++) ok = restore_picture(run, kind, &p->at[i], &s, &names, made, i);
    band bands[MOST];
    for (int k = 0; k < names.n; k++) bands[k] = (band){names.names[k], NULL, {0}, made[k]};
    const int64_t shown = o.count < p->n ? o.count : p->n;
    ok = ok && (!o.out || rows_draw(run->c, o.out, bands, names.n, shown)) &&
         (!o.out_dir || rows_write(run->c, o.out_dir, &bands[names.n - 1], p->n));
    for (int k = 0; k < MOST; k++) {
        for (int64_t i = 0; made[k] && i < p->n; i++) hg_free(made[k][i].x);
        hg_free(made[k]);
    }
    sized_free(&s);
    return ok;
}

/* ---- the verb */

static bool check_model(cli_run *run, restore_kind kind)
{
    const bool noisy = hg_model_is_corrupted(run->model), small = run->in[1] < run->out[1] || run->in[2] < run->out[2];
    const char *verb = run->c->verb->name, *name = hg_model_name(run->model);
    if (kind == RESTORE_UPSCALE && !small)
        return hg_fail(run->c->ctx, HG_USAGE, "%s: the model %s does not enlarge: its file has no `corrupt: {downscale: ...}`%s", verb,
                       name, noisy ? "; it removes noise: try `denoise`" : ". `hourglass models` lists built-in ones");
    if (kind == RESTORE_DENOISE && (!noisy || small))
        return hg_fail(run->c->ctx, HG_USAGE, "%s: the model %s does not remove noise: its file has no `corrupt: {noise: ...}`%s", verb,
                       name, small ? "; it enlarges: try `upscale`" : ". `hourglass models` lists built-in ones");
    return true;
}

/* Test pictures have their own. */
static bool check_label(cli_run *run)
{
    if (o.pictures.n) return cli_run_need_label(run, o.label);
    return o.label < 0 || hg_fail(run->c->ctx, HG_USAGE, "%s: --label is for --pictures; test pictures have labels", run->c->verb->name);
}

static bool check_out(cli *c)
{
    if (!o.out && !o.out_dir) return hg_fail(c->ctx, HG_USAGE, "%s needs --out FILE.png, or --out-dir DIR", c->verb->name);
    if (c->data && o.pictures.n)
        return hg_fail(c->ctx, HG_USAGE, "%s: --data gives test pictures, --pictures your own: give one of them", c->verb->name);
    return (!o.out || cli_check_out(c, o.out, cli_png)) && cli_check_folder(c, "out-dir", o.out_dir);
}

bool restore_run(cli *c, restore_kind kind)
{
    cli_run r;
    pictures p = {0};
    if (!check_out(c)) return false;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && check_model(&r, kind) &&
              check_label(&r) && pictures_read(c, &o.pictures, r.in[0], &p) &&
              (!o.out_dir || pictures_check_folder(c, &p, "out-dir", o.out_dir)) && cli_run_open(&r, p.n == 0) &&
              (p.n ? restore_pictures(&r, kind, &p) : restore_data(&r, kind));
    pictures_free(&p);
    cli_run_close(&r);
    return ok;
}
