#include "codes.h"

#include <inttypes.h>

/* How many codes the array holds, -1 if it holds none of this model. One code may come without the leading 1. */
static int64_t count_codes(const cli_run *run, const npy_array *a)
{
    const int *code = run->code;
    bool flat = code[1] == 1 && code[2] == 1;
    if (a->rank == 1 && flat && a->shape[0] == code[0]) return 1;
    if (a->rank == 2 && (size_t)a->shape[1] == run->code_n) return a->shape[0];
    if (a->rank == 3 && a->shape[0] == code[0] && a->shape[1] == code[1] && a->shape[2] == code[2]) return 1;
    if (a->rank == 4 && a->shape[1] == code[0] && a->shape[2] == code[1] && a->shape[3] == code[2]) return a->shape[0];
    return -1;
}

static bool fail_shape(const cli_run *run, const char *path, const npy_array *a)
{
    const char *shape = "";
    for (int i = 0; i < a->rank && shape; i++)
        shape = hg_arena_format(run->c->arena, "%s%s%" PRId64, shape, i ? ", " : "", a->shape[i]);
    const int *code = run->code;
    if (code[1] == 1 && code[2] == 1)
        return hg_fail(run->c->ctx, HG_BAD_INPUT, "%s: an array [%s]; the codes of %s are [N, %d]", path,
                       shape ? shape : "", hg_model_name(run->model), code[0]);
    return hg_fail(run->c->ctx, HG_BAD_INPUT, "%s: an array [%s]; the codes of %s are [N, %d, %d, %d]", path,
                   shape ? shape : "", hg_model_name(run->model), code[0], code[1], code[2]);
}

int64_t codes_read(const cli_run *run, const char *path, npy_array *codes)
{
    *codes = (npy_array){0};
    if (!npy_read(run->c->ctx, path, codes)) return -1;
    const int64_t n = count_codes(run, codes);
    if (n < 0) fail_shape(run, path, codes);
    if (n == 0) hg_fail(run->c->ctx, HG_BAD_INPUT, "%s: holds no code", path);
    return n > 0 ? n : -1;
}
