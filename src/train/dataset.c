#include "train/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "train/convert.h"
#include "train/folder.h"
#include "train/formats/format.h"
#include "registry_words.h" /* made from the lists in meson.build */

#define DECLARE_FORMAT(name) extern const hg_format hg_format_##name;
#define FORMAT(name) &hg_format_##name,
HG_FORMAT_WORDS(DECLARE_FORMAT)
const hg_format *const hg_formats[] = {HG_FORMAT_WORDS(FORMAT) NULL};

/* ---------------------------------------------------------------- what formats call */

/* Larger sides are taken for damage. */
enum { SIDE_LIMIT = 16384 };

bool hg_dataset_set_shape(hg_dataset *data, int channels, int height, int width, const char *where)
{
    const hg_dataset_params *want = &data->params;
    bool resized = want->resize_height > 0;
    if (height < 1 || width < 1 || height > SIDE_LIMIT || width > SIDE_LIMIT || (channels != 1 && channels != 3))
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: pictures of %d x %d with %d channels; expected sides of 1 to %d "
                       "and 1 or 3 channels",
                       where, height, width, channels, SIDE_LIMIT);
    data->file_channels = channels;
    data->file_height = height;
    data->file_width = width;
    data->height = resized ? want->resize_height : height;
    data->width = resized ? want->resize_width : width;
    data->channels = want->channels ? want->channels : channels;
    data->kept_channels = data->channels < channels ? data->channels : channels;
    if (data->channels != 1 && data->channels != 3)
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: the model wants %d channels, but pictures have 1 (grey) or 3 "
                       "(RGB); change the model's input",
                       where, data->channels);
    if ((want->height && want->height != data->height) || (want->width && want->width != data->width))
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: the pictures are %d x %d%s, but the model wants %d x %d (height "
                       "x width); %s --resize %dx%d, or change the model's input",
                       where, data->height, data->width, resized ? " after --resize" : "",
                       want->height ? want->height : data->height, want->width ? want->width : data->width,
                       resized ? "give" : "add",
                       want->height ? want->height : data->height, want->width ? want->width : data->width);
    return true;
}

bool hg_dataset_set_classes(hg_dataset *data, int classes, const char *const *names)
{
    const char **copies = hg_arena_alloc(data->arena, (size_t)classes + 1, sizeof *copies);
    if (!copies)
        return false;
    for (int i = 0; i < classes; i++) {
        copies[i] = names ? hg_arena_text(data->arena, names[i]) : hg_arena_format(data->arena, "%d", i);
        if (!copies[i])
            return false;
    }
    data->classes = classes;
    data->class_names = copies;
    return true;
}

/* Bytes of one example as kept. */
static size_t example_size(const hg_dataset *data)
{
    return hg_mul(hg_mul((size_t)data->height, (size_t)data->width), (size_t)data->kept_channels);
}

static bool reserve(hg_dataset *data, hg_part part, int64_t count, bool pixels, bool labels)
{
    hg_examples *examples = &data->parts[part];
    if (count < 1 || count > INT32_MAX)
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: %" PRId64 " %s pictures; expected 1 to %d",
                       data->params.path ? data->params.path : "built-in data",
                       count, part == HG_TRAIN ? "training" : "test", INT32_MAX);
    if (pixels && !(examples->pixels = hg_alloc(data->ctx, (size_t)count, example_size(data))))
        return false;
    if (labels && !(examples->labels = hg_alloc(data->ctx, (size_t)count, sizeof *examples->labels)))
        return false;
    examples->count = count;
    return true;
}

bool hg_dataset_reserve(hg_dataset *data, hg_part part, int64_t count, bool labels)
{
    return reserve(data, part, count, true, labels);
}

bool hg_dataset_draw_later(hg_dataset *data, hg_part part, int64_t count)
{
    if (!data->drawn && !(data->drawn = hg_alloc(data->ctx, example_size(data), 1)))
        return false;
    return reserve(data, part, count, false, true);
}

bool hg_dataset_put(hg_dataset *data, hg_part part, int64_t index, const uint8_t *hwc)
{
    return hg_dataset_put_sized(data, part, index, hwc, data->file_channels, data->file_height, data->file_width);
}

bool hg_dataset_put_sized(hg_dataset *data, hg_part part, int64_t index, const uint8_t *hwc, int channels, int height,
                          int width)
{
    uint8_t *to = data->parts[part].pixels + (size_t)index * example_size(data);
    size_t pixels = (size_t)data->height * (size_t)data->width;
    if (height == data->height && width == data->width) {
        hg_convert_channels(hwc, channels, to, data->kept_channels, pixels);
        return true;
    }
    bool done = false;
    uint8_t *resized = hg_alloc(data->ctx, pixels, (size_t)channels);
    if (!resized)
        return false;
    if (!hg_convert_size(data->ctx, hwc, height, width, channels, resized, data->height, data->width))
        goto fail;
    hg_convert_channels(resized, channels, to, data->kept_channels, pixels);
    done = true;
fail:
    hg_free(resized);
    return done;
}

