/* hourglass decode: codes to pictures. */
#include <inttypes.h>
#include <string.h>
#include "base/file.h"
#include "codes.h"
#include "rows.h"

static struct { const char *codes, *out; int64_t label; } o = {.label = -1};

static const cli_option options[] = {
    {"codes", CLI_TEXT, &o.codes, 0, 0, "FILE.npy", "float32 codes, as `encode` writes them"},
    CLI_LABEL(&o.label),
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png|DIR", "one picture of all, or a folder for a file each"},
    {0},
};

static bool is_png(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".png") == 0 && !hg_path_is_dir(path);
}

static bool check_out(cli *c)
{
    if (o.out && is_png(o.out)) return cli_check_out(c, o.out, cli_png);
    if (!o.out) return hg_fail(c->ctx, HG_USAGE, "decode needs --out FILE.png or --out DIR");
    return cli_check_folder(c, "out", o.out);
}

static bool decode(cli_run *run, int64_t n, const npy_array *codes)
{
    enum { GRID_LIMIT = 4096 };
    bool grid = is_png(o.out);
    if (grid && n > GRID_LIMIT)
        return hg_fail(run->c->ctx, HG_USAGE,
                       "%s: %" PRId64 " codes are too many for one picture (at most %d): give a folder as --out",
                       o.codes, n, GRID_LIMIT);
    if (!cli_run_open(run, false)) return false;
    float *y = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
    const band pictures = {NULL, y, {run->out[0], run->out[1], run->out[2]}, NULL};
    bool ok = y && cli_run_decode(run, o.label, n, codes->data, y) &&
              (grid ? cli_run_draw(run, y, n, 0, o.out) : rows_write(run->c, o.out, &pictures, n));
    hg_free(y);
    return ok;
}

static bool run(cli *c)
{
    if (!o.codes) return hg_fail(c->ctx, HG_USAGE, "decode needs --codes FILE.npy");
    if (!check_out(c)) return false;
    cli_run r;
    npy_array codes = {0};
    bool ok = cli_run_read(c, c->args[0], &r) && cli_run_need_pictures(&r) && cli_run_need_label(&r, o.label);
    int64_t n = ok ? codes_read(&r, o.codes, &codes) : -1;
    ok = n > 0 && decode(&r, n, &codes);
    hg_free(codes.data);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_decode = {
    .name = "decode", .arguments = "RUN",
    .help = "Draws the pictures that codes in a .npy file stand for.",
    .options = options, .groups = CLI_DEVICE, .min_args = 1, .max_args = 1, .run = run,
};
