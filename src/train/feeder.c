#include <string.h>
#include "train/batch.h"
#include "train/trainer.h"

enum { BLOCKS = 4, ROW = 8 };

struct hg_feeder {
    hg_context *ctx;
    hg_net *net;
    hg_stage *stage;   /* a few batches may be on their way: the host is at most that far ahead */
    size_t example;    /* bytes of one picture */
    float rows[HG_FEEDER_RING * ROW];
};

hg_feeder *hg_feeder_create(hg_net *net)
{
    hg_feeder *feeder = HG_NEW(hg_net_context(net), hg_feeder);
    if (!feeder) return NULL;
    int c, h, w;
    hg_model_input(hg_net_model(net), &c, &h, &w);
    feeder->ctx = hg_net_context(net);
    feeder->net = net;
    feeder->example = hg_mul(hg_mul((size_t)c, (size_t)h), (size_t)w);
    size_t bytes = hg_mul(feeder->example, (size_t)hg_net_batch(net));
    if (hg_arenas_bytes(hg_net_arenas(net), bytes)) feeder->stage = hg_stage_create(hg_net_device(net), bytes, BLOCKS);
    if (feeder->stage) return feeder;
    hg_feeder_destroy(feeder);
    return NULL;
}

void hg_feeder_destroy(hg_feeder *feeder)
{
    if (!feeder) return;
    hg_stage_destroy(feeder->stage);
    hg_free(feeder);
}

bool hg_feeder_run(hg_feeder *feeder, hg_plan_purpose purpose, const uint8_t *pixels, int count, uint64_t seed, int64_t step,
                   int64_t steps, double lr)
{
    hg_arenas *arenas = hg_net_arenas(feeder->net);
    size_t bytes = feeder->example * (size_t)count;
    hg_plan *plan = hg_net_plan(feeder->net, purpose, count);
    void *block = plan ? hg_stage_next(feeder->stage) : NULL;
    if (!block) return false;
    memcpy(block, pixels, bytes);
    return hg_stage_upload(feeder->stage, hg_arenas_bytes(arenas, bytes), 0, bytes) &&
           hg_arenas_set_step(arenas, seed, step, steps, lr, count) && hg_plan_run(plan);
}

bool hg_feeder_losses(hg_feeder *feeder, int64_t first, int n, hg_losses *out)
{
    if (n <= 0) return true;
    if (!hg_buffer_read(hg_arenas_metrics(hg_net_arenas(feeder->net)), 0, feeder->rows, sizeof feeder->rows)) return false;
    for (int i = 0; i < n; i++) {
        const float *row = feeder->rows + (size_t)((first + i - 1) % HG_FEEDER_RING) * ROW;
        out[i] = (hg_losses){.loss = row[0], .reconstruction = row[1], .kl = row[2], .penalty = row[3]};
    }
    return true;
}

/* ---- evaluation */

static void add(hg_losses *sum, const hg_losses *l, double weight)
{
    sum->loss += l->loss * weight;
    sum->reconstruction += l->reconstruction * weight;
    sum->kl += l->kl * weight;
    sum->penalty += l->penalty * weight;
}

/* Noise of evaluation comes from a key of its own, the same every time: curves over epochs compare like with like. */
static uint64_t evaluation_seed(uint64_t seed)
{
    return seed ^ UINT64_C(0x9e3779b97f4a7c15);
}

static bool evaluate(hg_feeder *feeder, hg_batches *it, int64_t batches, hg_losses *sum, int64_t *examples)
{
    static const int max_run = 512;
    hg_losses losses[512];
    int counts[512], n = 0;
    uint64_t seed = evaluation_seed(hg_net_seed(feeder->net));
    for (int64_t i = 0; i < batches; i++) {
        hg_batch batch;
        if (!hg_batches_next(it, &batch) || !hg_feeder_run(feeder, HG_PURPOSE_EVALUATE, batch.pixels, batch.count, seed, i + 1, batches, 0))
            return false;
        counts[n++] = batch.count;
        *examples += batch.count;
        if (n < max_run && i + 1 < batches) continue;
        if (!hg_feeder_losses(feeder, i + 2 - n, n, losses)) return false;
        for (int k = 0; k < n; k++) add(sum, &losses[k], counts[k]);
        n = 0;
    }
    return true;
}

bool hg_feeder_evaluate(hg_feeder *feeder, const hg_dataset *data, hg_part part, hg_losses *out)
{
    const hg_batches_params params = {.part = part, .batch = hg_net_batch(feeder->net), .epochs = 1};
    hg_batches *it = hg_batches_open(data, &params);
    hg_losses sum = {0};
    int64_t examples = 0;
    bool ok = it && evaluate(feeder, it, hg_batches_per_epoch(it), &sum, &examples);
    hg_batches_close(it);
    *out = (hg_losses){0};
    if (ok) add(out, &sum, 1.0 / (double)examples);
    return ok;
}

bool hg_evaluate(hg_net *net, const hg_dataset *data, hg_part part, hg_losses *out)
{
    hg_feeder *feeder = hg_feeder_create(net);
    bool ok = feeder && hg_feeder_evaluate(feeder, data, part, out);
    hg_feeder_destroy(feeder);
    return ok;
}
