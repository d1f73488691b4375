/* A folder of PNG files: sub-folders are classes by name, or files lie directly in it without labels; both optionally below
 * train/ and test/. All pictures have one size unless they are resized. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "train/folder.h"
#include "train/formats/format.h"
#include "train/png_file.h"

typedef struct picture { const char *path; int32_t label; } picture;
/* Files of one part in order: by class, then by name. */
typedef struct listing { picture *pictures; int64_t count; size_t room; } listing;

typedef struct png_walk {
    hg_dataset *data;
    listing parts[2];
    const char **classes; /* sorted names from the training part; grown */
    int n_classes;
    int h, w, c;          /* of the first file; c is 3 if any file has colour */
    const char *first;
} png_walk;

static bool is_png(const char *path, const char *name)
{
    (void)path;
    return hg_ends_with(name, ".png");
}

static bool holds_png(const char *path, const char *name)
{
    char inner[4096];
    int length = snprintf(inner, sizeof inner, "%s/%s", path, name);
    return length > 0 && (size_t)length < sizeof inner && hg_folder_any(inner, is_png);
}

static bool is_other_class(const char *path, const char *name) { return strcmp(name, "train") && holds_png(path, name); }

/* PNG files in it or in one of its sub-folders? */
static bool is_part(const char *path) { return hg_folder_any(path, is_png) || hg_folder_any(path, holds_png); }

static bool part_path(const char *path, const char *name, char *inner, size_t size)
{
    int length = snprintf(inner, size, "%s/%s", path, name);
    return length > 0 && (size_t)length < size && is_part(inner);
}

static bool detect(const char *path)
{
    char inner[4096];
    return path && (is_part(path) || part_path(path, "train", inner, sizeof inner));
}

/* Checks a file's header against the others and adds it to the part's list. */
static bool add(png_walk *walk, hg_part part, const char *dir, const char *name, int label)
{
    hg_context *ctx = walk->data->ctx;
    listing *list = &walk->parts[part];
    int h, w, c;
    if ((size_t)list->count == list->room) {
        size_t room = list->room ? hg_mul(list->room, 2) : 256;
        picture *pictures = hg_resize(ctx, list->pictures, room, sizeof *pictures);
        if (!pictures)
            return false;
        list->pictures = pictures;
        list->room = room;
    }
    const char *path = hg_arena_format(walk->data->arena, "%s/%s", dir, name);
    if (!path || !hg_png_probe(ctx, path, &h, &w, &c))
        return false;
    if (!walk->first) {
        walk->first = path;
        walk->h = h;
        walk->w = w;
    }
    if ((h != walk->h || w != walk->w) && !walk->data->params.resize_height)
        return hg_fail(ctx, HG_BAD_INPUT, "%s is %d x %d, but %s is %d x %d (height x width); make them agree or add "
                       "--resize %dx%d", path, h, w,
                       walk->first, walk->h, walk->w, walk->data->params.height ? walk->data->params.height : walk->h,
                       walk->data->params.width ? walk->data->params.width : walk->w);
    walk->c = c > walk->c ? c : walk->c;
    list->pictures[list->count++] = (picture){path, label};
    return true;
}

/* All PNG files of a folder with one label; other files are counted. */
static bool add_files(png_walk *walk, hg_part part, const char *dir, const hg_folder *folder, int label, int *others)
{
    for (int i = 0; i < folder->count; i++) {
        bool png = !folder->entries[i].is_dir && is_png(NULL, folder->entries[i].name);
        *others += !png;
        if (png && !add(walk, part, dir, folder->entries[i].name, label))
            return false;
    }
    return true;
}

/* The number of a class; training parts may add new ones. -1 with a failure recorded. */
static int class_find(png_walk *walk, hg_part part, const char *dir, const char *name)
{
    for (int i = 0; i < walk->n_classes; i++)
        if (!strcmp(walk->classes[i], name))
            return i;
    if (part == HG_TEST) {
        hg_fail(walk->data->ctx, HG_BAD_INPUT, "%s/%s: a class that the training part does not have; its sub-folders "
                "must have the same names",
                dir, name);
        return -1;
    }
    const char **classes = hg_resize(walk->data->ctx, walk->classes, (size_t)walk->n_classes + 1, sizeof *classes);
    if (!classes)
        return -1;
    walk->classes = classes;
    classes[walk->n_classes] = hg_arena_text(walk->data->arena, name);
    return classes[walk->n_classes] ? walk->n_classes++ : -1;
}

