/* hourglass latent: where the test pictures lie in the code, coloured by class. */
#include <stdio.h>
#include <string.h>
#include "open.h"

static struct { const char *out; int64_t count; bool pca; } o = {.count = 10000};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png|FILE.svg", "the chart"},
    {"count", CLI_INT, &o.count, 3, 1000000, "N", "at most this many test pictures; default 10000"},
    {"pca", CLI_FLAG, &o.pca, 0, 0, NULL, "beside it, PCA of the pixels to two dimensions"},
    {0},
};

/* n points in the plane, as columns. */
typedef struct plane { float *x, *y; } plane;

static bool take_columns(hg_context *ctx, const float *rows, int64_t n, size_t width, plane *p)
{
    p->x = hg_alloc(ctx, (size_t)n, sizeof *p->x);
    p->y = hg_alloc(ctx, (size_t)n, sizeof *p->y);
    if (!p->x || !p->y) return false;
    for (size_t i = 0; i < (size_t)n; i++) {
        p->x[i] = rows[i * width];
        p->y[i] = width > 1 ? rows[i * width + 1] : 0;
    }
    return true;
}

/* The two first principal components of rows [n, d]. */
static bool project(hg_context *ctx, const float *rows, int64_t n, size_t d, plane *p)
{
    float *mean = hg_alloc(ctx, d, sizeof *mean), *components = hg_alloc(ctx, hg_mul(2, d), sizeof *components);
    float *flat = hg_alloc(ctx, hg_mul((size_t)n, 2), sizeof *flat), variances[2];
    bool ok = mean && components && flat && hg_pca(ctx, n, (int)d, rows, 2, mean, components, variances);
    if (ok) {
        hg_pca_project(n, (int)d, rows, 2, mean, components, flat);
        ok = take_columns(ctx, flat, n, 2, p);
    }
    hg_free(mean);
    hg_free(components);
    hg_free(flat);
    return ok;
}

static bool code_plane(cli_run *run, int64_t n, plane *p)
{
    float *codes = cli_run_codes(run, HG_TEST, n);
    bool ok = codes && (run->code_n <= 2 ? take_columns(run->c->ctx, codes, n, run->code_n, p)
                                         : project(run->c->ctx, codes, n, run->code_n, p));
    hg_free(codes);
    return ok;
}

static bool pixel_plane(cli_run *run, int64_t n, plane *p)
{
    float *x = cli_run_pictures(run, HG_TEST, 0, n);
    bool ok = x && project(run->c->ctx, x, n, run->out_n, p);
    hg_free(x);
    return ok;
}

static bool plot(cli_run *run, int64_t n, const plane *code, const plane *pixels)
{
    hg_context *ctx = run->c->ctx;
    int classes = hg_dataset_classes(run->data);
    int *labels = hg_alloc(ctx, (size_t)n, sizeof *labels);
    const char **names = hg_arena_alloc(run->c->arena, (size_t)classes + 1, sizeof *names);
    char title[160];
    if (!labels || !names) {
        hg_free(labels);
        return false;
    }
    for (int64_t i = 0; i < n; i++) labels[i] = hg_dataset_label(run->data, HG_TEST, i);
    for (int i = 0; i < classes; i++) names[i] = hg_dataset_class_name(run->data, i);
    bool direct = run->code_n <= 2;
    snprintf(title, sizeof title, direct ? "%s: code of %zu" : "%s: PCA of the code of %zu", hg_model_name(run->model),
             run->code_n);
    hg_scatter panels[2] = {
        {n, code->x, code->y, classes ? labels : NULL, classes, names, title, direct ? "z[0]" : "component 1",
         direct ? "z[1]" : "component 2"},
        {n, pixels->x, pixels->y, classes ? labels : NULL, classes, names, "PCA of the pixels", "component 1",
         "component 2"},
    };
    bool ok = hg_plot_scatter(ctx, o.out, panels, o.pca ? 2 : 1);
    hg_free(labels);
    if (ok)
        cli_say(run->c, "%swrote %s%s: %lld test pictures", cli_bold(run->c), o.out, cli_plain(run->c), (long long)n);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_chart)) return false;
    cli_run r;
    plane code = {0}, pixels = {0};
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_open(&r, true);
    int64_t n = ok && hg_dataset_count(r.data, HG_TEST) < o.count ? hg_dataset_count(r.data, HG_TEST) : o.count;
    if (ok && n < 3)
        ok = hg_fail(c->ctx, HG_BAD_INPUT, "latent: a scatter needs at least 3 test pictures, there are %lld",
                     (long long)n);
    ok = ok && code_plane(&r, n, &code) && (!o.pca || pixel_plane(&r, n, &pixels)) && plot(&r, n, &code, &pixels);
    hg_free(code.x);
    hg_free(code.y);
    hg_free(pixels.x);
    hg_free(pixels.y);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_latent = {
    .name = "latent", .arguments = "RUN",
    .help = "Scatter of the test pictures' codes, coloured by class.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
