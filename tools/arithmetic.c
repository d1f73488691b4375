/* hourglass arithmetic: adds to codes what distinguishes one group of pictures from another. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "codes.h"
#include "pictures.h"
#include "train/folder.h"

static struct { const char *out, *add, *subtract; int64_t count; cli_numbers scale; } o = {.count = 10, .scale = {{0, 0.5, 1, 1.5}, 4}};

static const cli_option options[] = {
    {"add", CLI_TEXT, &o.add, 0, 0, "GROUP",
     "a class of the training part, a .npy file of codes, or a folder of PNG files: their mean code is added"},
    {"subtract", CLI_TEXT, &o.subtract, 0, 0, "GROUP",
     "the same: their mean code is subtracted; where it is a class, its test pictures are changed, else the first ones"},
    {"scale", CLI_NUMBERS, &o.scale, -1e6, 1e6, "0,1", "how much of the difference is added, a row each; default 0,0.5,1,1.5"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many pictures in a row; default 10"},
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png", "rows: pictures, and below them what their changed codes decode to"},
    {0},
};

/* ---- groups and their mean codes */

static bool is_codes(const char *what) { return hg_ends_with(what, ".npy"); }

/* The number of a class of the data; -1 with a failure recorded. */
static int class_of(cli_run *run, const char *option, const char *what)
{
    const int n = hg_dataset_classes(run->data);
    const char **names = hg_arena_alloc(run->c->arena, (size_t)n + 1, sizeof *names);
    for (int i = 0; names && i < n; i++) {
        names[i] = hg_dataset_class_name(run->data, i);
        if (strcmp(names[i], what) == 0) return i;
    }
    if (names && n == 0)
        hg_fail(run->c->ctx, HG_BAD_INPUT,
                "--%s %s: the data has no labels; give a .npy file of codes or a folder of PNG files, or data with classes",
                option, what);
    if (names && n > 0)
        hg_fail(run->c->ctx, HG_USAGE, "--%s %s: neither a class of the data, which are %s to %s, nor a .npy file or a folder%s",
                option, what, names[0], names[n - 1], cli_suggest(run->c, what, names, n));
    return -1;
}

/* Sums of codes on the way to their mean. */
typedef struct sums { int64_t n; double *sum; } sums;

static void add_code(const cli_run *run, const float *code, sums *s)
{
    s->n++;
    for (size_t k = 0; k < run->code_n; k++) s->sum[k] += code[k];
}

/* The code of picture `at` of a part into `code`, which has room for it. */
static bool encode(cli_run *run, hg_part part, int64_t at, float *code)
{
    float *x = cli_run_inputs(run, part, at, 1);
    bool ok = x && cli_run_encode(run, part, at, 1, x, code);
    hg_free(x);
    return ok;
}

static bool add_class(cli_run *run, int label, sums *s)
{
    float *code = hg_alloc(run->c->ctx, run->code_n, sizeof *code);
    bool ok = code != NULL;
    for (int64_t i = 0; ok && i < hg_dataset_count(run->data, HG_TRAIN); i++) {
        if (hg_dataset_label(run->data, HG_TRAIN, i) != label) continue;
        ok = encode(run, HG_TRAIN, i, code);
        if (ok) add_code(run, code, s);
    }
    hg_free(code);
    return ok;
}

static bool add_folder(cli_run *run, const char *option, const char *path, sums *s)
{
    const cli_texts paths = {{path}, 1};
    pictures p = {0};
    if (hg_model_labels(run->model))
        return hg_fail(run->c->ctx, HG_USAGE,
                       "--%s %s: the model is told labels, which pictures of a folder do not have: give a class or codes", option, path);
    float *code = hg_alloc(run->c->ctx, run->code_n, sizeof *code);
    bool ok = code && pictures_read(run->c, &paths, run->in[0], &p);
    for (int64_t i = 0; ok && i < p.n; i++) {
        const int *shape = p.at[i].shape;
        ok = (shape[1] == run->in[1] && shape[2] == run->in[2]) ||
             hg_fail(run->c->ctx, HG_BAD_INPUT, "--%s %s: %s is %d x %d, but the model reads %d x %d (height x width); add --resize %dx%d",
                     option, path, p.at[i].path, shape[1], shape[2], run->in[1], run->in[2], run->in[1], run->in[2]);
        ok = ok && hg_encode(run->net, 1, p.at[i].x, NULL, code);
        if (ok) add_code(run, code, s);
    }
    hg_free(code);
    pictures_free(&p);
    return ok;
}

static bool add_file(cli_run *run, const char *path, sums *s)
{
    npy_array codes;
    const int64_t n = codes_read(run, path, &codes);
    for (int64_t i = 0; i < n; i++) add_code(run, codes.data + (size_t)i * run->code_n, s);
    hg_free(codes.data);
    return n > 0;
}

