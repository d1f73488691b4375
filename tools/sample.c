/* hourglass sample: new pictures, decoded from codes drawn from the prior N(0, I). */
#include "base/rng.h"
#include "open.h"

static struct { const char *out; int64_t count, seed; } o = {.count = 64};

static const cli_option options[] = {
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many; default 64"},
    {"seed", CLI_INT, &o.seed, 0, 9e18, "N", "which; default 0"},
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "the picture"},
    {0},
};

static bool sample(cli_run *run)
{
    hg_context *ctx = run->c->ctx;
    size_t n = (size_t)o.count;
    float *z = hg_alloc(ctx, hg_mul(n, run->code_n), sizeof *z), *y = hg_alloc(ctx, hg_mul(n, run->out_n), sizeof *y);
    hg_rng rng = hg_rng_make((uint64_t)o.seed, HG_STREAM_SAMPLE, 0);
    for (size_t i = 0; z && i < n * run->code_n; i++) z[i] = (float)hg_rng_normal(&rng);
    bool ok = z && y && hg_decode(run->net, o.count, z, y) && cli_run_draw(run, y, o.count, 0, o.out);
    hg_free(z);
    hg_free(y);
    return ok;
}

static bool run(cli *c)
{
    if (!cli_check_out(c, o.out, cli_png)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) &&
              cli_run_need_latent(&r, "none can be drawn from it") && cli_run_open(&r, false) && sample(&r);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_sample = {
    .name = "sample", .arguments = "RUN",
    .help = "Draws new pictures from a variational model.",
    .options = options, .groups = CLI_DEVICE, .min_args = 1, .max_args = 1, .run = run,
};
