/* Batches: an iterator over a part of a dataset. A loader thread gathers the next batches into a ring of host blocks
 * while the caller's thread and the device work.
 *
 * Threads. The caller's thread opens, takes batches and closes; the loader thread only reads the dataset (which must stay
 * open) and writes blocks that the caller does not hold. All memory is allocated at opening, so the loader cannot fail;
 * it never logs. It blocks all signals: handlers run in the program's own threads. */
#ifndef HG_TRAIN_BATCH_H
#define HG_TRAIN_BATCH_H

#include "train/dataset.h"

typedef struct hg_batches hg_batches;

typedef struct hg_batches_params {
    hg_part part;
    int batch;        /* B, at least 1 */
    bool drop_last;   /* an epoch's last batch is left out where it is smaller */
    bool shuffle;     /* each epoch's order is a permutation by (seed, epoch); else the file's order */
    uint64_t seed;
    int64_t epoch;    /* where to begin: epoch and batch, both from 0. Resuming there gives the same batches */
    int64_t index;
    int64_t epochs;   /* the last epoch is epochs - 1; 0: endless */
    int ring;         /* blocks; 0: 4, at least 2 */
} hg_batches_params;

typedef struct hg_batch {
    const uint8_t *pixels;   /* [count, H, W, C] */
    const int32_t *labels;   /* [count]; NULL: the dataset has none */
    const uint32_t *indices; /* [count]: which example of the part each is */
    int count;               /* B; smaller in an epoch's last batch; 0: past the last epoch */
    int64_t epoch, index;    /* which batch this is, both from 0 */
} hg_batch;

/* Starts the loader. Fails with HG_USAGE (batch below 1 or, with drop_last, above N; start beyond the end), HG_BAD_INPUT (the part
 * is empty), or HG_INTERNAL (memory, thread). */
hg_batches *hg_batches_open(const hg_dataset *data, const hg_batches_params *params);
/* Batches in an epoch: N / B, rounded up, or down with drop_last. */
int64_t hg_batches_per_epoch(const hg_batches *it);
/* The next batch; waits for the loader if need be. Its memory is valid until the next call or close. */
bool hg_batches_next(hg_batches *it, hg_batch *batch);
/* Stops and joins the loader at once, wherever it is. */
void hg_batches_close(hg_batches *it);

/* order[0..n-1]: the examples of an epoch as hg_batches gives them when shuffling. */
void hg_batches_order(uint64_t seed, int64_t epoch, uint32_t *order, uint32_t n);

#endif
