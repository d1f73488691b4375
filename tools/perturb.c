/* hourglass perturb: what noise in the code does to the picture. */
#include <stdio.h>
#include <string.h>
#include "base/rng.h"
#include "figures.h"
#include "open.h"
#include "quality.h"
#include "rows.h"

static struct { const char *out, *chart; int64_t count, seed; cli_numbers noise; bool json; } o = {
    .count = 10, .noise = {{0, 0.5, 1, 2, 4}, 5}};

static const cli_option options[] = {
    {"noise", CLI_NUMBERS, &o.noise, 0, 1e6, "0,0.5,1",
     "standard deviations of the noise added to every number of the code; default 0,0.5,1,2,4"},
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "rows: the pictures, and below them a row for each noise"},
    {"chart", CLI_TEXT, &o.chart, 0, 0, "FILE.png|FILE.svg", "the curve of the error against the noise"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many pictures in the rows; default 10"},
    {"seed", CLI_INT, &o.seed, 0, 9e18, "N", "which noise; default 0"},
    {"json", CLI_FLAG, &o.json, 0, 0, NULL, "the figures as JSON"},
    {0},
};

/* z = code + level e; e is N(0, 1), each test picture's own and the same at every level, so that more noise is more of the same. */
static void add_noise(const cli_run *run, int64_t first, int64_t n, const float *code, double level, float *z)
{
    for (int64_t i = 0; i < n; i++) {
        hg_rng rng = hg_rng_make((uint64_t)o.seed, HG_STREAM_PERTURB, (uint32_t)(first + i));
        for (size_t k = 0; k < run->code_n; k++, code++, z++) *z = (float)(*code + level * hg_rng_normal(&rng));
    }
}

/* What becomes of n pictures at each level: y [levels][n, out]. */
static bool decode(cli_run *run, int64_t first, int64_t n, float *const *y)
{
    float *x = cli_run_inputs(run, HG_TEST, first, n);
    float *code = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->code_n), sizeof *code);
    float *z = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->code_n), sizeof *z);
    int *labels = NULL;
    bool ok = x && code && z && cli_run_labels(run, HG_TEST, first, n, &labels) && hg_encode(run->net, n, x, labels, code);
    for (int k = 0; ok && k < o.noise.n; k++) {
        add_noise(run, first, n, code, o.noise.at[k], z);
        ok = hg_decode(run->net, n, z, labels, y[k]);
    }
    hg_free(x);
    hg_free(code);
    hg_free(z);
    hg_free(labels);
    return ok;
}

static bool draw(cli_run *run, int64_t n, const float *target, float *const *y)
{
    band bands[CLI_MANY + 1] = {{"picture", target, {run->out[0], run->out[1], run->out[2]}, NULL}};
    for (int k = 0; k < o.noise.n; k++) {
        const char *name = hg_arena_format(run->c->arena, "noise %g", o.noise.at[k]);
        bands[k + 1] = (band){name ? name : "", y[k], {run->out[0], run->out[1], run->out[2]}, NULL};
    }
    return rows_draw(run->c, o.out, bands, o.noise.n + 1, n);
}

/* Measures all test pictures; the first ones are drawn. */
static bool measure(cli_run *run, quality *q)
{
    const int64_t all = hg_dataset_count(run->data, HG_TEST), shown = o.count < all ? o.count : all;
    const int64_t piece = cli_run_piece(run, 512), room = shown > piece ? shown : piece;
    float *y[CLI_MANY] = {0};
    bool ok = true;
    for (int k = 0; k < o.noise.n; k++) ok = ok && (y[k] = hg_alloc(run->c->ctx, hg_mul((size_t)room, run->out_n), sizeof **y));
    for (int64_t first = 0, n; ok && first < all; first += n) {
        n = first == 0 ? shown : all - first < piece ? all - first : piece;
        float *target = cli_run_pictures(run, HG_TEST, first, n);
        ok = target && decode(run, first, n, y) && (first > 0 || draw(run, n, target, y));
        for (int k = 0; ok && k < o.noise.n; k++) quality_add(&q[k], 0, run->out, n, target, y[k]);
        hg_free(target);
    }
    for (int k = 0; k < o.noise.n; k++) hg_free(y[k]);
    return ok;
}

static bool print(cli_run *run, const quality *q)
{
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (int k = 0; ok && k < o.noise.n; k++) {
        json_t *row = json_pack("{s:f}", "noise", o.noise.at[k]);
        ok = json_array_append_new(rows, row) == 0 && quality_put(&q[k], 0, row);
    }
    if (ok && o.json) return figures_print_json(run->c, json_pack("{s:I, s:o}", "pictures", (json_int_t)q->n, "levels", rows));
    if (ok) figures_print_rows(rows);
    json_decref(rows);
    return ok || hg_fail_memory(run->c->ctx, 0);
}

static bool plot(cli_run *run, const quality *q)
{
    double errors[CLI_MANY];
    for (int k = 0; k < o.noise.n; k++) errors[k] = quality_mse(&q[k]);
    const char *title = hg_arena_format(run->c->arena, "%s: noise in the code", hg_model_name(run->model));
    const hg_curve curve = {"MSE", o.noise.n, o.noise.at, errors};
    const hg_curves_params params = {title, "standard deviation of the noise", "mean squared error of the picture", false};
    if (!title || !hg_plot_curves(run->c->ctx, o.chart, &curve, 1, &params)) return false;
    cli_say(run->c, "%swrote %s%s", cli_bold(run->c), o.chart, cli_plain(run->c));
    return true;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_png) || !cli_check_file(c, "chart", o.chart, cli_chart)) return false;
    cli_run r;
    quality q[CLI_MANY] = {{0}};
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_open(&r, true) && measure(&r, q) && print(&r, q) &&
              (!o.chart || plot(&r, q));
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_perturb = {
    .name = "perturb", .arguments = "RUN",
    .help = "Draws and measures what becomes of pictures whose code has noise.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
