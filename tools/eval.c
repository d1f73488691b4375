/* hourglass eval: how good a run is on the test part. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include "open.h"

static bool as_json;
static const cli_option options[] = {{"json", CLI_FLAG, &as_json, 0, 0, NULL, "as JSON"}, {0}};

typedef struct quality { int64_t n; double mse, ssim; } quality;

/* Mean squared error over all pixels, and the mean of the pictures' SSIM, of outputs against the pictures. */
static bool measure(cli_run *run, quality *q)
{
    const int64_t piece = cli_run_piece(run, 512);
    *q = (quality){.n = hg_dataset_count(run->data, HG_TEST)};
    bool ok = true;
    for (int64_t first = 0; ok && first < q->n; first += piece) {
        int64_t m = q->n - first < piece ? q->n - first : piece;
        float *x = cli_run_inputs(run, HG_TEST, first, m), *target = cli_run_pictures(run, HG_TEST, first, m),
              *y = hg_alloc(run->c->ctx, hg_mul((size_t)m, run->out_n), sizeof *y);
        ok = x && target && y && cli_run_reconstruct(run, HG_TEST, first, m, x, y);
        for (size_t i = 0; ok && i < (size_t)m * run->out_n; i++)
            q->mse += ((double)target[i] - y[i]) * ((double)target[i] - y[i]);
        for (int64_t i = 0; ok && i < m; i++)
            q->ssim += hg_ssim(target + (size_t)i * run->out_n, y + (size_t)i * run->out_n, run->out[0], run->out[1],
                               run->out[2]);
        hg_free(x);
        hg_free(target);
        hg_free(y);
    }
    q->mse /= (double)q->n * (double)run->out_n;
    q->ssim /= (double)q->n;
    return ok;
}

static bool print(cli_run *run, const hg_losses *l, const quality *q)
{
    double psnr = hg_psnr(q->mse);
    if (as_json) {
        json_t *root = json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "pictures", (json_int_t)q->n, "loss",
                                 l->loss, "reconstruction", l->reconstruction, "kl", l->kl, "penalty", l->penalty,
                                 "mse", q->mse, "psnr", psnr, "ssim", q->ssim);
        bool ok = root && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
        json_decref(root);
        return ok || hg_fail(run->c->ctx, HG_INTERNAL, "the figures cannot be written as JSON");
    }
    printf("pictures        %" PRId64 "\n", q->n);
    printf("loss            %.6g\n", l->loss);
    printf("reconstruction  %.6g\n", l->reconstruction);
    if (hg_model_is_variational(run->model)) printf("kl              %.6g\n", l->kl);
    if (l->penalty != 0) printf("penalty         %.6g\n", l->penalty);
    printf("mse             %.6g\n", q->mse);
    printf("psnr            %.4g dB\n", psnr);
    printf("ssim            %.4f\n", q->ssim);
    return true;
}

static bool run(cli *c)
{
    cli_run r;
    hg_losses losses;
    quality q;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_open(&r, true) &&
              hg_evaluate(r.net, r.data, HG_TEST, &losses) && measure(&r, &q) && print(&r, &losses, &q);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_eval = {
    .name = "eval", .arguments = "RUN",
    .help = "Loss and its parts, MSE, PSNR and SSIM on the test part.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
