#include <string.h>
#include "train/batch.h"
#include "train/trainer.h"

enum { BLOCKS = 4, ROW = 16 };

struct hg_feeder {
    hg_context *ctx;
    hg_net *net;
    hg_stage *stage;   /* a few batches may be on their way: the host is at most that far ahead */
    hg_stage *numbers; /* the same for which examples they are; NULL: no plan asks */
    hg_stage *labels;  /* and for their labels */
    size_t example;    /* bytes of one picture */
    float rows[HG_FEEDER_RING * ROW];
};

hg_feeder *hg_feeder_create(hg_net *net)
{
    hg_feeder *feeder = HG_NEW(hg_net_context(net), hg_feeder);
    if (!feeder) return NULL;
    int c, h, w;
    hg_model_target(hg_net_model(net), &c, &h, &w);
    feeder->ctx = hg_net_context(net);
    feeder->net = net;
    feeder->example = hg_mul(hg_mul((size_t)c, (size_t)h), (size_t)w);
    size_t bytes = hg_mul(feeder->example, (size_t)hg_net_batch(net));
    if (!hg_arenas_bytes(hg_net_arenas(net), bytes)) goto fail;
    if (!(feeder->stage = hg_stage_create(hg_net_device(net), bytes, BLOCKS))) goto fail;
    if (hg_model_is_corrupted(hg_net_model(net)) &&
        !(feeder->numbers = hg_stage_create(hg_net_device(net), (size_t)hg_net_batch(net) * sizeof(uint32_t), BLOCKS)))
        goto fail;
    if (hg_model_labels(hg_net_model(net)) &&
        !(feeder->labels = hg_stage_create(hg_net_device(net), (size_t)hg_net_batch(net) * sizeof(int32_t), BLOCKS)))
        goto fail;
    return feeder;
fail:
    hg_feeder_destroy(feeder);
    return NULL;
}

void hg_feeder_destroy(hg_feeder *feeder)
{
    if (!feeder) return;
    hg_stage_destroy(feeder->stage);
    hg_stage_destroy(feeder->numbers);
    hg_stage_destroy(feeder->labels);
    hg_free(feeder);
}

bool hg_feeder_accepts(const hg_net *net, const hg_dataset *data)
{
    const hg_model *model = hg_net_model(net);
    int c, h, w, dc, dh, dw;
    hg_model_target(model, &c, &h, &w);
    hg_dataset_shape(data, &dc, &dh, &dw);
    return (c == dc && h == dh && w == dw) ||
           hg_fail(hg_net_context(net), HG_BAD_INPUT, "the data's pictures are %dx%dx%d, but the model %s is %dx%dx%d", dc, dh, dw,
                   hg_model_is_corrupted(model) ? "corrupts pictures of its output's size, which" : "has an input that", c, h, w);
}

static bool upload(hg_stage *stage, hg_buffer *to, const void *data, size_t bytes)
{
    void *block = to ? hg_stage_next(stage) : NULL;
    if (!block) return false;
    memcpy(block, data, bytes);
    return hg_stage_upload(stage, to, 0, bytes);
}

bool hg_feeder_run(hg_feeder *feeder, hg_plan_purpose purpose, const hg_batch *batch, uint64_t seed, int64_t step, int64_t steps, double lr)
{
    hg_arenas *arenas = hg_net_arenas(feeder->net);
    size_t bytes = feeder->example * (size_t)batch->count, numbers = (size_t)batch->count * sizeof *batch->indices,
                 labels = (size_t)batch->count * sizeof *batch->labels;
    hg_plan *plan = hg_net_plan(feeder->net, purpose, batch->count);
    return plan && upload(feeder->stage, hg_arenas_bytes(arenas, bytes), batch->pixels, bytes) &&
           (!hg_plan_reads_examples(plan) || upload(feeder->numbers, hg_arenas_examples(arenas, batch->count), batch->indices, numbers)) &&
           (!hg_plan_reads_labels(plan) || upload(feeder->labels, hg_arenas_labels(arenas, batch->count), batch->labels, labels)) &&
           hg_arenas_set_step(arenas, seed, step, steps, lr, batch->count) && hg_plan_run(plan);
}

bool hg_feeder_losses(hg_feeder *feeder, int64_t first, int n, hg_losses *out)
{
    if (n <= 0) return true;
    if (!hg_buffer_read(hg_arenas_metrics(hg_net_arenas(feeder->net)), 0, feeder->rows, sizeof feeder->rows)) return false;
    for (int i = 0; i < n; i++) {
        const float *row = feeder->rows + (size_t)((first + i - 1) % HG_FEEDER_RING) * ROW;
        out[i] = (hg_losses){row[0], row[1], row[2], row[3], row[4], row[5]};
    }
    return true;
}

void hg_losses_add(hg_losses *sum, const hg_losses *l, double weight)
{
    sum->loss += l->loss * weight;
    sum->reconstruction += l->reconstruction * weight;
    sum->kl += l->kl * weight;
    sum->penalty += l->penalty * weight;
    sum->discriminator += l->discriminator * weight;
    sum->generator += l->generator * weight;
}

/* ---- evaluation */

static bool evaluate(hg_feeder *feeder, hg_batches *it, int64_t batches, hg_losses *sum, int64_t *examples)
{
    static const int max_run = 512;
    hg_losses losses[512];
    int counts[512], n = 0;
    const uint64_t seed = hg_net_evaluation_seed(feeder->net);
    for (int64_t i = 0; i < batches; i++) {
        hg_batch batch;
        if (!hg_batches_next(it, &batch) || !hg_feeder_run(feeder, HG_PURPOSE_EVALUATE, &batch, seed, i + 1, batches, 0))
            return false;
        counts[n++] = batch.count;
        *examples += batch.count;
        if (n < max_run && i + 1 < batches) continue;
        if (!hg_feeder_losses(feeder, i + 2 - n, n, losses)) return false;
        for (int k = 0; k < n; k++) hg_losses_add(sum, &losses[k], counts[k]);
        n = 0;
    }
    return true;
}

bool hg_feeder_evaluate(hg_feeder *feeder, const hg_dataset *data, hg_part part, hg_losses *out)
{
    const hg_batches_params params = {.part = part, .batch = hg_net_batch(feeder->net), .epochs = 1};
    const bool suits = hg_feeder_accepts(feeder->net, data) && hg_dataset_labels_suit(data, hg_net_model(feeder->net));
    hg_batches *it = suits ? hg_batches_open(data, &params) : NULL;
    hg_losses sum = {0};
    int64_t examples = 0;
    bool ok = it && evaluate(feeder, it, hg_batches_per_epoch(it), &sum, &examples);
    hg_batches_close(it);
    *out = (hg_losses){0};
    if (ok) hg_losses_add(out, &sum, 1.0 / (double)examples);
    return ok;
}

bool hg_evaluate(hg_net *net, const hg_dataset *data, hg_part part, hg_losses *out)
{
    hg_feeder *feeder = hg_feeder_create(net);
    bool ok = feeder && hg_feeder_evaluate(feeder, data, part, out);
    hg_feeder_destroy(feeder);
    return ok;
}
