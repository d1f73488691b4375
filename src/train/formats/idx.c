/* IDX, MNIST's format (yann.lecun.com/exdb/mnist): a big-endian header, two zero bytes, a type byte (8: unsigned bytes), the
 * number of dimensions, each dimension as 4 bytes; then the bytes. Plain or gzipped. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "train/folder.h"
#include "train/formats/format.h"
#include "train/reader.h"

static const char *const names[] = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", NULL,
};

static bool is_known(const char *path, const char *name)
{
    (void)path;
    for (int i = 0; names[i]; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static bool detect(const char *path) { return path && hg_folder_any(path, is_known); }

/* Reads the header of a file with `rank` dimensions into sizes, and checks the file's length against it. */
static bool read_header(hg_dataset *data, hg_reader *reader, int rank, uint32_t sizes[3])
{
    uint8_t field[4];
    char why[64];
    const char *path = hg_reader_path(reader);
    if (!hg_reader_get(reader, field, 4))
        return false;
    if (field[0] || field[1])
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: not an IDX file: expected to begin with bytes 00 00 08 %02X, "
                       "found %02X %02X %02X %02X",
                       path, rank, field[0], field[1], field[2], field[3]);
    if (field[2] != 8)
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: wrong type: its type byte is 0x%02X, expected 0x08 (unsigned "
                       "bytes); convert it to bytes 0 to 255",
                       path, field[2]);
    if (field[3] != rank)
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: %d dimensions, expected %d (%s); are images and labels mixed up?",
                       path, field[3], rank,
                       rank == 3 ? "pictures, rows, columns" : "labels");
    uint64_t bytes = 1;
    for (int i = 0; i < rank; i++) {
        if (!hg_reader_get(reader, field, 4))
            return false;
        sizes[i] = (uint32_t)field[0] << 24 | (uint32_t)field[1] << 16 | (uint32_t)field[2] << 8 | field[3];
        if (sizes[i] < 1 || sizes[i] > (i ? 16384u : (uint32_t)INT32_MAX))
            return hg_fail(data->ctx, HG_BAD_INPUT, "%s: dimension %d of its header is %" PRIu32 ", expected 1 to %d; "
                           "the file is damaged",
                           path, i + 1, sizes[i], i ? 16384 : INT32_MAX);
        bytes *= sizes[i]; /* below 2^31 * 2^14 * 2^14 = 2^59 */
    }
    if (rank == 3)
        snprintf(why, sizeof why, "%" PRIu32 " pictures of %" PRIu32 " x %" PRIu32, sizes[0], sizes[1], sizes[2]);
    else
        snprintf(why, sizeof why, "%" PRIu32 " labels", sizes[0]);
    return hg_reader_expect(reader, bytes + 4 + 4 * (uint64_t)rank, why);
}

/* Fills the reserved part from `reader`, which has `count` pictures, and reads to the file's end. */
static bool read_pictures(hg_dataset *data, hg_part part, hg_reader *reader, int64_t count)
{
    hg_examples *examples = &data->parts[part];
    size_t size = (size_t)data->file_height * (size_t)data->file_width;
    bool done = false, direct = data->kept_channels == 1 && data->height == data->file_height && data->width == data->file_width;
    uint8_t *picture = hg_alloc(data->ctx, size, 1);
    if (!picture || (direct && !hg_reader_get(reader, examples->pixels, (size_t)examples->count * size)))
        goto fail;
    for (int64_t i = 0; !direct && i < examples->count; i++)
        if (!hg_reader_get(reader, picture, size) || !hg_dataset_put(data, part, i, picture))
            goto fail;
    done = hg_reader_get(reader, NULL, (size_t)(count - examples->count) * size) && hg_reader_end(reader);
fail:
    hg_free(picture);
    return done;
}

static bool read_labels(hg_dataset *data, hg_part part, hg_reader *reader, int64_t count, const char *pictures,
                        int *largest)
{
    hg_examples *examples = &data->parts[part];
    uint32_t sizes[3] = {0};
    bool done = false;
    uint8_t *bytes = NULL;
    if (!read_header(data, reader, 1, sizes))
        return false;
    if (sizes[0] != (uint64_t)count)
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: %" PRIu32 " labels, but %s has %" PRId64 " pictures; the files "
                       "do not belong together",
                       hg_reader_path(reader), sizes[0], pictures, count);
    bytes = hg_alloc(data->ctx, (size_t)examples->count, 1);
    if (!bytes || !hg_reader_get(reader, bytes, (size_t)examples->count))
        goto fail;
    for (int64_t i = 0; i < examples->count; i++) {
        examples->labels[i] = bytes[i];
        *largest = bytes[i] > *largest ? bytes[i] : *largest;
    }
    done = hg_reader_get(reader, NULL, (size_t)(count - examples->count)) && hg_reader_end(reader);
fail:
    hg_free(bytes);
    return done;
}

/* One part: its pictures, all or those within the limit, then its labels if there are any. `largest` is the largest label so
 * far, -1: none. */
static bool read_part(hg_dataset *data, hg_part part, bool limited, hg_reader *pictures, int *largest)
{
    uint32_t sizes[3] = {0};
    bool done = false;
    hg_reader *labels = NULL;
    if (!read_header(data, pictures, 3, sizes))
        return false;
    if (part == HG_TEST && ((int)sizes[1] != data->file_height || (int)sizes[2] != data->file_width))
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: pictures of %" PRIu32 " x %" PRIu32 ", but the training pictures "
                       "are %d x %d; the files do not belong together",
                       hg_reader_path(pictures), sizes[1], sizes[2], data->file_height,
                       data->file_width);
    if (part == HG_TRAIN && !hg_dataset_set_shape(data, 1, (int)sizes[1], (int)sizes[2], hg_reader_path(pictures)))
        return false;
    if (!hg_reader_open(data->ctx, data->params.path, names[2 * part + 1], true, &labels))
        return false;
    if (!hg_dataset_reserve(data, part, limited ? hg_dataset_limit(data, sizes[0]) : sizes[0], labels != NULL))
        goto fail;
    done = read_pictures(data, part, pictures, sizes[0]) &&
           (!labels || read_labels(data, part, labels, sizes[0], hg_reader_path(pictures), largest));
fail:
    hg_reader_close(labels);
    return done;
}

static bool open(hg_dataset *data)
{
    bool done = false;
    int largest = -1;
    hg_reader *train = NULL, *test = NULL;
    if (!hg_reader_open(data->ctx, data->params.path, names[0], false, &train) ||
        !hg_reader_open(data->ctx, data->params.path, names[2], true, &test))
        goto fail;
    if (!read_part(data, HG_TRAIN, test != NULL, train, &largest) ||
        (test && !read_part(data, HG_TEST, false, test, &largest)))
        goto fail;
    done = largest < 0 || hg_dataset_set_classes(data, largest + 1, NULL);
fail:
    hg_reader_close(train);
    hg_reader_close(test);
    return done;
}

const hg_format hg_format_idx = {
    .name = "idx",
    .help = "MNIST's IDX files, plain or gzipped; labels and the test part may be missing",
    .files = "train-images-idx3-ubyte[.gz] (MNIST's IDX files)",
    .detect = detect,
    .open = open,
    .names = names,
};
