#include "train/safetensors.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors are little-endian; add byte swapping before building for this machine"
#endif

/* The format's own limit. */
#define HEADER_LIMIT 100000000u

struct hg_safetensors {
    hg_context *ctx;
    hg_arena *arena;
    const char *path;
    FILE *file;
    uint64_t data_start, data_bytes;
    hg_safetensor *tensors;
    int count;
    hg_metadata *metadata;
    int n_metadata;
};

static const struct { const char *name; unsigned bytes; bool readable; } types[] = {
    {"F32", 4, true}, {"F16", 2, true}, {"BF16", 2, true}, {"F64", 8, true}, {"I64", 8, false}, {"U64", 8, false},
    {"I32", 4, false}, {"U32", 4, false}, {"I16", 2, false}, {"U16", 2, false}, {"I8", 1, false}, {"U8", 1, false},
    {"BOOL", 1, false}, {"F8_E4M3", 1, false}, {"F8_E5M2", 1, false},
};
enum { TYPES = sizeof types / sizeof types[0] };

static int type_find(const char *name)
{
    for (int i = 0; i < TYPES; i++)
        if (!strcmp(types[i].name, name))
            return i;
    return -1;
}

/* ---------------------------------------------------------------- reading */

/* Text from a file inside a message: control characters could otherwise forge lines on a terminal. */
static const char *shown(hg_safetensors *file, const char *text)
{
    char *copy = hg_arena_format(file->arena, "%.80s%s", text, strlen(text) > 80 ? "..." : "");
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p < 32 || *p == 127)
            *p = '?';
    return copy ? copy : "";
}

static bool parse_shape(hg_safetensors *file, hg_safetensor *tensor, const json_t *shape)
{
    if (!json_is_array(shape) || json_array_size(shape) > HG_SAFETENSOR_RANK)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': expected `shape` as a list of at most %d sizes",
                       file->path, shown(file, tensor->name), HG_SAFETENSOR_RANK);
    tensor->rank = (int)json_array_size(shape);
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': size %d of its shape is not a whole number from 0 up",
                           file->path, shown(file, tensor->name), i + 1);
        tensor->shape[i] = json_integer_value(size);
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count))
            return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': its shape has more than 2^63 elements", file->path,
                           shown(file, tensor->name));
    }
    return true;
}

static bool parse_tensor(hg_safetensors *file, hg_safetensor *tensor, const char *name, const json_t *entry)
{
    tensor->name = hg_arena_text(file->arena, name);
    if (!tensor->name)
        return false;
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!dtype || json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
        !json_is_integer(json_array_get(offsets, 1)) || json_object_size(entry) != 3)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': expected exactly `dtype`, `shape` and "
                       "`data_offsets` [begin, end]",
                       file->path, shown(file, name));
    int type = type_find(dtype);
    if (type < 0)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': unknown dtype '%s', expected F32, F16, BF16 or F64",
                       file->path, shown(file, name), shown(file, dtype));
    tensor->dtype = types[type].name;
    if (!parse_shape(file, tensor, json_object_get(entry, "shape")))
        return false;
    int64_t begin = json_integer_value(json_array_get(offsets, 0)), end = json_integer_value(json_array_get(offsets, 1));
    int64_t bytes;
    if (begin < 0 || end < begin || (uint64_t)end > file->data_bytes)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': data_offsets [%lld, %lld] do not lie in the file's "
                       "%llu bytes of data; the file is damaged or truncated",
                       file->path, shown(file, name), (long long)begin, (long long)end,
                       (unsigned long long)file->data_bytes);
    if (__builtin_mul_overflow(tensor->count, (int64_t)types[type].bytes, &bytes) || bytes != end - begin)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s': data_offsets give %lld bytes, but its shape has "
                       "%lld elements of %u bytes (%s)",
                       file->path, shown(file, name), (long long)(end - begin), (long long)tensor->count,
                       types[type].bytes, dtype);
    tensor->offset = (uint64_t)begin;
    tensor->bytes = (uint64_t)bytes;
    return true;
}

static bool parse_metadata(hg_safetensors *file, json_t *map)
{
    if (!json_is_object(map))
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: __metadata__ is not a map from names to texts", file->path);
    file->metadata = hg_arena_alloc(file->arena, json_object_size(map) + 1, sizeof(hg_metadata));
    if (!file->metadata)
        return false;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        if (!json_is_string(value))
            return hg_fail(file->ctx, HG_BAD_INPUT, "%s: __metadata__ entry '%s' is not a text", file->path,
                           shown(file, key));
        hg_metadata *entry = &file->metadata[file->n_metadata++];
        entry->key = hg_arena_text(file->arena, key);
        entry->value = hg_arena_text(file->arena, json_string_value(value));
        if (!entry->key || !entry->value)
            return false;
    }
    return true;
}

