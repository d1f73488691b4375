#include "judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* A picture is clear where so many of the training pictures nearest to it have the same class. */
enum { NEAREST = 10, MOST = 8 };

/* Classes of the training pictures nearest to a picture, and how far these are, the nearest first. */
typedef struct nearest { float far[NEAREST]; int label[NEAREST]; } nearest;

static void meet(nearest *n, float far, int label)
{
    if (!(far < n->far[NEAREST - 1])) return;
    int at = NEAREST - 1;
    for (; at > 0 && far < n->far[at - 1]; at--) n->far[at] = n->far[at - 1], n->label[at] = n->label[at - 1];
    n->far[at] = far;
    n->label[at] = label;
}

static bool need_classes(cli_run *run)
{
    if (hg_dataset_classes(run->data)) return true;
    return hg_fail(run->c->ctx, HG_BAD_INPUT, "sample: --judge compares with classes, but the data has no labels; give data with classes, "
                   "for a folder of PNG files a sub-folder for each");
}

/* Of n pictures, in a fresh block; NULL after a failure. */
static nearest *find_nearest(cli_run *run, int64_t n, const float *pictures)
{
    hg_context *ctx = run->c->ctx;
    const size_t d = run->out_n;
    nearest *all = hg_alloc(ctx, (size_t)n, sizeof *all);
    float *known = hg_alloc(ctx, d, sizeof *known);
    for (int64_t i = 0; all && i < n; i++)
        for (int k = 0; k < NEAREST; k++) all[i].far[k] = INFINITY, all[i].label[k] = -1;
    for (int64_t t = 0; all && known && t < hg_dataset_count(run->data, HG_TRAIN); t++) {
        hg_dataset_get(run->data, HG_TRAIN, t, known);
        const int label = hg_dataset_label(run->data, HG_TRAIN, t);
        for (int64_t i = 0; i < n; i++) meet(&all[i], hg_squared_distance(d, known, pictures + (size_t)i * d), label);
    }
    if (!known) hg_free(all);
    hg_free(known);
    return known ? all : NULL;
}

bool judge_asked(cli_run *run, int first, int rows, int64_t columns, const float *pictures)
{
    const int64_t n = rows * columns;
    nearest *seen = need_classes(run) ? find_nearest(run, n, pictures) : NULL;
    if (!seen) return false;
    int64_t right = 0;
    printf("class  pictures  as asked for\n");
    for (int row = 0; row < rows; row++) {
        int64_t in_row = 0;
        for (int64_t i = 0; i < columns; i++) in_row += seen[row * columns + i].label[0] == first + row;
        printf("%5d  %8" PRId64 "  %12" PRId64 "\n", first + row, columns, in_row);
        right += in_row;
    }
    printf("  all  %8" PRId64 "  %12" PRId64 "  %.1f %%\n", n, right, 100.0 * (double)right / (double)n);
    hg_free(seen);
    return true;
}

/* The class that a picture is clearly of, or -1. */
static int clear_class(const nearest *n)
{
    for (int k = 0; k <= NEAREST - MOST; k++) {
        int same = 0;
        for (int i = 0; i < NEAREST; i++) same += n->label[i] == n->label[k];
        if (same >= MOST) return n->label[k];
    }
    return -1;
}

static bool print_clear(cli_run *run, const char *what, int64_t n, const float *pictures)
{
    const int classes = hg_dataset_classes(run->data);
    nearest *seen = find_nearest(run, n, pictures);
    int64_t *of_class = seen ? hg_alloc(run->c->ctx, (size_t)classes, sizeof *of_class) : NULL, clear = 0;
    for (int64_t i = 0; of_class && i < n; i++) {
        const int class = clear_class(&seen[i]);
        if (class < 0) continue;
        of_class[class]++;
        clear++;
    }
    if (of_class) {
        printf("%-4s  %8" PRId64 "  %5" PRId64 "  %5.1f %%  ", what, n, clear, 100.0 * (double)clear / (double)n);
        for (int k = 0; k < classes; k++) printf(" %" PRId64, of_class[k]);
        printf("\n");
    }
    const bool ok = of_class;
    hg_free(of_class);
    hg_free(seen);
    return ok;
}

bool judge_clear(cli_run *run, int64_t n, const float *pictures)
{
    if (!need_classes(run)) return false;
    const int64_t held = hg_dataset_count(run->data, HG_TEST), compared = n < held ? n : held;
    float *test = hg_alloc(run->c->ctx, hg_mul((size_t)compared, run->out_n), sizeof *test);
    for (int64_t i = 0; test && i < compared; i++) hg_dataset_get(run->data, HG_TEST, i, test + (size_t)i * run->out_n);
    if (test) printf("      pictures  clear    share   of each class (at least %d of the %d nearest training pictures have it)\n", MOST, NEAREST);
    const bool ok = test && print_clear(run, "new", n, pictures) && (!compared || print_clear(run, "test", compared, test));
    hg_free(test);
    return ok;
}
