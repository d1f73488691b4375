/* hourglass reconstruct: test pictures above what the model makes of them. */
#include <string.h>
#include "open.h"

static struct { const char *out; int64_t count; bool as_input; } o = {.count = 20};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many test pictures; default 20"},
    {"as-input", CLI_FLAG, &o.as_input, 0, 0, NULL, CLI_AS_INPUT},
    {0},
};

enum { COLUMNS = 10 };

/* A kind of rows: its name and its pictures, all [n, C, H, W] of the output's shape. */
typedef struct band { const char *name; const float *pictures; } band;

/* Inputs, below them outputs, and targets where those are not the inputs; COLUMNS at a time. */
static bool draw(cli_run *run, const band *bands, int n_bands, int n)
{
    int columns = n < COLUMNS ? n : COLUMNS, rows = n_bands * ((n + columns - 1) / columns);
    hg_picture *grid = hg_picture_grid(run->c->ctx, rows, columns, run->out[0], run->out[1], run->out[2], 0, 2);
    for (int row = 0; grid && row < rows; row++) {
        if (n_bands > 2) hg_picture_label(grid, row, bands[row % n_bands].name);
        for (int column = 0, i = row / n_bands * columns; column < columns && i < n; column++, i++)
            hg_picture_put(grid, row, column, bands[row % n_bands].pictures + (size_t)i * run->out_n);
    }
    bool ok = grid && hg_picture_save(grid, o.out);
    hg_picture_destroy(grid);
    if (ok)
        cli_say(run->c, "%swrote %s%s: %d test pictures, each above its reconstruction%s", cli_bold(run->c), o.out,
                cli_plain(run->c), n, n_bands > 2 ? " and what that should be" : "");
    return ok;
}

/* Inputs in cells of the output's size: their pixels repeated. */
static float *enlarge(cli_run *run, const float *x, int64_t n)
{
    const size_t h = (size_t)run->out[1], w = (size_t)run->out[2], in_h = (size_t)run->in[1], in_w = (size_t)run->in[2];
    float *large = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *large);
    for (size_t plane = 0; large && plane < (size_t)n * (size_t)run->out[0]; plane++)
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++)
                large[(plane * h + i) * w + j] = x[(plane * in_h + i * in_h / h) * in_w + j * in_w / w];
    return large;
}

static bool reconstruct(cli_run *run, int64_t n)
{
    const bool targets = hg_model_is_corrupted(run->model) && !run->as_input;
    float *x = cli_run_inputs(run, HG_TEST, 0, n), *shown = x ? enlarge(run, x, n) : NULL;
    float *y = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
    float *target = targets ? cli_run_pictures(run, HG_TEST, 0, n) : NULL;
    const band bands[] = {{"input", shown}, {"output", y}, {"target", target}};
    bool ok = shown && y && (target || !targets) && cli_run_reconstruct(run, HG_TEST, 0, n, x, y) && draw(run, bands, targets ? 3 : 2, (int)n);
    hg_free(x);
    hg_free(shown);
    hg_free(y);
    hg_free(target);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_png)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r);
    r.as_input = o.as_input;
    ok = ok && cli_run_open(&r, true);
    int64_t n = ok && hg_dataset_count(r.data, HG_TEST) < o.count ? hg_dataset_count(r.data, HG_TEST) : o.count;
    ok = ok && reconstruct(&r, n);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_reconstruct = {
    .name = "reconstruct", .arguments = "RUN",
    .help = "Draws test pictures above their reconstructions.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