/* By offset; empty tensors before the tensor that begins at the same place. */
static int by_offset(const void *a, const void *b)
{
    const hg_safetensor *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool check_coverage(hg_safetensors *file)
{
    uint64_t end = 0;
    for (int i = 0; i < file->count; i++) {
        const hg_safetensor *tensor = &file->tensors[i];
        if (tensor->offset != end)
            return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s' begins at byte %llu of the data, but the one "
                           "before it ends at %llu (%s)",
                           file->path, shown(file, tensor->name), (unsigned long long)tensor->offset,
                           (unsigned long long)end,
                           tensor->offset < end ? "they overlap" : "a gap");
        end += tensor->bytes;
    }
    if (end != file->data_bytes)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: over-long: its tensors need %llu bytes of data, found %llu",
                       file->path,
                       (unsigned long long)end, (unsigned long long)file->data_bytes);
    return true;
}

static bool parse_header(hg_safetensors *file, const char *text, size_t length)
{
    bool done = false;
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        hg_fail(file->ctx, HG_BAD_INPUT, "%s: its header is not valid JSON at byte %d: %s", file->path, error.position,
                shown(file, error.text));
        goto fail;
    }
    if (!json_is_object(root)) {
        hg_fail(file->ctx, HG_BAD_INPUT, "%s: its header is not a JSON object; this is not a safetensors file", file->path);
        goto fail;
    }
    file->tensors = hg_arena_alloc(file->arena, json_object_size(root) + 1, sizeof(hg_safetensor));
    if (!file->tensors)
        goto fail;
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry) {
        bool good = !strcmp(name, "__metadata__") ? parse_metadata(file, entry)
                                                  : parse_tensor(file, &file->tensors[file->count++], name, entry);
        if (!good)
            goto fail;
    }
    qsort(file->tensors, (size_t)file->count, sizeof(hg_safetensor), by_offset);
    done = check_coverage(file);
fail:
    json_decref(root);
    return done;
}

/* The length field against the file's size, then the header's text. */
static bool read_header(hg_safetensors *file)
{
    uint8_t field[8];
    uint64_t length = 0;
    bool done = false;
    char *text = NULL;
    if (fseeko(file->file, 0, SEEK_END))
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: not a regular file: %s", file->path, strerror(errno));
    uint64_t size = (uint64_t)ftello(file->file);
    rewind(file->file);
    size_t got = fread(field, 1, sizeof field, file->file);
    if (got < sizeof field)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: %s: a safetensors file begins with 8 bytes of header length, "
                       "found %zu bytes",
                       file->path, got ? "truncated" : "empty", got);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | field[i];
    if (length > HEADER_LIMIT)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: not a safetensors file: header length %llu, at most %u expected",
                       file->path,
                       (unsigned long long)length, HEADER_LIMIT);
    if (length > size - 8)
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: truncated, or not a safetensors file: a header of %llu bytes "
                       "expected, found %llu",
                       file->path, (unsigned long long)length, (unsigned long long)(size - 8));
    text = hg_alloc(file->ctx, (size_t)length + 1, 1);
    if (!text)
        return false;
    if (fread(text, 1, (size_t)length, file->file) != length) {
        hg_fail(file->ctx, HG_BAD_INPUT, "%s: cannot read its header: %s", file->path, strerror(errno));
        goto fail;
    }
    file->data_start = 8 + length;
    file->data_bytes = size - file->data_start;
    done = parse_header(file, text, (size_t)length);
fail:
    hg_free(text);
    return done;
}

hg_safetensors *hg_safetensors_open(hg_context *ctx, const char *path)
{
    hg_safetensors *file = HG_NEW(ctx, hg_safetensors);
    if (!file)
        return NULL;
    file->ctx = ctx;
    file->arena = hg_arena_create(ctx);
    if (!file->arena || !(file->path = hg_arena_text(file->arena, path)))
        goto fail;
    if (hg_path_is_dir(path)) {
        hg_fail(ctx, HG_BAD_INPUT, "%s: is a folder, expected a safetensors file", path);
        goto fail;
    }
    file->file = fopen(path, "rb");
    if (!file->file) {
        hg_fail(ctx, HG_BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
        goto fail;
    }
    if (!read_header(file))
        goto fail;
    return file;
fail:
    hg_safetensors_close(file);
    return NULL;
}

void hg_safetensors_close(hg_safetensors *file)
{
    if (!file)
        return;
    if (file->file)
        fclose(file->file);
    hg_arena_destroy(file->arena);
    hg_free(file);
}

int hg_safetensors_count(const hg_safetensors *file) { return file->count; }

const hg_safetensor *hg_safetensors_at(const hg_safetensors *file, int index)
{
    return index >= 0 && index < file->count ? &file->tensors[index] : NULL;
}

const hg_safetensor *hg_safetensors_find(const hg_safetensors *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

const char *hg_safetensors_meta(const hg_safetensors *file, const char *key)
{
    for (int i = 0; i < file->n_metadata; i++)
        if (!strcmp(file->metadata[i].key, key))
            return file->metadata[i].value;
    return NULL;
}

bool hg_safetensor_readable(const hg_safetensor *tensor) { return types[type_find(tensor->dtype)].readable; }

/* IEEE 754 binary16 to binary32: exact. */
static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023, bits;
    float value;
    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24 */
        value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void convert(const char *dtype, const uint8_t *from, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        double wide;
        if (!strcmp(dtype, "F64")) {
            memcpy(&wide, from + 8 * i, 8);
            out[i] = (float)wide;
            continue;
        }
        memcpy(&half, from + 2 * i, 2);
        uint32_t bits = (uint32_t)half << 16;
        if (!strcmp(dtype, "BF16"))
            memcpy(&out[i], &bits, 4);
        else
            out[i] = from_half(half);
    }
}

bool hg_safetensors_read(hg_safetensors *file, const hg_safetensor *tensor, float *out)
{
    if (!hg_safetensor_readable(tensor))
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: tensor '%s' has dtype %s, expected F32, F16, BF16 or F64", file->path,
                       shown(file, tensor->name), tensor->dtype);
    size_t size = types[type_find(tensor->dtype)].bytes, done = 0, count = (size_t)tensor->count;
    if (fseeko(file->file, (off_t)(file->data_start + tensor->offset), SEEK_SET))
        return hg_fail(file->ctx, HG_BAD_INPUT, "%s: cannot be read: %s", file->path, strerror(errno));
    while (done < count) {
        uint8_t block[8192];
        bool direct = size == 4; /* F32, the usual case, goes straight to its place */
        size_t n = direct || count - done < sizeof block / size ? count - done : sizeof block / size;
        if (fread(direct ? (uint8_t *)out : block, size, n, file->file) != n)
            return hg_fail(file->ctx, HG_BAD_INPUT, "%s: cannot read tensor '%s' to its end; was the file changed "
                           "meanwhile?",
                           file->path, shown(file, tensor->name));
        if (!direct)
            convert(tensor->dtype, block, n, out + done);
        done += n;
    }
    return true;
}