/* The mean code of a group into a fresh block. */
static double *mean_of(cli_run *run, const char *option, const char *what)
{
    sums s = {0, hg_alloc(run->c->ctx, run->code_n, sizeof *s.sum)};
    bool ok = s.sum != NULL;
    if (ok && is_codes(what)) ok = add_file(run, what, &s);
    else if (ok && hg_path_is_dir(what)) ok = add_folder(run, option, what, &s);
    else if (ok) {
        const int label = class_of(run, option, what);
        ok = label >= 0 && add_class(run, label, &s);
        if (ok && s.n == 0)
            ok = hg_fail(run->c->ctx, HG_BAD_INPUT, "--%s %s: the training part has no pictures of this class", option, what);
    }
    for (size_t k = 0; ok && k < run->code_n; k++) s.sum[k] /= (double)s.n;
    if (ok) return s.sum;
    hg_free(s.sum);
    return NULL;
}

/* ---- the rows */

/* Which test pictures are changed, at most o.count: those of the subtracted class, or the first. Gives how many. */
static int64_t choose(const cli_run *run, int label, int64_t *at)
{
    int64_t n = 0;
    for (int64_t i = 0; n < o.count && i < hg_dataset_count(run->data, HG_TEST); i++)
        if (label < 0 || hg_dataset_label(run->data, HG_TEST, i) == label) at[n++] = i;
    return n;
}

static bool draw(cli_run *run, int64_t n, const int64_t *at, const double *plus, const double *minus)
{
    const size_t d = run->code_n;
    band bands[CLI_MANY + 1] = {{0}};
    float *x = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *x);
    float *codes = hg_alloc(run->c->ctx, hg_mul((size_t)n, d), sizeof *codes);
    float *z = hg_alloc(run->c->ctx, hg_mul((size_t)n, d), sizeof *z);
    int *labels = hg_alloc(run->c->ctx, (size_t)n, sizeof *labels);
    bool ok = x && codes && z && labels;
    for (int64_t i = 0; ok && i < n; i++) {
        ok = encode(run, HG_TEST, at[i], codes + (size_t)i * d);
        hg_dataset_get(run->data, HG_TEST, at[i], x + (size_t)i * run->out_n);
        labels[i] = hg_dataset_label(run->data, HG_TEST, at[i]);
    }
    bands[0] = (band){"picture", x, {run->out[0], run->out[1], run->out[2]}, NULL};
    for (int k = 0; ok && k < o.scale.n; k++) {
        float *y = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
        const char *name = hg_arena_format(run->c->arena, "x %g", o.scale.at[k]);
        bands[k + 1] = (band){name, y, {run->out[0], run->out[1], run->out[2]}, NULL};
        for (size_t i = 0; i < (size_t)n * d; i++) z[i] = (float)(codes[i] + o.scale.at[k] * (plus[i % d] - minus[i % d]));
        ok = y && name && hg_decode(run->net, n, z, labels, y);
    }
    ok = ok && rows_draw(run->c, o.out, bands, o.scale.n + 1, n);
    for (int k = 0; k <= o.scale.n; k++) hg_free((void *)bands[k].x);
    hg_free(codes);
    hg_free(z);
    hg_free(labels);
    return ok;
}

/* ---- the verb */

static bool change(cli_run *run)
{
    double *plus = mean_of(run, "add", o.add), *minus = plus ? mean_of(run, "subtract", o.subtract) : NULL, square = 0;
    int64_t *at = minus ? hg_alloc(run->c->ctx, (size_t)o.count, sizeof *at) : NULL;
    const bool by_class = at && !is_codes(o.subtract) && !hg_path_is_dir(o.subtract);
    const int64_t n = at ? choose(run, by_class ? class_of(run, "subtract", o.subtract) : -1, at) : 0;
    bool ok = at != NULL;
    for (size_t k = 0; ok && k < run->code_n; k++) square += (plus[k] - minus[k]) * (plus[k] - minus[k]);
    if (ok && n == 0) ok = hg_fail(run->c->ctx, HG_BAD_INPUT, "--subtract %s: the test part has no pictures of this class", o.subtract);
    ok = ok && draw(run, n, at, plus, minus);
    if (ok) printf("the means of %s and %s are %.6g apart\n", o.add, o.subtract, sqrt(square));
    hg_free(plus);
    hg_free(minus);
    hg_free(at);
    return ok;
}

static bool run(cli *c)
{
    if (!o.add || !o.subtract)
        return hg_fail(c->ctx, HG_USAGE, "arithmetic needs --add GROUP and --subtract GROUP: classes, .npy files or folders");
    if (!cli_check_out(c, o.out, cli_png)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_open(&r, true) && change(&r);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_arithmetic = {
    .name = "arithmetic", .arguments = "RUN",
    .help = "Adds the difference of two groups' mean codes to codes and draws what comes out.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
