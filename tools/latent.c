/* hourglass latent: where the test pictures lie in the code, coloured by class; beside PCA of the pixels, measured as well. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "baseline.h"
#include "figures.h"
#include "quality.h"

static struct { const char *out; int64_t count, knn; bool pca, json; } o = {.count = 10000, .knn = 5};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png|FILE.svg", "the chart"},
    {"count", CLI_INT, &o.count, 3, 1000000, "N", "at most this many test pictures; default 10000"},
    {"pca", CLI_FLAG, &o.pca, 0, 0, NULL,
     "beside it, PCA of the pixels to two dimensions; prints for the whole code, and PCA with as many numbers, "
     "the squared error per picture and how often a picture's K nearest neighbours name its class (leaving it out)"},
    {"knn", CLI_INT, &o.knn, 1, 100, "K", "how many neighbours; default 5"},
    {"json", CLI_FLAG, &o.json, 0, 0, NULL, "the figures as JSON"},
    {0},
};

/* n points as rows of k numbers: the code, or the principal components of something. */
typedef struct points { int64_t n; int k; float *rows; double squared_error; } points;

/* The first two numbers of each row as columns; 0 where there is only one. */
typedef struct plane { float *x, *y; } plane;

static bool take_columns(hg_context *ctx, const points *p, plane *out)
{
    out->x = hg_alloc(ctx, (size_t)p->n, sizeof *out->x);
    out->y = hg_alloc(ctx, (size_t)p->n, sizeof *out->y);
    for (int64_t i = 0; out->x && out->y && i < p->n; i++) {
        out->x[i] = p->rows[i * p->k];
        out->y[i] = p->k > 1 ? p->rows[i * p->k + 1] : 0;
    }
    return out->x && out->y;
}

/* Rows [n, d] as their k first principal components, and what is lost by that, summed over a row and averaged over the rows. */
static bool project(hg_context *ctx, const float *rows, int64_t n, size_t d, int k, points *p)
{
    float *mean = hg_alloc(ctx, d, sizeof *mean), *components = hg_alloc(ctx, hg_mul((size_t)k, d), sizeof *components);
    float *variances = hg_alloc(ctx, (size_t)k, sizeof *variances), *restored = hg_alloc(ctx, d, sizeof *restored);
    *p = (points){n, k, hg_alloc(ctx, hg_mul((size_t)n, (size_t)k), sizeof *p->rows), 0};
    bool ok = mean && components && variances && restored && p->rows && hg_pca(ctx, n, (int)d, rows, k, mean, components, variances);
    if (ok) hg_pca_project(n, (int)d, rows, k, mean, components, p->rows);
    for (int64_t i = 0; ok && i < n; i++) {
        hg_pca_restore(1, (int)d, p->rows + i * k, k, mean, components, restored);
        p->squared_error += hg_squared_error(d, restored, rows + (size_t)i * d) / (double)n;
    }
    hg_free(mean);
    hg_free(components);
    hg_free(variances);
    hg_free(restored);
    return ok;
}

/* As many components as the code has numbers, but at least the two that are drawn, and only those where more would take long. */
static bool pixel_points(cli_run *run, int64_t n, points *p)
{
    const size_t most = run->code_n < run->out_n ? run->code_n : run->out_n;
    const bool quick = pca_is_quick(n, run->out_n, most);
    if (!quick) cli_say(run->c, "PCA of %zu numbers to %zu takes long: two are compared with", run->out_n, most);
    float *x = cli_run_pictures(run, HG_TEST, 0, n);
    bool ok = x && project(run->c->ctx, x, n, run->out_n, quick && most > 2 ? (int)most : run->out_n > 1 ? 2 : 1, p);
    hg_free(x);
    return ok;
}

/* ---- the chart */

static bool plot(cli_run *run, int64_t n, const int *labels, const plane *code, const plane *pixels)
{
    int classes = hg_dataset_classes(run->data);
    const char **names = hg_arena_alloc(run->c->arena, (size_t)classes + 1, sizeof *names);
    const bool direct = run->code_n <= 2;
    const char *what = direct ? "code" : "PCA of the code";
    const char *title = hg_arena_format(run->c->arena, "%s: %s of %zu", hg_model_name(run->model), what, run->code_n);
    if (!names || !title) return false;
    for (int i = 0; i < classes; i++) names[i] = hg_dataset_class_name(run->data, i);
    hg_scatter panels[2] = {
        {n, code->x, code->y, classes ? labels : NULL, classes, names, title, direct ? "z[0]" : "component 1",
         direct ? "z[1]" : "component 2"},
        {n, pixels->x, pixels->y, classes ? labels : NULL, classes, names, "PCA of the pixels", "component 1", "component 2"},
    };
    if (!hg_plot_scatter(run->c->ctx, o.out, panels, o.pca ? 2 : 1)) return false;
    cli_say(run->c, "%swrote %s%s: %" PRId64 " test pictures", cli_bold(run->c), o.out, cli_plain(run->c), n);
    return true;
}

