/* hourglass reconstruct: test pictures above what the model makes of them. */
#include <string.h>
#include "open.h"

static struct { const char *out; int64_t count; } o = {.count = 20};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many test pictures; default 20"},
    {0},
};

enum { COLUMNS = 10 };

/* Pairs of rows: inputs, and below them the outputs. */
static bool draw(cli_run *run, const float *x, const float *y, int n)
{
    int columns = n < COLUMNS ? n : COLUMNS, rows = 2 * ((n + columns - 1) / columns);
    hg_picture *grid = hg_picture_grid(run->c->ctx, rows, columns, run->out[0], run->out[1], run->out[2], 0, 2);
    for (int i = 0; grid && i < n; i++) {
        int row = 2 * (i / columns), column = i % columns;
        hg_picture_put(grid, row, column, x + (size_t)i * run->in_n);
        hg_picture_put(grid, row + 1, column, y + (size_t)i * run->out_n);
    }
    bool ok = grid && hg_picture_save(grid, o.out);
    hg_picture_destroy(grid);
    if (ok)
        cli_say(run->c, "%swrote %s%s: %d test pictures, each above its reconstruction", cli_bold(run->c), o.out,
                cli_plain(run->c), n);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_png)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_open(&r, true);
    int64_t n = ok && hg_dataset_count(r.data, HG_TEST) < o.count ? hg_dataset_count(r.data, HG_TEST) : o.count;
    float *x = ok ? cli_run_pictures(&r, HG_TEST, 0, n) : NULL;
    float *y = x ? hg_alloc(c->ctx, hg_mul((size_t)n, r.out_n), sizeof *y) : NULL;
    ok = y && hg_reconstruct(r.net, n, x, y) && draw(&r, x, y, (int)n);
    hg_free(x);
    hg_free(y);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_reconstruct = {
    .name = "reconstruct", .arguments = "RUN",
    .help = "Draws test pictures above their reconstructions.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
