/* Formats: how examples come into host memory. A format is one const descriptor in one file of this folder and one word
 * in the list in meson.build.
 *
 * `open` does, in this order:
 *   hg_dataset_set_shape    once: the shape of the files' pictures; decides (or refuses) the shape that is kept
 *   hg_dataset_set_classes  if there are labels (may also come last, when the labels have been seen)
 *   hg_dataset_reserve      once per part that the files have
 *   hg_dataset_put          for every example; or writes data->parts[part].pixels itself where no conversion is needed
 * or, in place of the last two, hg_dataset_draw_later.
 * A format without a test part reserves HG_TRAIN only: the dataset then splits 90/10 by seed, and applies `limit` after that.
 * A format with both parts may stop reading at hg_dataset_limit. */
#ifndef HG_TRAIN_FORMATS_FORMAT_H
#define HG_TRAIN_FORMATS_FORMAT_H

#include "base/memory.h"
#include "train/dataset.h"

typedef struct hg_format {
    const char *name;  /* "idx" */
    const char *help;  /* one line */
    const char *files; /* what it looks for, for messages: "train-images-idx3-ubyte[.gz] (IDX)"; NULL: nothing */
    /* Is this the format of the folder `path`? `path` is NULL for the built-in data, and an existing folder otherwise.
     * Looks at names only. */
    bool (*detect)(const char *path);
    /* Reads everything into `data`. Failures name the file, what is wrong with which numbers, what to do. */
    bool (*open)(hg_dataset *data);
    /* Makes an example afresh, [H, W, kept channels]; for parts whose pixels are NULL. A function of its arguments alone; any thread. */
    void (*draw)(const hg_dataset *data, hg_part part, int64_t index, uint8_t *to);
    const char *const *names; /* file names that it knows, for suggestions; ends with NULL; may be NULL */
} hg_format;

/* The descriptor of formats/WORD.c is `const hg_format hg_format_WORD`.
 * All formats in the order in which they are asked, ends with NULL. Made from the list in meson.build. */
extern const hg_format *const hg_formats[];

/* The examples of one part. */
typedef struct hg_examples {
    int64_t count;
    uint8_t *pixels;     /* [N, H, W, kept channels]; NULL: the format draws them when they are asked for */
    int32_t *labels;     /* [N]; NULL: none */
    uint32_t *order;     /* example i is at order[i] of the two arrays; NULL: at i */
    int64_t first;       /* examples in front of these that are left out */
    bool borrowed;       /* pixels and labels belong to the training part (after a split) */
} hg_examples;

struct hg_dataset {
    hg_context *ctx;
    hg_dataset_params params;  /* as given; `path` is a copy */
    hg_arena *arena;           /* path, name, class names */
    const hg_format *format;
    const char *name;          /* one line: format, counts, sizes */
    int file_channels, file_height, file_width; /* of the files' pictures */
    int channels, height, width;                /* as given to the model */
    int kept_channels;         /* grey pictures stay grey in memory where the model wants RGB */
    hg_examples parts[2];      /* by hg_part */
    uint8_t *drawn;            /* room for one example that hg_dataset_get has drawn; NULL: all are kept */
    int classes;               /* 0: no labels */
    const char *const *class_names; /* [classes]; NULL: the numbers themselves */
};

/* The files' pictures have this shape. Decides the shape that the model gets: channels 1 and 3 are converted to what the model wants
 * (Rec. 601 luma, or grey replicated), height and width are those of `resize` or the file's own; fails with
 * HG_BAD_INPUT where that is not what the model wants, naming both. `where` is the file or folder. */
bool hg_dataset_set_shape(hg_dataset *data, int channels, int height, int width, const char *where);

/* Labels are 0 .. classes - 1. `names` [classes] is copied; NULL: the numbers are the names. */
bool hg_dataset_set_classes(hg_dataset *data, int classes, const char *const *names);

/* Zeroed room for `count` examples, 1 .. 2^31 - 1 (address space: memory is used as it is written). */
bool hg_dataset_reserve(hg_dataset *data, hg_part part, int64_t count, bool labels);

/* For a format with `draw`: `count` examples that take no memory. Labels are for the caller to fill in. */
bool hg_dataset_draw_later(hg_dataset *data, hg_part part, int64_t count);

/* Stores example `index` of a reserved part from the file's shape, [height, width, channels] interleaved, converted and resized. */
bool hg_dataset_put(hg_dataset *data, hg_part part, int64_t index, const uint8_t *hwc);
/* The same from a picture of a shape of its own (1 or 3 channels); without `resize` it must be the files' shape. */
bool hg_dataset_put_sized(hg_dataset *data, hg_part part, int64_t index, const uint8_t *hwc, int channels, int height, int width);

/* How many of the `count` training examples to read, given `skip`, `limit` and `split`. */
int64_t hg_dataset_limit(const hg_dataset *data, int64_t count);

/* ---- the built-in digits */

/* Draws digit `index` of the endless set that `seed` stands for: grey pixels [height, width], and its label 0..9. A
 * function of its arguments alone; any thread. */
void hg_digits_draw(uint64_t seed, int64_t index, int height, int width, uint8_t *pixels, int *label);

#endif
