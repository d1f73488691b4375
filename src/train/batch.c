#include "train/batch.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/signals.h"

typedef struct block { uint8_t *pixels; int32_t *labels; uint32_t *indices; int count; int64_t epoch, index; } block;

/* The ring holds blocks first .. first + filled - 1 (modulo its size), of which the caller holds the first while `held`.
 * The loader writes block first + filled outside the lock; only the caller moves `first`. */
struct hg_batches {
    const hg_dataset *data;
    hg_batches_params params;
    int64_t count, per_epoch;
    size_t example;      /* bytes of one */
    uint32_t *order;     /* [count] of the loader's epoch; the loader's own */
    block *blocks;
    int ring;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    int first, filled;   /* under the lock, like all below */
    bool held, ended, stop;
};

void hg_batches_order(uint64_t seed, int64_t epoch, uint32_t *order, uint32_t n)
{
    hg_rng rng = hg_rng_make(seed, HG_STREAM_SHUFFLE, (uint32_t)epoch);
    hg_rng_shuffle(&rng, order, n);
}

static void order_epoch(hg_batches *it, int64_t epoch)
{
    if (it->params.shuffle) {
        hg_batches_order(it->params.seed, epoch, it->order, (uint32_t)it->count);
        return;
    }
    for (int64_t i = 0; i < it->count; i++)
        it->order[i] = (uint32_t)i;
}

static void gather(hg_batches *it, block *to, int64_t epoch, int64_t index)
{
    int64_t first = index * it->params.batch, left = it->count - first;
    to->count = (int)(left < it->params.batch ? left : it->params.batch);
    to->epoch = epoch;
    to->index = index;
    for (int i = 0; i < to->count; i++) {
        uint32_t example = it->order[first + i];
        to->indices[i] = example;
        hg_dataset_copy(it->data, it->params.part, example, to->pixels + (size_t)i * it->example);
        if (to->labels)
            to->labels[i] = hg_dataset_label(it->data, it->params.part, example);
    }
}

/* Waits for a free block and says which; false: stop. */
static bool wait_for_room(hg_batches *it, int *slot)
{
    pthread_mutex_lock(&it->lock);
    while (!it->stop && it->filled == it->ring)
        pthread_cond_wait(&it->room, &it->lock);
    bool go = !it->stop;
    *slot = (it->first + it->filled) % it->ring;
    pthread_mutex_unlock(&it->lock);
    return go;
}

static void announce(hg_batches *it, bool ended)
{
    pthread_mutex_lock(&it->lock);
    it->filled += !ended;
    it->ended = ended;
    pthread_cond_signal(&it->ready);
    pthread_mutex_unlock(&it->lock);
}

static void *load(void *user)
{
    hg_batches *it = user;
    int64_t index = it->params.index;
    for (int64_t epoch = it->params.epoch; !it->params.epochs || epoch < it->params.epochs; epoch++, index = 0) {
        order_epoch(it, epoch);
        for (; index < it->per_epoch; index++) {
            int slot;
            if (!wait_for_room(it, &slot))
                return NULL;
            gather(it, &it->blocks[slot], epoch, index);
            announce(it, false);
        }
    }
    announce(it, true);
    return NULL;
}

static bool check(hg_context *ctx, const hg_batches *it)
{
    const hg_batches_params *p = &it->params;
    if (p->batch < 1 || p->ring < 0 || p->epoch < 0 || p->index < 0 || p->epochs < 0)
        return hg_fail(ctx, HG_USAGE, "batches: batch %d, ring %d, start at epoch %lld batch %lld of %lld epochs: "
                       "expected a batch of at least 1 and no negative numbers",
                       p->batch, p->ring, (long long)p->epoch, (long long)p->index,
                       (long long)p->epochs);
    if (it->count < 1)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: its %s part is empty", hg_dataset_name(it->data),
                       p->part == HG_TRAIN ? "training" : "test");
    if (it->per_epoch < 1)
        return hg_fail(ctx, HG_USAGE,
                       "batches: an epoch's last, smaller batch is left out, and %lld examples are fewer than a batch of %d: "
                       "make the batch smaller", (long long)it->count, p->batch);
    if (p->index >= it->per_epoch || (p->epochs && p->epoch > p->epochs))
        return hg_fail(ctx, HG_USAGE, "batches: start at epoch %lld batch %lld, but there are %lld batches of %d in "
                       "an epoch%s; was the run begun with other data?",
                       (long long)p->epoch, (long long)p->index, (long long)it->per_epoch, p->batch,
                       p->epochs ? " and fewer epochs" : "");
    return true;
}

