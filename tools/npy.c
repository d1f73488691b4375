#include "npy.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"

enum { PREFIX = 10, ALIGN = 64 };
static const char magic[] = "\x93NUMPY\x01";

/* ---- reading */

/* The text behind 'KEY': in the header, NULL if absent. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    while (*at == ' ') at++;
    if (*at++ != ':') return NULL;
    while (*at == ' ') at++;
    return at;
}

/* "(2, 3)", "(5,)" */
static bool parse_shape(const char *text, npy_array *a)
{
    if (*text++ != '(') return false;
    a->count = 1;
    for (a->rank = 0;; a->rank++) {
        while (*text == ' ') text++;
        if (*text == ')') return true;
        if (a->rank == NPY_RANK || !isdigit((unsigned char)*text)) return false;
        int64_t n = 0;
        for (; isdigit((unsigned char)*text); text++) {
            if (n > INT64_MAX / 16) return false;
            n = 10 * n + (*text - '0');
        }
        a->shape[a->rank] = n;
        a->count = hg_mul(a->count, (size_t)n);
        while (*text == ' ') text++;
        if (*text == ',') text++;
        else if (*text != ')') return false;
    }
}

static bool parse_header(hg_context *ctx, const char *path, const char *header, npy_array *a)
{
    const char *descr = value_of(header, "'descr'"), *order = value_of(header, "'fortran_order'"),
               *shape = value_of(header, "'shape'");
    if (!descr || !order || !shape)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: the .npy header lacks descr, fortran_order or shape", path);
    if (strncmp(descr, "'<f4'", 5) != 0)
        return hg_fail(ctx, HG_BAD_INPUT,
                       "%s: numbers of kind %.*s; expected '<f4': save it with array.astype('float32')", path,
                       (int)strcspn(descr, ",}"), descr);
    if (strncmp(order, "False", 5) != 0)
        return hg_fail(ctx, HG_BAD_INPUT,
                       "%s: the array is in Fortran order: save it with numpy.ascontiguousarray(array)", path);
    return parse_shape(shape, a) ||
           hg_fail(ctx, HG_BAD_INPUT, "%s: the shape in the .npy header makes no sense: %.40s", path, shape);
}

static bool check(hg_context *ctx, const char *path, const uint8_t *file, size_t length, npy_array *a)
{
    char header[4096];
    if (length < PREFIX || memcmp(file, magic, 7) != 0)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: is no .npy file of format 1.0", path);
    size_t n = (size_t)file[8] | (size_t)file[9] << 8;
    if (n >= sizeof header || PREFIX + n > length)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: truncated, or its header is too long (%zu bytes)", path, n);
    memcpy(header, file + PREFIX, n);
    header[n] = 0;
    if (!parse_header(ctx, path, header, a)) return false;
    size_t have = length - PREFIX - n, want = hg_mul(a->count, sizeof(float));
    if (have != want)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: holds %zu bytes of numbers, but its shape needs %zu: %s", path, have,
                       want, have < want ? "truncated" : "too long");
    a->data = hg_alloc(ctx, a->count ? a->count : 1, sizeof(float));
    if (!a->data) return false;
    memcpy(a->data, file + PREFIX + n, want);
    for (size_t i = 0; i < a->count; i++)
        if (!isfinite(a->data[i]))
            return hg_fail(ctx, HG_BAD_INPUT, "%s: number %zu is %g", path, i, (double)a->data[i]);
    return true;
}

bool npy_read(hg_context *ctx, const char *path, npy_array *array)
{
    uint8_t *file;
    size_t length;
    *array = (npy_array){0};
    if (!hg_file_read(ctx, path, (size_t)1 << 34, &file, &length)) return false;
    bool ok = check(ctx, path, file, length, array);
    hg_free(file);
    if (!ok) {
        hg_free(array->data);
        array->data = NULL;
    }
    return ok;
}

/* ---- writing */

bool npy_write(hg_context *ctx, const char *path, int rank, const int64_t *shape, const float *data)
{
    char header[512] = {0}, sizes[256] = "";
    size_t count = 1;
    for (int i = 0, n = 0; i < rank; i++) {
        n += snprintf(sizes + n, sizeof sizes - (size_t)n, "%s%" PRId64 "%s", i ? ", " : "", shape[i],
                      rank == 1 ? "," : "");
        count = hg_mul(count, (size_t)shape[i]);
    }
    int n = snprintf(header + PREFIX, sizeof header - PREFIX,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", sizes);
    size_t total = ((size_t)(PREFIX + n + 1) + ALIGN - 1) / ALIGN * ALIGN;
    memset(header + PREFIX + n, ' ', total - (size_t)(PREFIX + n));
    header[total - 1] = '\n';
    memcpy(header, magic, 7);
    header[7] = 0;
    header[8] = (char)((total - PREFIX) & 255);
    header[9] = (char)((total - PREFIX) >> 8);
    hg_writer *writer = hg_writer_open(ctx, path);
    if (writer && hg_writer_put(writer, header, total) && hg_writer_put(writer, data, hg_mul(count, sizeof(float))))
        return hg_writer_commit(writer);
    hg_writer_abort(writer);
    return false;
}