int64_t hg_dataset_limit(const hg_dataset *data, int64_t count)
{
    const hg_dataset_params *p = &data->params;
    return p->limit > 0 && p->split <= 0 && p->limit < count - p->skip ? p->limit + p->skip : count;
}

/* ---------------------------------------------------------------- opening */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void free_examples(hg_examples *examples)
{
    if (!examples->borrowed) {
        hg_free(examples->pixels);
        hg_free(examples->labels);
        hg_free(examples->order);
    }
    *examples = (hg_examples){0};
}

/* The test part becomes a share of the training part, drawn by seed: where the files have none, or where `split` asks for it. Both
 * parts keep the files' order. */
static bool split(hg_dataset *data, double share)
{
    hg_examples *train = &data->parts[HG_TRAIN], *test = &data->parts[HG_TEST];
    uint32_t n = (uint32_t)train->count, n_test = (uint32_t)(share * n + 1e-6);
    free_examples(test);
    if (n_test < 1) n_test = 1;
    if (n_test >= n) n_test = n - 1;
    if (n < 2)
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: only one picture; at least 2 are needed, as one is kept for "
                       "testing", data->params.path);
    uint32_t *order = hg_alloc(data->ctx, n, sizeof *order);
    train->order = order; /* test's order is its end */
    if (!order)
        return false;
    hg_rng rng = hg_rng_make(data->params.seed, HG_STREAM_SPLIT, 0);
    hg_rng_shuffle(&rng, order, n);
    qsort(order, n - n_test, sizeof *order, by_number);
    qsort(order + (n - n_test), n_test, sizeof *order, by_number);
    *test = (hg_examples){.count = n_test, .pixels = train->pixels, .labels = train->labels, .order = order + (n - n_test),
                          .borrowed = true};
    train->count = n - n_test;
    return true;
}

static const hg_format *format_detect(const char *path)
{
    for (int i = 0; hg_formats[i]; i++)
        if (hg_formats[i]->detect(path))
            return hg_formats[i];
    return NULL;
}

/* "; sub-folder 'mnist' holds idx data: try --data data/mnist", or "; is 'x' meant to be 'y'?" */
static void suggest(hg_dataset *data, const hg_folder *folder, hg_text *text)
{
    for (int i = 0; i < folder->count; i++) {
        const char *name = folder->entries[i].name;
        if (folder->entries[i].is_dir) {
            char *inner = hg_path_join(data->ctx, data->params.path, name);
            const hg_format *format = inner ? format_detect(inner) : NULL;
            if (format)
                hg_text_add(text, "; its sub-folder has %s data: try --data %s", format->name, inner);
            hg_free(inner);
            if (format)
                return;
            continue;
        }
        for (int k = 0; hg_formats[k]; k++) {
            int known = 0;
            while (hg_formats[k]->names && hg_formats[k]->names[known])
                known++;
            const char *near = known ? hg_nearest(name, hg_formats[k]->names, known) : NULL;
            if (near) {
                hg_text_add(text, "; should '%s' be named '%s'?", name, near);
                return;
            }
        }
    }
}

static bool fail_unknown(hg_dataset *data)
{
    enum { SHOWN = 5 };
    hg_folder folder = {0};
    hg_text text = {.ctx = data->ctx};
    if (!hg_folder_list(data->ctx, data->params.path, &folder))
        goto fail;
    hg_text_add(&text, "%s: no data found there. Looked for ", data->params.path);
    for (int i = 0, n = 0; hg_formats[i]; i++)
        if (hg_formats[i]->files)
            hg_text_add(&text, "%s%s", n++ ? "; " : "", hg_formats[i]->files);
    hg_text_add(&text, ". Found %s", folder.count ? "" : "an empty folder");
    for (int i = 0; i < folder.count && i < SHOWN; i++)
        hg_text_add(&text, "%s%s%s", i ? ", " : "", folder.entries[i].name, folder.entries[i].is_dir ? "/" : "");
    if (folder.count > SHOWN)
        hg_text_add(&text, " and %d more", folder.count - SHOWN);
    suggest(data, &folder, &text);
    if (!text.failed)
        hg_fail(data->ctx, HG_BAD_INPUT, "%s", text.data);
fail:
    hg_text_free(&text);
    hg_folder_free(&folder);
    return false;
}