static bool allocate(hg_context *ctx, hg_batches *it)
{
    size_t batch = (size_t)(it->params.batch < it->count ? it->params.batch : it->count);
    bool labels = hg_dataset_label(it->data, it->params.part, 0) >= 0;
    it->order = hg_alloc(ctx, (size_t)it->count, sizeof *it->order);
    it->blocks = hg_alloc(ctx, (size_t)it->ring, sizeof *it->blocks);
    if (!it->order || !it->blocks)
        return false;
    for (int i = 0; i < it->ring; i++) {
        block *b = &it->blocks[i];
        b->pixels = hg_alloc(ctx, batch, it->example);
        b->indices = hg_alloc(ctx, batch, sizeof *b->indices);
        b->labels = labels ? hg_alloc(ctx, batch, sizeof *b->labels) : NULL;
        if (!b->pixels || !b->indices || (labels && !b->labels))
            return false;
    }
    return true;
}

static bool start(hg_context *ctx, hg_batches *it)
{
    sigset_t before;
    hg_signals_hold(&before);
    int code = pthread_create(&it->thread, NULL, load, it);
    hg_signals_let_through(&before);
    it->started = code == 0;
    return it->started || hg_fail(ctx, HG_INTERNAL, "the loader thread could not be started: %s", strerror(code));
}

hg_batches *hg_batches_open(const hg_dataset *data, const hg_batches_params *params)
{
    hg_context *ctx = hg_dataset_context(data);
    hg_batches *it = HG_NEW(ctx, hg_batches);
    int c, h, w;
    if (!it)
        return NULL;
    pthread_mutex_init(&it->lock, NULL); /* these three do not fail with default attributes on Linux, macOS and the BSDs */
    pthread_cond_init(&it->room, NULL);
    pthread_cond_init(&it->ready, NULL);
    hg_dataset_shape(data, &c, &h, &w);
    it->data = data;
    it->params = *params;
    it->ring = params->ring == 0 ? 4 : params->ring < 2 ? 2 : params->ring;
    it->example = (size_t)c * (size_t)h * (size_t)w;
    it->count = hg_dataset_count(data, params->part);
    it->per_epoch = params->batch > 0 ? (it->count + (params->drop_last ? 0 : params->batch - 1)) / params->batch : 0;
    if (!check(ctx, it) || !allocate(ctx, it) || !start(ctx, it))
        goto fail;
    return it;
fail:
    hg_batches_close(it);
    return NULL;
}

int64_t hg_batches_per_epoch(const hg_batches *it) { return it->per_epoch; }

bool hg_batches_next(hg_batches *it, hg_batch *batch)
{
    pthread_mutex_lock(&it->lock);
    if (it->held) {
        it->first = (it->first + 1) % it->ring;
        it->filled--;
        it->held = false;
        pthread_cond_signal(&it->room);
    }
    while (!it->filled && !it->ended)
        pthread_cond_wait(&it->ready, &it->lock);
    it->held = it->filled > 0;
    const block *b = &it->blocks[it->first];
    *batch = it->held ? (hg_batch){b->pixels, b->labels, b->indices, b->count, b->epoch, b->index}
                      : (hg_batch){.epoch = it->params.epochs};
    pthread_mutex_unlock(&it->lock);
    return true;
}

void hg_batches_close(hg_batches *it)
{
    if (!it)
        return;
    if (it->started) {
        pthread_mutex_lock(&it->lock);
        it->stop = true;
        pthread_cond_signal(&it->room);
        pthread_mutex_unlock(&it->lock);
        pthread_join(it->thread, NULL);
    }
    for (int i = 0; it->blocks && i < it->ring; i++) {
        hg_free(it->blocks[i].pixels);
        hg_free(it->blocks[i].labels);
        hg_free(it->blocks[i].indices);
    }
    hg_free(it->blocks);
    hg_free(it->order);
    pthread_cond_destroy(&it->ready);
    pthread_cond_destroy(&it->room);
    pthread_mutex_destroy(&it->lock);
    hg_free(it);
}
