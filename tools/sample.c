/* hourglass sample: new pictures, decoded from codes drawn from the model's prior. A model with `condition` is asked for one class, or
 * for each in turn: a row of pictures per class. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/rng.h"
#include "judge.h"

static struct { const char *out; int64_t count, seed, label; bool same_codes, judge; } o = {.label = -1};

enum { COUNT = 64, EACH = 10 };

static const cli_option options[] = {
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many; default 64, or 10 of each class; full rows of each class"},
    {"seed", CLI_INT, &o.seed, 0, 9e18, "N", "which; default 0"},
    {"label", CLI_INT, &o.label, 0, INT32_MAX, "L", "of a model with `condition`: only this class; default: a row of each"},
    {"same-codes", CLI_FLAG, &o.same_codes, 0, 0, NULL, "every row is drawn from the same codes: what differs is the class alone"},
    {"judge", CLI_FLAG, &o.judge, 0, 0, NULL,
     "say how many have the class that was asked for, by the nearest training picture of the data; or, where none can be asked for, "
     "how many are clearly of one"},
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {0},
};

/* `rows` classes from `first` on; first -1: the model has none. */
typedef struct request { int first, rows; int64_t columns; } request;

static bool choose(cli_run *run, request *to)
{
    hg_context *ctx = run->c->ctx;
    const int labels = hg_model_labels(run->model);
    if (o.same_codes && !labels)
        return hg_fail(ctx, HG_USAGE, "sample: --same-codes is about classes, but the model %s has no `condition`: it cannot be asked for one",
                       hg_model_name(run->model));
    if (o.same_codes && o.label >= 0) return hg_fail(ctx, HG_USAGE, "sample: --same-codes compares classes: leave --label out");
    if (!labels || o.label >= 0) {
        *to = (request){(int)o.label, 1, o.count ? o.count : COUNT};
        return cli_run_need_label(run, o.label);
    }
    *to = (request){0, labels, o.count ? (o.count + labels - 1) / labels : EACH};
    return true;
}

/* std: of the prior N(0, std^2 I) */
static void draw_codes(const request *want, double std, size_t row, float *z)
{
    hg_rng rng = hg_rng_make((uint64_t)o.seed, HG_STREAM_SAMPLE, 0);
    const size_t rows = (size_t)want->rows, drawn = o.same_codes ? 1 : rows;
    for (size_t i = 0; i < drawn * row; i++) z[i] = (float)(std * hg_rng_normal(&rng));
    for (size_t r = drawn; r < rows; r++) memcpy(z + r * row, z, row * sizeof *z);
}

static bool decode(cli_run *run, const request *want, const float *z, float *y)
{
    bool ok = true;
    for (int r = 0; ok && r < want->rows; r++) {
        const size_t at = (size_t)r * (size_t)want->columns;
        ok = cli_run_decode(run, want->first + r, want->columns, z + at * run->code_n, y + at * run->out_n);
    }
    return ok;
}

static bool judge(cli_run *run, const request *want, const float *y)
{
    return want->first < 0 ? judge_clear(run, want->columns, y) : judge_asked(run, want->first, want->rows, want->columns, y);
}

static bool sample(cli_run *run, const request *want)
{
    hg_context *ctx = run->c->ctx;
    const int64_t n = want->rows * want->columns;
    float *z = hg_alloc(ctx, hg_mul((size_t)n, run->code_n), sizeof *z), *y = hg_alloc(ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
    if (z) draw_codes(want, hg_model_prior(run->model), (size_t)want->columns * run->code_n, z);
    const bool ok = z && y && decode(run, want, z, y) && cli_run_draw(run, y, n, want->rows > 1 ? want->columns : 0, o.out) &&
                    (!o.judge || judge(run, want, y));
    hg_free(z);
    hg_free(y);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_png)) return false;
    cli_run r;
    request want = {0};
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_need_latent(&r, "none can be drawn from it") &&
              choose(&r, &want) && cli_run_open(&r, o.judge) && sample(&r, &want);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_sample = {
    .name = "sample", .arguments = "RUN",
    .help = "Draws new pictures from a variational or an adversarial model.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
