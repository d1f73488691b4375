/* hourglass encode: pictures to codes. */
#include <inttypes.h>
#include <string.h>
#include "npy.h"
#include "open.h"

static struct { const char *out, *part; bool as_input; } o;

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.npy",
     "the codes, float32: [N, Z], or [N, C, H, W] where the code is not flat"},
    {"as-input", CLI_FLAG, &o.as_input, 0, 0, NULL, CLI_AS_INPUT},
    {"part", CLI_TEXT, &o.part, 0, 0, "PART", "test (default) or train"},
    {0},
};

static bool write_codes(cli_run *run, const float *codes, int64_t n)
{
    bool flat = run->code[1] == 1 && run->code[2] == 1;
    const int64_t shape[4] = {n, run->code[0], run->code[1], run->code[2]};
    if (!npy_write(run->c->ctx, o.out, flat ? 2 : 4, shape, codes)) return false;
    cli_say(run->c, "%swrote %s%s: %" PRId64 " codes of %zu numbers", cli_bold(run->c), o.out, cli_plain(run->c), n,
            run->code_n);
    return true;
}

static bool run(cli *c)
{
    static const char *const endings[] = {".npy", NULL};
    if (!cli_check_out(c, o.out, endings)) return false;
    if (o.part && strcmp(o.part, "test") != 0 && strcmp(o.part, "train") != 0)
        return hg_fail(c->ctx, HG_USAGE, "--part %s: expected test or train", o.part);
    hg_part part = o.part && strcmp(o.part, "train") == 0 ? HG_TRAIN : HG_TEST;
    cli_run r;
    bool ok = cli_run_read(c, c->args[0], &r);
    r.as_input = o.as_input;
    ok = ok && cli_run_open(&r, true);
    int64_t n = ok ? hg_dataset_count(r.data, part) : 0;
    float *codes = ok ? cli_run_codes(&r, part, n) : NULL;
    ok = codes && write_codes(&r, codes, n);
    hg_free(codes);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_encode = {
    .name = "encode", .arguments = "RUN",
    .help = "Writes the codes of pictures to a .npy file.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