/* One class folder; folders without PNG files are no classes. */
static bool add_class(png_walk *walk, hg_part part, const char *dir, const char *name, int *others)
{
    hg_folder folder = {0};
    int label;
    bool done = false;
    if (!holds_png(dir, name)) {
        ++*others;
        return true;
    }
    char *inner = hg_path_join(walk->data->ctx, dir, name);
    if (!inner || !hg_folder_list(walk->data->ctx, inner, &folder))
        goto fail;
    label = class_find(walk, part, dir, name);
    done = label >= 0 && add_files(walk, part, inner, &folder, label, others);
fail:
    hg_folder_free(&folder);
    hg_free(inner);
    return done;
}

static bool add_part(png_walk *walk, hg_part part, const char *dir)
{
    hg_folder folder = {0};
    int others = 0;
    bool done = false, classes = hg_folder_any(dir, holds_png);
    if (!hg_folder_list(walk->data->ctx, dir, &folder))
        goto fail;
    if (!classes && !add_files(walk, part, dir, &folder, -1, &others))
        goto fail;
    for (int i = 0; classes && i < folder.count; i++) {
        others += !folder.entries[i].is_dir;
        if (folder.entries[i].is_dir && !add_class(walk, part, dir, folder.entries[i].name, &others))
            goto fail;
    }
    if (others)
        hg_log(walk->data->ctx, HG_LOG_WARNING, "%s: %d entries that are not PNG files%s are left out", dir, others,
               classes ? " of a class" : "");
    done = true;
fail:
    hg_folder_free(&folder);
    return done;
}

static bool read_part(png_walk *walk, hg_part part, bool limited)
{
    hg_dataset *data = walk->data;
    listing *list = &walk->parts[part];
    int64_t count = limited ? hg_dataset_limit(data, list->count) : list->count;
    if (!hg_dataset_reserve(data, part, count, walk->n_classes > 0))
        return false;
    for (int64_t i = 0; i < count; i++) {
        uint8_t *pixels;
        int h, w, c;
        if (!hg_png_read(data->ctx, list->pictures[i].path, &pixels, &h, &w, &c))
            return false;
        bool same = data->params.resize_height || (h == walk->h && w == walk->w);
        bool stored = same && hg_dataset_put_sized(data, part, i, pixels, c, h, w);
        hg_free(pixels);
        if (!same)
            return hg_fail(data->ctx, HG_BAD_INPUT, "%s: changed its size while the folder was read",
                           list->pictures[i].path);
        if (!stored)
            return false;
        if (walk->n_classes)
            data->parts[part].labels[i] = list->pictures[i].label;
    }
    return true;
}

static bool open(hg_dataset *data)
{
    png_walk walk = {.data = data};
    char train[4096], test[4096];
    bool done = false, has_train = part_path(data->params.path, "train", train, sizeof train);
    bool has_test = has_train && part_path(data->params.path, "test", test, sizeof test);
    has_train &= has_test || !hg_folder_any(data->params.path, is_other_class); /* else `train` is a class, of vehicles */
    if (!add_part(&walk, HG_TRAIN, has_train ? train : data->params.path) || (has_test && !add_part(&walk, HG_TEST, test)))
        goto fail;
    if (!hg_dataset_set_shape(data, walk.c, walk.h, walk.w, data->params.path) ||
        (walk.n_classes && !hg_dataset_set_classes(data, walk.n_classes, walk.classes)))
        goto fail;
    done = read_part(&walk, HG_TRAIN, has_test) && (!has_test || read_part(&walk, HG_TEST, false));
fail:
    hg_free(walk.parts[HG_TRAIN].pictures);
    hg_free(walk.parts[HG_TEST].pictures);
    hg_free(walk.classes);
    return done;
}

const hg_format hg_format_png = {
    .name = "png",
    .help = "a folder of PNG files; sub-folders are classes; train/ and test/ are the parts",
    .files = "*.png files, directly or in a sub-folder per class",
    .detect = detect,
    .open = open,
};
