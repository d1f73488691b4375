/* hourglass inspect: the code itself, as pictures and in figures. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/rng.h"
#include "figures.h"
#include "open.h"
#include "rows.h"

static struct { const char *out, *layout; int64_t count, seed; double random[2]; bool json; } o = {.count = 10, .layout = "positions"};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png",
     "rows: inputs, their codes from black (smallest) to white (largest), their reconstructions"},
    {"layout", CLI_TEXT, &o.layout, 0, 0, "HOW",
     "of codes of channels x height x width: positions (default), a line for each place and in it the channels; "
     "maps, the channels' pictures side by side"},
    {"random", CLI_RANGE, o.random, 0, 0, "A B", "two rows more: codes drawn evenly from A to B, and what is decoded from them"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many pictures in the rows; default 10"},
    {"seed", CLI_INT, &o.seed, 0, 9e18, "N", "which random codes; default 0"},
    {"json", CLI_FLAG, &o.json, 0, 0, NULL, "the figures as JSON"},
    {0},
};

static bool wants_random(void) { return o.random[0] != 0 || o.random[1] != 0; }

/* ---- codes as pictures */

/* The largest divisor up to the square root: n things in so many lines. */
static int lines_of(int n)
{
    int lines = 1;
    for (int i = 2; i * i <= n; i++)
        if (n % i == 0) lines = i;
    return lines;
}

/* Where the number (c, y, x) of a code lies in its picture. */
typedef struct layout { bool maps; int channels, height, width, lines, shape[3]; } layout;

static layout layout_of(const cli_run *run)
{
    const int c = run->code[0], h = run->code[1], w = run->code[2], lines = lines_of(c);
    const bool flat = h == 1 && w == 1, maps = flat || strcmp(o.layout, "maps") == 0;
    return (layout){maps, c, h, w, lines, {1, maps ? lines * h : h * w, maps ? c / lines * w : c}};
}

static void arrange(const layout *l, const float *code, double low, double high, float *to)
{
    for (int c = 0; c < l->channels; c++)
        for (int y = 0; y < l->height; y++)
            for (int x = 0; x < l->width; x++, code++) {
                const int across = l->channels / l->lines;
                const int row = l->maps ? c / across * l->height + y : y * l->width + x, column = l->maps ? c % across * l->width + x : c;
                to[(size_t)row * (size_t)l->shape[2] + (size_t)column] = high > low ? (float)((*code - low) / (high - low)) : 0;
            }
}

/* n codes as pictures in a fresh block. */
static float *draw_codes(cli_run *run, const layout *l, int64_t n, const float *codes, double low, double high)
{
    float *pictures = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->code_n), sizeof *pictures);
    for (int64_t i = 0; pictures && i < n; i++) arrange(l, codes + (size_t)i * run->code_n, low, high, pictures + (size_t)i * run->code_n);
    return pictures;
}

/* ---- figures, of all test pictures */

typedef struct unit_range { double mean_low, mean_high, std_low, std_high; int64_t unused; } unit_range;
typedef struct summary { double low, high, mean, std, zeros; unit_range units; } summary;

static summary summarise(int64_t n, size_t d, const float *codes)
{
    summary s = {INFINITY, -INFINITY, 0, 0, 0, {INFINITY, -INFINITY, INFINITY, -INFINITY, 0}};
    const double all = (double)n * (double)d;
    double squares = 0;
    for (size_t k = 0; k < d; k++) { /* a unit: the same number of every code */
        double sum = 0, square = 0;
        int64_t zeros = 0;
        for (int64_t i = 0; i < n; i++) {
            const double v = codes[(size_t)i * d + k] + 0.0; /* no -0 */
            s.low = fmin(s.low, v), s.high = fmax(s.high, v);
            sum += v;
            square += v * v;
            zeros += v == 0;
        }
        const double mean = sum / (double)n, std = sqrt(fmax(square / (double)n - mean * mean, 0));
        s.mean += sum / all;
        squares += square / all;
        s.zeros += (double)zeros / all;
        s.units.mean_low = fmin(s.units.mean_low, mean), s.units.mean_high = fmax(s.units.mean_high, mean);
        s.units.std_low = fmin(s.units.std_low, std), s.units.std_high = fmax(s.units.std_high, std);
        s.units.unused += zeros == n;
    }
    s.std = sqrt(fmax(squares - s.mean * s.mean, 0));
    return s;
}

