/* hourglass manifold: a grid over a code of two numbers, decoded. */
#include <string.h>
#include "open.h"

static struct {
    const char *out, *axes;
    int64_t grid, label;
    double range[2];
    bool normal;
} o = {.grid = 20, .label = -1, .axes = "rows-first"};

static const cli_option options[] = {
    {"grid", CLI_INT, &o.grid, 2, 64, "N", "N x N pictures; default 20"},
    {"range", CLI_RANGE, o.range, 0, 0, "A B", "of both numbers of the code, from the top and from the left; default -2 2"},
    {"normal", CLI_FLAG, &o.normal, 0, 0, NULL,
     "instead: the quantiles 0.05 to 0.95 of the model's prior, or of N(0, 1), so that each cell stands for as many samples"},
    {"axes", CLI_TEXT, &o.axes, 0, 0, "HOW",
     "rows-first (default): the row is the code's first number, the column its second; columns-first: the other way round"},
    CLI_LABEL(&o.label),
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {0},
};

/* The value of row or column i. */
static float place(const cli_run *run, int64_t i)
{
    const double part = (double)i / (double)(o.grid - 1), prior = hg_model_prior(run->model), std = prior > 0 ? prior : 1;
    return (float)(o.normal ? std * hg_normal_quantile(0.05 + 0.9 * part) : o.range[0] + (o.range[1] - o.range[0]) * part);
}

static bool draw(cli_run *run)
{
    const size_t n = (size_t)o.grid, cells = n * n;
    const int row = strcmp(o.axes, "columns-first") == 0; /* which number of the code the row is */
    float *z = hg_alloc(run->c->ctx, cells, 2 * sizeof *z),
          *y = hg_alloc(run->c->ctx, hg_mul(cells, run->out_n), sizeof *y);
    for (size_t i = 0; z && i < cells; i++) {
        z[2 * i + (size_t)row] = place(run, (int64_t)(i / n));
        z[2 * i + (size_t)!row] = place(run, (int64_t)(i % n));
    }
    bool ok =
        z && y && cli_run_decode(run, o.label, (int64_t)cells, z, y) && cli_run_draw(run, y, (int64_t)cells, o.grid, o.out);
    hg_free(z);
    hg_free(y);
    return ok;
}

static bool check_options(cli *c)
{
    static const char *const axes[] = {"rows-first", "columns-first"};
    const bool ranged = o.range[0] != 0 || o.range[1] != 0;
    if (!cli_check_out(c, o.out, cli_png)) return false;
    if (strcmp(o.axes, axes[0]) != 0 && strcmp(o.axes, axes[1]) != 0)
        return hg_fail(c->ctx, HG_USAGE, "--axes %s: expected rows-first or columns-first%s", o.axes, cli_suggest(c, o.axes, axes, 2));
    if (ranged && o.normal) return hg_fail(c->ctx, HG_USAGE, "--range and --normal both say where the grid lies: give one of them");
    if (!ranged) o.range[0] = -2, o.range[1] = 2;
    return o.range[0] < o.range[1] || hg_fail(c->ctx, HG_USAGE, "--range %g %g: the first must be the smaller", o.range[0], o.range[1]);
}

static bool run(cli *c)
{
    if (!check_options(c)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r);
    if (ok && r.code_n != 2)
        ok = hg_fail(c->ctx, HG_USAGE,
                     "manifold: the code of %s has %zu numbers; a grid needs 2: try `sample` or `interpolate`",
                     hg_model_name(r.model), r.code_n);
    ok = ok && cli_run_need_label(&r, o.label) && cli_run_open(&r, false) && draw(&r);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_manifold = {
    .name = "manifold", .arguments = "RUN",
    .help = "Draws the decoded grid over a code of two numbers.",
    .options = options, .groups = CLI_DEVICE, .min_args = 1, .max_args = 1, .run = run,
};
