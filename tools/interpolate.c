/* hourglass interpolate: the way from one test picture to another through the code. */
#include <inttypes.h>
#include <string.h>
#include "open.h"

static struct { const char *out; int64_t from, to, steps, label; bool spherical; } o = {.from = -1, .to = -1, .steps = 10, .label = -1};

static const cli_option options[] = {
    {"from", CLI_INT, &o.from, 0, 1e12, "I", "index of the first test picture"},
    {"to", CLI_INT, &o.to, 0, 1e12, "J", "index of the last test picture"},
    {"steps", CLI_INT, &o.steps, 2, 256, "N", "pictures on the way, both ends included; default 10"},
    {"label", CLI_INT, &o.label, 0, INT32_MAX, "L",
     "of a model with `condition`: as pictures of which class the way is drawn; default: the first picture's"},
    {"spherical", CLI_FLAG, &o.spherical, 0, 0, NULL, "the angle between the codes grows evenly, not the code (slerp): keeps lengths"},
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture: the first original, the way, the last original"},
    {0},
};

static bool check_index(cli_run *run, const char *name, int64_t index)
{
    int64_t n = hg_dataset_count(run->data, HG_TEST);
    return index < n ||
           hg_fail(run->c->ctx, HG_USAGE, "--%s %" PRId64 ": there are %" PRId64 " test pictures, 0 to %" PRId64, name,
                   index, n, n - 1);
}

static bool encode(cli_run *run, int64_t index, float *code)
{
    float *x = cli_run_inputs(run, HG_TEST, index, 1);
    bool ok = x && cli_run_encode(run, HG_TEST, index, 1, x, code);
    hg_free(x);
    return ok;
}

/* The code at t = k / (steps - 1) of the way; both ends are exact. */
static void step(const cli_run *run, const float *ends, size_t k, float *z)
{
    const double t = (double)k / (double)(o.steps - 1);
    const float *from = ends, *to = ends + run->code_n;
    if (o.spherical) hg_slerp(run->code_n, from, to, t, z);
    else
        for (size_t i = 0; i < run->code_n; i++) z[i] = (float)((1 - t) * from[i] + t * to[i]);
}

static bool walk(cli_run *run)
{
    hg_context *ctx = run->c->ctx;
    size_t steps = (size_t)o.steps, d = run->code_n, m = run->out_n;
    float *ends = hg_alloc(ctx, hg_mul(2, d), sizeof *ends);
    float *z = hg_alloc(ctx, hg_mul(steps, d), sizeof *z), *y = hg_alloc(ctx, hg_mul(steps + 2, m), sizeof *y);
    bool ok = ends && z && y && encode(run, o.from, ends) && encode(run, o.to, ends + d);
    for (size_t k = 0; ok && k < steps; k++) step(run, ends, k, z + k * d);
    ok = ok && cli_run_decode(run, o.label, o.steps, z, y + m);
    if (ok) {
        hg_dataset_get(run->data, HG_TEST, o.from, y);
        hg_dataset_get(run->data, HG_TEST, o.to, y + (steps + 1) * m);
        ok = cli_run_draw(run, y, o.steps + 2, o.steps + 2, o.out);
    }
    hg_free(ends);
    hg_free(z);
    hg_free(y);
    return ok;
}

/* Without --label the way is drawn as pictures of the first one's class. */
static bool choose_label(cli_run *run)
{
    if (o.label < 0 && hg_model_labels(run->model)) o.label = hg_dataset_label(run->data, HG_TEST, o.from);
    return cli_run_need_label(run, o.label);
}

static bool run(cli *c)
{
    if (o.from < 0 || o.to < 0)
        return hg_fail(c->ctx, HG_USAGE, "interpolate needs --from I and --to J: two test pictures by index");
    if (!cli_check_out(c, o.out, cli_png)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_open(&r, true) &&
              check_index(&r, "from", o.from) && check_index(&r, "to", o.to) && choose_label(&r) && walk(&r);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_interpolate = {
    .name = "interpolate", .arguments = "RUN",
    .help = "Draws the way between two test pictures through the code.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