/* No such folder: names the nearest beside it. */
static bool fail_missing(hg_dataset *data)
{
    const char *path = data->params.path, *slash = strrchr(path, '/'), *near = NULL;
    const char *parent = !slash ? "." : slash == path ? "/"
                       : hg_arena_format(data->arena, "%.*s", (int)(slash - path), path);
    hg_folder folder = {0};
    const char **names = NULL;
    if (parent && hg_path_is_dir(parent) && hg_folder_list(data->ctx, parent, &folder) &&
        (names = hg_arena_alloc(data->arena, (size_t)folder.count + 1, sizeof *names))) {
        for (int i = 0; i < folder.count; i++)
            names[i] = folder.entries[i].name;
        near = hg_nearest(slash ? slash + 1 : path, names, folder.count);
    }
    hg_fail(data->ctx, HG_BAD_INPUT, "%s: no such folder%s%s%s; --data takes a folder with IDX, CIFAR-10 or PNG "
            "files, and without it the built-in digits are used",
            path, near ? "; nearest: '" : "", near ? near : "", near ? "'" : "");
    hg_folder_free(&folder);
    return false;
}

/* Leaves out the first training examples, and those behind the limit. */
static bool cut(hg_dataset *data)
{
    const int64_t skip = data->params.skip, limit = data->params.limit;
    hg_examples *train = &data->parts[HG_TRAIN];
    if (skip >= train->count)
        return hg_fail(data->ctx, HG_BAD_INPUT,
                       "%s: the first %" PRId64 " training pictures are to be left out, but there are only %" PRId64
                       "; give a smaller --skip", data->params.path ? data->params.path : "built-in data", skip, train->count);
    train->first = skip;
    train->count -= skip;
    if (limit > 0 && limit < train->count) train->count = limit;
    return true;
}

static bool check_params(hg_dataset *data)
{
    const hg_dataset_params *p = &data->params;
    if (p->channels < 0 || p->height < 0 || p->width < 0 || p->skip < 0 || p->limit < 0 || p->builtin_train < 0 || p->builtin_test < 0)
        return hg_fail(data->ctx, HG_USAGE, "dataset: sizes, skip, limit and counts must not be negative");
    if (!(p->split >= 0 && p->split < 1))
        return hg_fail(data->ctx, HG_USAGE, "dataset: the share %g of the training pictures to test on; expected less than 1", p->split);
    if ((p->resize_height > 0) != (p->resize_width > 0) || p->resize_height < 0 || p->resize_height > SIDE_LIMIT ||
        p->resize_width < 0 || p->resize_width > SIDE_LIMIT)
        return hg_fail(data->ctx, HG_USAGE, "resize to %d x %d: expected both sides from 1 to %d, e.g. --resize 64x64",
                       p->resize_height, p->resize_width, SIDE_LIMIT);
    if (p->path && !hg_path_exists(p->path))
        return fail_missing(data);
    if (p->path && !hg_path_is_dir(p->path))
        return hg_fail(data->ctx, HG_BAD_INPUT, "%s: is a file; give the folder that holds it", p->path);
    return true;
}

static bool name_make(hg_dataset *data)
{
    const char *later = data->drawn ? ", drawn when they are needed" : "";
    const char *converted = data->channels == data->file_channels ? "" : data->channels == 1 ? ", colour made grey" : ", grey as RGB";
    const char *labels = data->classes ? hg_arena_format(data->arena, "%d classes", data->classes) : "no labels";
    data->name = labels ? hg_arena_format(data->arena, "%s: %" PRId64 " training and %" PRId64 " test pictures, %d x %d x %d, %s (%s%s%s)",
                                          data->params.path ? data->params.path : "built-in", data->parts[HG_TRAIN].count,
                                          data->parts[HG_TEST].count, data->channels, data->height, data->width, labels, data->format->name,
                                          converted, later)
                        : NULL;
    return data->name != NULL;
}

hg_dataset *hg_dataset_open(hg_context *ctx, const hg_dataset_params *params)
{
    hg_dataset *data = HG_NEW(ctx, hg_dataset);
    if (!data)
        return NULL;
    data->ctx = ctx;
    if (params)
        data->params = *params;
    data->arena = hg_arena_create(ctx);
    if (!data->arena || (data->params.path && !(data->params.path = hg_arena_text(data->arena, data->params.path))))
        goto fail;
    if (!check_params(data))
        goto fail;
    data->format = format_detect(data->params.path);
    if (!data->format) {
        if (data->params.path)
            fail_unknown(data);
        else
            hg_fail(ctx, HG_USAGE, "this build has no built-in data; give a folder with --data");
        goto fail;
    }
    if (!data->format->open(data))
        goto fail;
    if ((data->params.split > 0 || !data->parts[HG_TEST].count) && !split(data, data->params.split > 0 ? data->params.split : 0.1))
        goto fail;
    if (!cut(data) || !name_make(data))
        goto fail;
    return data;
fail:
    hg_dataset_close(data);
    return NULL;
}

