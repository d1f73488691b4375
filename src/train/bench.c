/* Steps for their time: the same batch over and over, through the same uploads and plans as in use. */
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "train/dataset.h"
#include "train/trainer.h"

enum { BLOCKS = 4 };

struct hg_bench {
    hg_context *ctx;
    hg_net *net;
    hg_bench_mode mode;
    const hg_graph *graph;
    int batch;
    int channels, height, width;
    size_t example;      /* their product: bytes of one picture */
    uint8_t *pixels;     /* [B, H, W, C] of the target */
    uint32_t *indices;   /* [B]: 0, 1, 2 ... */
    int32_t *labels;     /* [B]: 0, 1 ... for models with `condition`: any data will do */
    int64_t step;        /* steps made */
    hg_feeder *feeder;   /* training */
    hg_plan *plan;       /* inference */
    hg_stage *stage;
    float *x;            /* [B, H, W, C] of the network's input */
    size_t x_bytes;
};

static bool take_pictures(hg_bench *b, const hg_dataset *data)
{
    int c, h, w;
    hg_model_target(b->graph, &b->channels, &b->height, &b->width);
    hg_dataset_shape(data, &c, &h, &w);
    if (!hg_feeder_accepts(b->net, data)) return false;
    if (hg_dataset_count(data, HG_TRAIN) < b->batch)
        return hg_fail(b->ctx, HG_USAGE, "a benchmark with batch %d needs as many training examples, there are %lld", b->batch,
                       (long long)hg_dataset_count(data, HG_TRAIN));
    b->example = hg_mul(hg_mul((size_t)c, (size_t)h), (size_t)w);
    b->pixels = hg_alloc(b->ctx, (size_t)b->batch, b->example);
    b->indices = hg_alloc(b->ctx, (size_t)b->batch, sizeof *b->indices);
    b->labels = hg_alloc(b->ctx, (size_t)b->batch, sizeof *b->labels);
    if (!b->pixels || !b->indices || !b->labels) return false;
    for (int i = 0; i < b->batch; i++) {
        hg_dataset_copy(data, HG_TRAIN, i, b->pixels + (size_t)i * b->example);
        b->indices[i] = (uint32_t)i;
        b->labels[i] = b->graph->labels ? i % b->graph->labels : 0;
    }
    return true;
}

static bool prepare_training(hg_bench *b)
{
    if (hg_net_is_inference(b->net)) return hg_fail(b->ctx, HG_USAGE, "the net was made for inference only");
    return (b->feeder = hg_feeder_create(b->net)) != NULL;
}

/* The pictures as the network's input: where that is smaller than they are, every so many pixels one. */
static void fill_input(hg_bench *b, hg_shape to)
{
    float *x = b->x;
    for (int i = 0; i < b->batch; i++)
        for (int row = 0; row < to.h; row++)
            for (int column = 0; column < to.w; column++) {
                size_t y = (size_t)row * (size_t)b->height / (size_t)to.h, at = (size_t)column * (size_t)b->width / (size_t)to.w;
                const uint8_t *pixel = b->pixels + (size_t)i * b->example + (y * (size_t)b->width + at) * (size_t)b->channels;
                for (int c = 0; c < to.c; c++) *x++ = (float)pixel[c % b->channels] / 255.0f;
            }
}

static bool prepare_inference(hg_bench *b)
{
    const hg_shape shape = b->graph->tensors[b->graph->input]->shape;
    b->x_bytes = hg_mul(hg_mul(hg_shape_count(shape), (size_t)b->batch), sizeof(float));
    b->x = hg_alloc(b->ctx, b->x_bytes, 1);
    b->stage = b->x ? hg_stage_create(hg_net_device(b->net), b->x_bytes, BLOCKS) : NULL;
    if (!b->stage || !(b->plan = hg_net_plan(b->net, HG_PURPOSE_RECONSTRUCT, b->batch))) return false;
    if (hg_plan_reads_labels(b->plan)) {
        hg_buffer *labels = hg_arenas_labels(hg_net_arenas(b->net), b->batch);
        if (!hg_buffer_write(labels, 0, b->labels, (size_t)b->batch * sizeof *b->labels)) return false;
    }
    fill_input(b, shape);
    return true;
}

