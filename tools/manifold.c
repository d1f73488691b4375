/* hourglass manifold: a grid over a code of two numbers, decoded. Row i is the first number, from A at the top to B at
 * the bottom; column j the second, from A at the left to B at the right. */
#include "open.h"

static struct { const char *out; int64_t grid, label; double range[2]; } o = {.grid = 20, .label = -1, .range = {-2, 2}};

static const cli_option options[] = {
    {"grid", CLI_INT, &o.grid, 2, 64, "N", "N x N pictures; default 20"},
    {"range", CLI_RANGE, o.range, 0, 0, "A B", "of both numbers of the code; default -2 2"},
    CLI_LABEL(&o.label),
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {0},
};

static bool draw(cli_run *run)
{
    size_t n = (size_t)o.grid, cells = n * n;
    float *z = hg_alloc(run->c->ctx, cells, 2 * sizeof *z),
          *y = hg_alloc(run->c->ctx, hg_mul(cells, run->out_n), sizeof *y);
    for (size_t i = 0; z && i < cells; i++) {
        double step = (o.range[1] - o.range[0]) / (double)(n - 1);
        z[2 * i] = (float)(o.range[0] + step * (double)(i / n));
        z[2 * i + 1] = (float)(o.range[0] + step * (double)(i % n));
    }
    bool ok =
        z && y && cli_run_decode(run, o.label, (int64_t)cells, z, y) && cli_run_draw(run, y, (int64_t)cells, o.grid, o.out);
    hg_free(z);
    hg_free(y);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_png)) return false;
    if (!(o.range[0] < o.range[1]))
        return hg_fail(c->ctx, HG_USAGE, "--range %g %g: the first must be the smaller", o.range[0], o.range[1]);
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