void hg_dataset_close(hg_dataset *data)
{
    if (!data)
        return;
    free_examples(&data->parts[HG_TEST]); /* before the part that it may borrow from */
    free_examples(&data->parts[HG_TRAIN]);
    hg_free(data->drawn);
    hg_arena_destroy(data->arena);
    hg_free(data);
}

/* ---------------------------------------------------------------- asking */

hg_context *hg_dataset_context(const hg_dataset *data) { return data->ctx; }

int64_t hg_dataset_count(const hg_dataset *data, hg_part part) { return data->parts[part].count; }

void hg_dataset_shape(const hg_dataset *data, int *channels, int *height, int *width)
{
    *channels = data->channels;
    *height = data->height;
    *width = data->width;
}

const char *hg_dataset_name(const hg_dataset *data) { return data->name; }

int hg_dataset_classes(const hg_dataset *data) { return data->classes; }

const char *hg_dataset_class_name(const hg_dataset *data, int label)
{
    return label >= 0 && label < data->classes ? data->class_names[label] : "";
}

static size_t place(const hg_examples *examples, int64_t index)
{
    index += examples->first;
    return examples->order ? examples->order[index] : (size_t)index;
}

int hg_dataset_label(const hg_dataset *data, hg_part part, int64_t index)
{
    const hg_examples *examples = &data->parts[part];
    return examples->labels ? examples->labels[place(examples, index)] : -1;
}

static bool has_labels(const hg_dataset *data)
{
    for (hg_part part = HG_TRAIN; part <= HG_TEST; part++)
        for (int64_t i = 0; i < data->parts[part].count; i++)
            if (hg_dataset_label(data, part, i) < 0)
                return false;
    return true;
}

bool hg_dataset_labels_suit(const hg_dataset *data, const hg_model *model)
{
    const int labels = hg_model_labels(model);
    if (labels && !has_labels(data))
        return hg_fail(data->ctx, HG_BAD_INPUT,
                       "%s: pictures without labels, but the model %s is told them (condition: {labels: %d}): give data with "
                       "labels (IDX or CIFAR-10 files, or PNG files in a sub-folder per class), or leave `condition` out of the model",
                       hg_dataset_name(data), hg_model_name(model), labels);
    return !labels || data->classes <= labels ||
           hg_fail(data->ctx, HG_BAD_INPUT, "%s: has labels up to %d, but the model %s takes 0 to %d: write `condition: {labels: %d}`",
                   hg_dataset_name(data), data->classes - 1, hg_model_name(model), labels - 1, data->classes);
}

const uint8_t *hg_dataset_pixels(const hg_dataset *data, hg_part part, int64_t index)
{
    const hg_examples *examples = &data->parts[part];
    return examples->pixels ? examples->pixels + place(examples, index) * example_size(data) : NULL;
}

/* An example that takes no memory. */
static void draw(const hg_dataset *data, hg_part part, int64_t index, uint8_t *to)
{
    const hg_examples *examples = &data->parts[part];
    data->format->draw(data, examples->borrowed ? HG_TRAIN : part, (int64_t)place(examples, index), to);
}

void hg_dataset_copy(const hg_dataset *data, hg_part part, int64_t index, uint8_t *to)
{
    const uint8_t *kept = hg_dataset_pixels(data, part, index);
    const size_t area = (size_t)data->height * (size_t)data->width;
    if (!kept) {
        uint8_t *drawn = to + (size_t)(data->channels - data->kept_channels) * area; /* its end: from there channels are converted in place */
        draw(data, part, index, drawn);
        kept = drawn;
    }
    if (kept != to) hg_convert_channels(kept, data->kept_channels, to, data->channels, area);
}

void hg_dataset_get(const hg_dataset *data, hg_part part, int64_t index, float *out)
{
    const uint8_t *pixels = hg_dataset_pixels(data, part, index);
    if (!pixels) {
        draw(data, part, index, data->drawn);
        pixels = data->drawn;
    }
    size_t area = (size_t)data->height * (size_t)data->width, channels = (size_t)data->channels, kept = (size_t)data->kept_channels;
    for (size_t i = 0; i < area; i++)
        for (size_t c = 0; c < channels; c++)
            out[c * area + i] = (float)pixels[i * kept + (kept > 1 ? c : 0)] / 255.0f;
}