/* ---------------------------------------------------------------- writing */

/* {"dtype", "shape", "data_offsets"} of a tensor whose data begins at *offset, which moves on. NULL: no memory. */
static json_t *entry_make(const hg_safetensor *tensor, uint64_t *offset)
{
    uint64_t count = 1;
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++) {
        count *= (uint64_t)tensor->shape[i];
        json_array_append_new(shape, json_integer(tensor->shape[i]));
    }
    uint64_t begin = *offset;
    *offset += count * sizeof(float);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)*offset);
}

/* The header as a fresh text, `length` bytes, padded with spaces so that the data begins at a multiple of 8. */
static char *header_make(hg_context *ctx, const hg_safetensor *tensors, int n, const hg_metadata *metadata, int n_metadata,
                         size_t *length)
{
    char *text = NULL;
    uint64_t offset = 0;
    json_t *root = json_object(), *map = json_object();
    for (int i = 0; i < n_metadata; i++)
        if (json_object_get(map, metadata[i].key) ||
            json_object_set_new(map, metadata[i].key, json_string(metadata[i].value))) {
            hg_fail(ctx, HG_INTERNAL, "safetensors metadata '%s' is not UTF-8 text or given twice", metadata[i].key);
            goto fail;
        }
    if (n_metadata && json_object_set(root, "__metadata__", map)) {
        hg_fail(ctx, HG_INTERNAL, "out of host memory for a safetensors header");
        goto fail;
    }
    for (int i = 0; i < n; i++)
        if (json_object_get(root, tensors[i].name) ||
            json_object_set_new(root, tensors[i].name, entry_make(&tensors[i], &offset))) {
            hg_fail(ctx, HG_INTERNAL, "safetensors name '%s' is not UTF-8 text or given twice", tensors[i].name);
            goto fail;
        }
    size_t unpadded = json_dumpb(root, NULL, 0, JSON_COMPACT);
    *length = hg_add(unpadded, 7) / 8 * 8;
    text = hg_alloc(ctx, *length, 1);
    if (text) {
        memset(text, ' ', *length);
        json_dumpb(root, text, unpadded, JSON_COMPACT);
    }
fail:
    json_decref(map);
    json_decref(root);
    return text;
}

bool hg_safetensors_write(hg_context *ctx, const char *path, const hg_safetensor *tensors, int n,
                          const hg_metadata *metadata, int n_metadata)
{
    bool done = false;
    hg_writer *writer = NULL;
    size_t length = 0;
    char *text = header_make(ctx, tensors, n, metadata, n_metadata, &length);
    if (!text)
        return false;
    uint64_t field = length; /* little-endian, as checked above */
    writer = hg_writer_open(ctx, path);
    if (!writer || !hg_writer_put(writer, &field, sizeof field) || !hg_writer_put(writer, text, length))
        goto fail;
    for (int i = 0; i < n; i++) {
        size_t count = 1;
        for (int k = 0; k < tensors[i].rank; k++)
            count = hg_mul(count, (size_t)tensors[i].shape[k]);
        if (!hg_writer_put(writer, tensors[i].data, hg_mul(count, sizeof(float))))
            goto fail;
    }
    done = hg_writer_commit(writer);
    writer = NULL;
fail:
    hg_writer_abort(writer);
    hg_free(text);
    return done;
}