static bool draw(cli_run *run, const int *labels, const points *code, const points *pixels)
{
    plane planes[2] = {{0}};
    points flat = {0};
    bool ok = (code->k <= 2 || project(run->c->ctx, code->rows, code->n, (size_t)code->k, 2, &flat)) &&
              take_columns(run->c->ctx, code->k <= 2 ? code : &flat, &planes[0]) &&
              (!o.pca || take_columns(run->c->ctx, pixels, &planes[1])) &&
              plot(run, code->n, labels, &planes[0], &planes[1]);
    for (int i = 0; i < 2; i++) {
        hg_free(planes[i].x);
        hg_free(planes[i].y);
    }
    hg_free(flat.rows);
    return ok;
}

/* ---- the figures */

/* The network's, as eval has it. */
static bool find_error(cli_run *run, points *code)
{
    const int64_t piece = cli_run_piece(run, 512);
    quality q = {0};
    for (int64_t first = 0, m; first < code->n; first += m) {
        m = code->n - first < piece ? code->n - first : piece;
        float *x = cli_run_inputs(run, HG_TEST, first, m), *target = cli_run_pictures(run, HG_TEST, first, m);
        float *y = hg_alloc(run->c->ctx, hg_mul((size_t)m, run->out_n), sizeof *y);
        bool ok = x && target && y && cli_run_reconstruct(run, HG_TEST, first, m, x, y);
        if (ok) quality_add(&q, 0, run->out, m, target, y);
        hg_free(x);
        hg_free(target);
        hg_free(y);
        if (!ok) return false;
    }
    code->squared_error = q.squared / (double)q.n;
    return true;
}

/* So many points that the neighbours are found within some seconds. */
static int64_t knn_count(const points *p)
{
    const double most = sqrt(5e10 / p->k);
    return (double)p->n < most ? p->n : (int64_t)most;
}

static bool add_row(cli_run *run, const char *name, const int *labels, const points *p, json_t *rows)
{
    double accuracy = NAN;
    int64_t labelled = 0;
    for (int64_t i = 0; i < p->n; i++) labelled += labels[i] >= 0;
    if (labelled > o.knn && !hg_knn_accuracy(run->c->ctx, knn_count(p), p->k, p->rows, labels, (int)o.knn, &accuracy)) return false;
    json_t *row = json_pack("{s:s, s:i, s:o, s:f}", "embedding", name, "numbers", p->k, "knn_accuracy", figure(accuracy), "squared_error",
                            p->squared_error);
    return json_array_append_new(rows, row) == 0 || hg_fail_memory(run->c->ctx, 0);
}

static bool print(cli_run *run, const int *labels, const points *code, const points *pixels)
{
    json_t *rows = json_array();
    const int64_t compared = knn_count(code) < knn_count(pixels) ? knn_count(code) : knn_count(pixels);
    bool ok = rows && add_row(run, "code", labels, code, rows) && add_row(run, "PCA of the pixels", labels, pixels, rows);
    if (ok && o.json)
        return figures_print_json(run->c, json_pack("{s:I, s:I, s:I, s:o}", "pictures", (json_int_t)code->n, "knn", (json_int_t)o.knn,
                                                    "knn_pictures", (json_int_t)compared, "embeddings", rows));
    if (ok) figures_print_rows(rows);
    json_decref(rows);
    return ok;
}

/* ---- the verb */

static bool show(cli_run *run, int64_t n)
{
    hg_context *ctx = run->c->ctx;
    points code = {n, (int)run->code_n, cli_run_codes(run, HG_TEST, n), 0}, pixels = {0};
    int *labels = hg_alloc(ctx, (size_t)n, sizeof *labels);
    for (int64_t i = 0; labels && i < n; i++) labels[i] = hg_dataset_label(run->data, HG_TEST, i);
    bool ok = code.rows && labels && (!o.pca || (pixel_points(run, n, &pixels) && find_error(run, &code))) &&
              draw(run, labels, &code, &pixels) && (!o.pca || print(run, labels, &code, &pixels));
    hg_free(code.rows);
    hg_free(pixels.rows);
    hg_free(labels);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_chart)) return false;
    if (o.json && !o.pca) return hg_fail(c->ctx, HG_USAGE, "latent: --json is for the figures that --pca prints: give both");
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_open(&r, true);
    int64_t n = ok && hg_dataset_count(r.data, HG_TEST) < o.count ? hg_dataset_count(r.data, HG_TEST) : o.count;
    if (ok && n < 3) ok = hg_fail(c->ctx, HG_BAD_INPUT, "latent: a scatter needs at least 3 test pictures, there are %" PRId64, n);
    ok = ok && show(&r, n);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_latent = {
    .name = "latent", .arguments = "RUN",
    .help = "Scatter of the test pictures' codes, coloured by class; --pca: beside PCA of the pixels, and measured.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
