/* hourglass reconstruct: test pictures above what the model makes of them. */
#include "open.h"
#include "rows.h"

static struct { const char *out; int64_t count; bool as_input; } o = {.count = 20};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many test pictures; default 20"},
    {"as-input", CLI_FLAG, &o.as_input, 0, 0, NULL, CLI_AS_INPUT},
    {0},
};

/* Rows of what the model saw, what it made of that, and what it should have made where that is something else. */
static bool reconstruct(cli_run *run, int64_t n)
{
    const bool targets = hg_model_is_corrupted(run->model) && !run->as_input;
    float *x = cli_run_inputs(run, HG_TEST, 0, n), *y = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
    float *target = targets ? cli_run_pictures(run, HG_TEST, 0, n) : NULL;
    const band bands[] = {{"input", x, {run->in[0], run->in[1], run->in[2]}, NULL},
                          {"output", y, {run->out[0], run->out[1], run->out[2]}, NULL},
                          {"target", target, {run->out[0], run->out[1], run->out[2]}, NULL}};
    bool ok = x && y && (target || !targets) && cli_run_reconstruct(run, HG_TEST, 0, n, x, y) &&
              rows_draw(run->c, o.out, bands, targets ? 3 : 2, n);
    hg_free(x);
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