hg_bench *hg_bench_create(hg_net *net, const hg_dataset *data, hg_bench_mode mode)
{
    hg_bench *b = HG_NEW(hg_net_context(net), hg_bench);
    if (!b) return NULL;
    *b = (hg_bench){.ctx = hg_net_context(net), .net = net, .mode = mode, .batch = hg_net_batch(net), .graph = hg_net_model(net)};
    if (take_pictures(b, data) && (mode == HG_BENCH_TRAIN ? prepare_training(b) : prepare_inference(b))) return b;
    hg_bench_destroy(b);
    return NULL;
}

void hg_bench_destroy(hg_bench *b)
{
    if (!b) return;
    hg_feeder_destroy(b->feeder);
    hg_stage_destroy(b->stage);
    hg_free(b->pixels);
    hg_free(b->indices);
    hg_free(b->labels);
    hg_free(b->x);
    hg_free(b);
}

static bool infer(hg_bench *b)
{
    void *block = hg_stage_next(b->stage);
    hg_buffer *to = block ? hg_plan_value_buffer(b->plan, b->graph->input) : NULL;
    if (!to) return false;
    memcpy(block, b->x, b->x_bytes);
    return hg_stage_upload(b->stage, to, 0, b->x_bytes) && hg_plan_run(b->plan);
}

static bool train(hg_bench *b)
{
    const int64_t endless = INT64_MAX; /* so that schedules stay where they begin */
    const hg_batch batch = {.pixels = b->pixels, .labels = b->labels, .indices = b->indices, .count = b->batch};
    return hg_feeder_run(b->feeder, HG_PURPOSE_TRAIN, &batch, hg_net_seed(b->net), b->step + 1, endless, 0);
}

/* By reading a number of the last step: not every driver's clFinish waits for the work to be done. */
static bool wait(hg_bench *b)
{
    float number;
    hg_buffer *last = b->mode == HG_BENCH_TRAIN ? hg_arenas_metrics(hg_net_arenas(b->net))
                                                : hg_plan_value_buffer(b->plan, b->graph->output);
    return last && hg_buffer_read(last, 0, &number, sizeof number);
}

bool hg_bench_run(hg_bench *b, int64_t n, double *seconds)
{
    double begin = hg_now();
    for (int64_t i = 0; i < n; i++, b->step++)
        if (!(b->mode == HG_BENCH_TRAIN ? train(b) : infer(b))) return false;
    if (!wait(b)) return false;
    *seconds = hg_now() - begin;
    return true;
}

static bool error_of_pictures(hg_bench *b, double *loss)
{
    const size_t count = hg_mul(hg_shape_count(b->graph->tensors[b->graph->output]->shape), (size_t)b->batch);
    const bool same = count == hg_mul(b->example, (size_t)b->batch);
    float *y = hg_alloc(b->ctx, count, sizeof *y);
    bool ok = y && hg_plan_get_value(b->plan, b->graph->output, y);
    double sum = 0;
    for (size_t i = 0; ok && i < count; i++) {
        double error = (double)y[i] - (same ? b->pixels[i] / 255.0 : 0);
        sum += error * error;
    }
    *loss = sum / (double)count;
    hg_free(y);
    return ok;
}

bool hg_bench_loss(hg_bench *b, int64_t step, double *loss)
{
    hg_losses losses;
    if (b->mode == HG_BENCH_INFER) {
        if (!error_of_pictures(b, loss)) return false;
    } else {
        if (!hg_feeder_losses(b->feeder, step, 1, &losses)) return false;
        *loss = losses.loss;
    }
    if (isfinite(*loss)) return true;
    return hg_fail(b->ctx, HG_DIVERGED,
                   "the benchmark of %s gave a loss that is not finite on %s: the device computes wrong results, or the model's "
                   "learning rate is too large", hg_model_name(hg_net_model(b->net)), hg_device_get_info(hg_net_device(b->net))->name);
}
