#include "baseline.h"

#include <string.h>

enum { SAMPLE = 10000 }; /* training pictures for PCA */
typedef enum means { INPUT, NEAREST, BILINEAR, MEAN, PCA } means;

static void add(baselines *b, means kind, const char *name)
{
    b->kinds[b->n] = kind;
    b->names[b->n++] = name;
}

static bool is_small(const cli_run *run) { return run->in[1] < run->out[1] || run->in[2] < run->out[2]; }

static bool find_mean(cli_run *run, float *mean)
{
    const int64_t n = hg_dataset_count(run->data, HG_TRAIN);
    float *x = hg_alloc(run->c->ctx, run->out_n, sizeof *x);
    double *sum = hg_alloc(run->c->ctx, run->out_n, sizeof *sum);
    for (int64_t i = 0; x && sum && i < n; i++) {
        hg_dataset_get(run->data, HG_TRAIN, i, x);
        for (size_t k = 0; k < run->out_n; k++) sum[k] += x[k];
    }
    for (size_t k = 0; sum && k < run->out_n; k++) mean[k] = (float)(sum[k] / (double)n);
    const bool ok = x && sum;
    hg_free(x);
    hg_free(sum);
    return ok;
}

/* Multiply-adds: the covariance's, and those of about twenty rounds of subspace iteration; 10^10 take about a second. */
bool pca_is_quick(int64_t n, size_t d, size_t k)
{
    const double square = (double)d * (double)d;
    return (double)n * square / 2 + 80 * square * (2 * (double)k + 8) < 4e10;
}

static bool find_components(cli_run *run, bool patient, baselines *b)
{
    const int64_t all = hg_dataset_count(run->data, HG_TRAIN), n = all < SAMPLE ? all : SAMPLE;
    if (run->code_n >= run->out_n) return true;
    if (!patient && !pca_is_quick(n, run->out_n, run->code_n)) {
        cli_say(run->c, "PCA of %zu numbers to %zu is not compared with, as it takes long; --pca asks for it", run->out_n, run->code_n);
        return true;
    }
    hg_context *ctx = run->c->ctx;
    const size_t k = run->code_n;
    b->components = hg_alloc(ctx, hg_mul(k, run->out_n), sizeof *b->components);
    b->codes = hg_alloc(ctx, k, sizeof *b->codes);
    float *x = cli_run_pictures(run, HG_TRAIN, 0, n), *mean = hg_alloc(ctx, run->out_n, sizeof *mean);
    float *variances = hg_alloc(ctx, k, sizeof *variances);
    bool ok = b->components && b->codes && x && mean && variances &&
              hg_pca(ctx, n, (int)run->out_n, x, (int)k, mean, b->components, variances);
    hg_free(x);
    hg_free(mean);
    hg_free(variances);
    if (ok) b->k = (int)k;
    return ok;
}

bool baselines_open(cli_run *run, bool patient, baselines *b)
{
    *b = (baselines){.run = run};
    if (is_small(run)) add(b, NEAREST, "nearest"), add(b, BILINEAR, "bilinear");
    else if (hg_model_is_corrupted(run->model)) add(b, INPUT, "noisy input");
    add(b, MEAN, "mean picture");
    b->mean = hg_alloc(run->c->ctx, run->out_n, sizeof *b->mean);
    b->small = hg_alloc(run->c->ctx, run->out_n, sizeof *b->small);
    if (!b->mean || !b->small || !find_mean(run, b->mean) || !find_components(run, patient, b)) return false;
    const char *name = b->k ? hg_arena_format(run->c->arena, "PCA, %d numbers", b->k) : NULL;
    if (name) add(b, PCA, name);
    return name || !b->k;
}

void baselines_close(baselines *b)
{
    hg_free(b->mean);
    hg_free(b->components);
    hg_free(b->small);
    hg_free(b->codes);
}

/* One picture: what the network sees, in the output's size. */
static void enlarge(const cli_run *run, hg_enlargement how, const float *x, float *y)
{
    hg_enlarge(how, run->in[0], run->in[1], run->in[2], x, run->out[1], run->out[2], y);
}

void baselines_make(const baselines *b, int i, int64_t n, const float *x, float *y)
{
    const cli_run *run = b->run;
    const int d = (int)run->out_n;
    for (int64_t at = 0; at < n; at++, x += run->in_n, y += run->out_n)
        switch ((means)b->kinds[i]) {
        case INPUT:
        case BILINEAR: enlarge(run, HG_BILINEAR, x, y); break;
        case NEAREST: enlarge(run, HG_NEAREST, x, y); break;
        case MEAN: memcpy(y, b->mean, run->out_n * sizeof *y); break;
        case PCA:
            enlarge(run, HG_BILINEAR, x, b->small);
            hg_pca_project(1, d, b->small, b->k, b->mean, b->components, b->codes);
            hg_pca_restore(1, d, b->codes, b->k, b->mean, b->components, y);
        }
}
