/* CIFAR-10's binary batches (cs.toronto.edu/~kriz/cifar.html): records of a label byte and 32 x 32 pictures in three planes,
 * red, green, blue. Plain or gzipped. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "train/folder.h"
#include "train/formats/format.h"
#include "train/reader.h"

enum { SIDE = 32, AREA = SIDE * SIDE, RECORD = 1 + 3 * AREA };

static const char *const classes[] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
};
enum { CLASSES = sizeof classes / sizeof classes[0] };

static const char *const names[] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
    "data_batch_1.bin.gz", "data_batch_2.bin.gz", "data_batch_3.bin.gz", "data_batch_4.bin.gz", "data_batch_5.bin.gz",
    "test_batch.bin.gz", NULL,
};

static bool is_batch(const char *name)
{
    return !strncmp(name, "data_batch_", 11) && (hg_ends_with(name, ".bin") || hg_ends_with(name, ".bin.gz"));
}

static bool is_known(const char *path, const char *name)
{
    (void)path;
    return is_batch(name) || !strcmp(name, "test_batch.bin") || !strcmp(name, "test_batch.bin.gz");
}

static bool detect(const char *path) { return path && hg_folder_any(path, is_known); }

/* How many records the file states to have; it is checked while reading. 0 with a failure recorded. */
static int64_t records(hg_dataset *data, hg_reader *reader)
{
    uint64_t bytes = hg_reader_stated(reader);
    char why[64];
    if (bytes == 0 || bytes % RECORD) {
        hg_fail(data->ctx, HG_BAD_INPUT, "%s: %s: %" PRIu64 " bytes%s, expected a multiple of %d (a label and %d x %d "
                "x 3 bytes); fetch the file again", hg_reader_path(reader),
                bytes ? "truncated, over-long or not a CIFAR-10 batch" : "empty", bytes,
                hg_reader_is_plain(reader) ? "" : " unpacked by its gzip trailer", RECORD, SIDE, SIDE);
        return 0;
    }
    snprintf(why, sizeof why, "%" PRIu64 " records of %d", bytes / RECORD, RECORD);
    return hg_reader_expect(reader, bytes, why) ? (int64_t)(bytes / RECORD) : 0;
}

/* Stores the first `count` of the file's `all` records from example `first` on. */
static bool read_records(hg_dataset *data, hg_part part, hg_reader *reader, int64_t first, int64_t count, int64_t all)
{
    uint8_t record[RECORD], picture[3 * AREA];
    for (int64_t i = 0; i < count; i++) {
        if (!hg_reader_get(reader, record, RECORD))
            return false;
        if (record[0] >= CLASSES)
            return hg_fail(data->ctx, HG_BAD_INPUT, "%s: record %" PRId64 " has label %d, expected 0 to %d; this is "
                           "not a CIFAR-10 batch",
                           hg_reader_path(reader), i, record[0], CLASSES - 1);
        for (int p = 0; p < AREA; p++)
            for (int c = 0; c < 3; c++)
                picture[3 * p + c] = record[1 + c * AREA + p];
        data->parts[part].labels[first + i] = record[0];
        if (!hg_dataset_put(data, part, first + i, picture))
            return false;
    }
    return hg_reader_get(reader, NULL, (size_t)(all - count) * RECORD) && hg_reader_end(reader);
}

/* Reads the n files as one part; with `limited`, files that lie wholly behind the limit are left unread. */
static bool read_part(hg_dataset *data, hg_part part, const char *const *stems, int n, bool limited)
{
    int64_t total = 0, done = 0, keep;
    hg_reader *reader = NULL;
    for (int i = 0; i < n; i++) {
        int64_t count = hg_reader_open(data->ctx, data->params.path, stems[i], false, &reader) ? records(data, reader) : 0;
        hg_reader_close(reader);
        if (!count)
            return false;
        total += count;
    }
    keep = limited ? hg_dataset_limit(data, total) : total;
    if (!hg_dataset_reserve(data, part, keep, true))
        return false;
    for (int i = 0; i < n && done < keep; i++) {
        int64_t count = hg_reader_open(data->ctx, data->params.path, stems[i], false, &reader) ? records(data, reader) : 0;
        int64_t take = count < keep - done ? count : keep - done;
        bool good = count && read_records(data, part, reader, done, take, count);
        hg_reader_close(reader);
        if (!good)
            return false;
        done += take;
    }
    return done == keep || hg_fail(data->ctx, HG_BAD_INPUT, "%s: its batches became shorter while they were read",
                                   data->params.path);
}

/* Names of the training batches without ".gz", sorted, each once. */
static bool stems_find(hg_dataset *data, const char ***stems, int *n, bool *has_test)
{
    hg_folder folder = {0};
    bool done = false;
    *n = 0;
    if (!hg_folder_list(data->ctx, data->params.path, &folder) ||
        !(*stems = hg_arena_alloc(data->arena, (size_t)folder.count + 1, sizeof **stems)))
        goto fail;
    for (int i = 0; i < folder.count; i++) {
        const char *name = folder.entries[i].name;
        *has_test |= !strncmp(name, "test_batch.bin", 14) && is_known(NULL, name);
        if (!is_batch(name))
            continue;
        int length = (int)strlen(name) - (hg_ends_with(name, ".gz") ? 3 : 0);
        const char *stem = hg_arena_format(data->arena, "%.*s", length, name);
        if (!stem)
            goto fail;
        if (!*n || strcmp((*stems)[*n - 1], stem)) /* NAME.bin and NAME.bin.gz are neighbours */
            (*stems)[(*n)++] = stem;
    }
    done = true;
fail:
    hg_folder_free(&folder);
    return done;
}

static bool open(hg_dataset *data)
{
    static const char *const test[] = {"test_batch.bin"};
    const char **stems;
    int n;
    bool has_test = false;
    if (!stems_find(data, &stems, &n, &has_test))
        return false;
    if (n == 0)
        return hg_fail(data->ctx, HG_BAD_INPUT,
                       "%s: test_batch.bin is there, but no data_batch_*.bin[.gz] to train on", data->params.path);
    return hg_dataset_set_shape(data, 3, SIDE, SIDE, data->params.path) && hg_dataset_set_classes(data, CLASSES, classes) &&
           read_part(data, HG_TRAIN, stems, n, has_test) && (!has_test || read_part(data, HG_TEST, test, 1, false));
}

const hg_format hg_format_cifar = {
    .name = "cifar",
    .help = "CIFAR-10's binary batches, plain or gzipped; the test batch may be missing",
    .files = "data_batch_*.bin[.gz] (CIFAR-10's binary batches)",
    .detect = detect,
    .open = open,
    .names = names,
};