static bool print(cli_run *run, int64_t n, const summary *s)
{
    const int *c = run->code;
    if (o.json)
        return figures_print_json(
            run->c, json_pack("{s:I, s:[i, i, i], s:f, s:f, s:f, s:f, s:f, s:I, s:[f, f], s:[f, f]}",
                              "pictures", (json_int_t)n, "code", c[0], c[1], c[2],
                              "minimum", s->low, "maximum", s->high, "mean", s->mean, "std", s->std,
                              "zeros", s->zeros, "unused", (json_int_t)s->units.unused,
                              "unit_means", s->units.mean_low, s->units.mean_high, "unit_stds", s->units.std_low, s->units.std_high));
    printf("codes               %" PRId64 " of %zu numbers (%d x %d x %d)\n", n, run->code_n, c[0], c[1], c[2]);
    printf("range               %.6g to %.6g\n", s->low, s->high);
    printf("mean                %.6g\n", s->mean);
    printf("standard deviation  %.6g\n", s->std);
    printf("zeros               %.2f %%\n", 100 * s->zeros);
    printf("units always zero   %" PRId64 "\n", s->units.unused);
    printf("units' means        %.6g to %.6g\n", s->units.mean_low, s->units.mean_high);
    printf("units' deviations   %.6g to %.6g\n", s->units.std_low, s->units.std_high);
    return true;
}

/* ---- the rows */

/* Codes drawn evenly from the range, and what they decode to. */
static bool draw_random(cli_run *run, int64_t n, const int *labels, float *z, float *y)
{
    hg_rng rng = hg_rng_make((uint64_t)o.seed, HG_STREAM_SAMPLE, 0);
    for (size_t i = 0; z && i < (size_t)n * run->code_n; i++)
        z[i] = (float)(o.random[0] + (o.random[1] - o.random[0]) * hg_rng_uniform(&rng));
    return z && y && hg_decode(run->net, n, z, labels, y);
}

static bool draw(cli_run *run, int64_t n, const float *codes)
{
    hg_context *ctx = run->c->ctx;
    const layout l = layout_of(run);
    const summary s = summarise(n, run->code_n, codes);
    const bool random = wants_random();
    float *x = cli_run_inputs(run, HG_TEST, 0, n), *y = hg_alloc(ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
    float *shown = draw_codes(run, &l, n, codes, s.low, s.high);
    float *z = random ? hg_alloc(ctx, hg_mul((size_t)n, run->code_n), sizeof *z) : NULL;
    float *made = random ? hg_alloc(ctx, hg_mul((size_t)n, run->out_n), sizeof *made) : NULL;
    int *labels = NULL; /* those of the pictures, for all that is decoded */
    bool ok = x && y && shown && cli_run_labels(run, HG_TEST, 0, n, &labels) && hg_decode(run->net, n, codes, labels, y) &&
              (!random || draw_random(run, n, labels, z, made));
    float *drawn = ok && random ? draw_codes(run, &l, n, z, o.random[0], o.random[1]) : NULL;
    const band bands[] = {{"input", x, {run->in[0], run->in[1], run->in[2]}, NULL},
                          {"code", shown, {1, l.shape[1], l.shape[2]}, NULL},
                          {"output", y, {run->out[0], run->out[1], run->out[2]}, NULL},
                          {"random code", drawn, {1, l.shape[1], l.shape[2]}, NULL},
                          {"its output", made, {run->out[0], run->out[1], run->out[2]}, NULL}};
    ok = ok && (drawn || !random) && rows_draw(run->c, o.out, bands, random ? 5 : 3, n);
    float *const blocks[] = {x, y, shown, z, made, drawn};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) hg_free(blocks[i]);
    hg_free(labels);
    return ok;
}

/* ---- the verb */

static bool inspect(cli_run *run)
{
    const int64_t n = hg_dataset_count(run->data, HG_TEST);
    float *codes = cli_run_codes(run, HG_TEST, n);
    bool ok = codes != NULL;
    const summary s = ok ? summarise(n, run->code_n, codes) : (summary){0};
    ok = ok && draw(run, o.count < n ? o.count : n, codes) && print(run, n, &s);
    hg_free(codes);
    return ok;
}

static bool check_options(cli *c)
{
    static const char *const layouts[] = {"positions", "maps"};
    if (!cli_check_out(c, o.out, cli_png)) return false;
    if (strcmp(o.layout, layouts[0]) != 0 && strcmp(o.layout, layouts[1]) != 0)
        return hg_fail(c->ctx, HG_USAGE, "--layout %s: expected positions or maps%s", o.layout, cli_suggest(c, o.layout, layouts, 2));
    return !wants_random() || o.random[0] < o.random[1] ||
           hg_fail(c->ctx, HG_USAGE, "--random %g %g: the first must be the smaller", o.random[0], o.random[1]);
}

static bool run(cli *c)
{
    if (!check_options(c)) return false;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_open(&r, true) && inspect(&r);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_inspect = {
    .name = "inspect", .arguments = "RUN",
    .help = "Draws codes as pictures and prints their range, mean and sparsity.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
