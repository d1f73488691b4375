#include "model/net.h"

#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "model/initializer.h"
#include "model/plan_private.h"
#include "model/tuning.h"
#include "model/variant.h"

enum { MAX_PLANS = 32 };

typedef struct net_plan { hg_plan_purpose purpose; int batch; hg_plan *plan; } net_plan;

struct hg_net {
    hg_context *ctx;
    hg_device *dev;
    const hg_model *model;
    hg_arenas *arenas;
    int batch;
    uint64_t seed;
    bool inference;
    net_plan plans[MAX_PLANS];
    int n_plans;
    double build_seconds; /* of the calling thread, for `kernels` that were not built yet */
    int kernels;
    hg_tuning *decided;  /* what the plans decided, those that are gone and those of a run before this one too */
};

hg_context *hg_net_context(const hg_net *net) { return net->ctx; }
hg_device *hg_net_device(const hg_net *net) { return net->dev; }
hg_arenas *hg_net_arenas(const hg_net *net) { return net->arenas; }
uint64_t hg_net_seed(const hg_net *net) { return net->seed; }
uint64_t hg_net_evaluation_seed(const hg_net *net) { return net->seed ^ UINT64_C(0x9e3779b97f4a7c15); }
void hg_net_set_seed(hg_net *net, uint64_t seed) { net->seed = seed; }
bool hg_net_is_inference(const hg_net *net) { return net->inference; }
hg_precision hg_net_precision(const hg_net *net) { return net->arenas->precision; }
const hg_model *hg_net_model(const hg_net *net) { return net->model; }
int hg_net_batch(const hg_net *net) { return net->batch; }
/* PoCL 3.1 takes one program of n kernels from its cache in 0.02 to 0.06 s + 2 to 6 ms n of processor time, and compiles it in 0.15 to
 * 0.3 s + 45 to 180 ms n, by the machine and what else it does. */
bool hg_net_was_compiled(const hg_net *net) { return net->build_seconds > 0.1 + 0.015 * net->kernels; }

const char *hg_precision_name(hg_precision precision)
{
    static const char *const names[] = {"full", "mixed"};
    return (size_t)precision < sizeof names / sizeof *names ? names[precision] : NULL;
}

const char *hg_net_remedy(const hg_net *net)
{
    if (hg_net_precision(net) == HG_PRECISION_FULL) return "a smaller learning rate (--lr) or the optimizer's clip_norm";
    return "--precision full (mixed holds no values beyond 65504), a smaller learning rate (--lr) or the optimizer's clip_norm";
}

/* ---- what was decided */

int hg_net_untuned(const hg_net *net)
{
    hg_decision d;
    int n = 0;
    for (int p = 0; p < net->n_plans; p++)
        for (int i = 0; net->plans[p].purpose == HG_PURPOSE_TRAIN && hg_plan_decision(net->plans[p].plan, i, &d); i++) n += d.expected;
    return n;
}

hg_tuning *hg_net_decided(hg_net *net) { return net->decided; }

static bool remember(hg_net *net, const hg_plan *plan)
{
    hg_decision d;
    for (int i = 0; hg_plan_decision(plan, i, &d); i++)
        if (!hg_tuning_set(net->decided, d.key, d.pick, 0, 0)) return false;
    return true;
}

/* ---- plans */

static void announce(void *user, int done, int total)
{
    hg_net *net = user;
    if (done == 0) net->kernels += total;
    if (done == 0 && total > 0) hg_log(net->ctx, HG_LOG_INFO, "compiling %d kernel%s for %s", total, total == 1 ? "" : "s", hg_device_get_info(net->dev)->name);
}

hg_plan *hg_net_plan(hg_net *net, hg_plan_purpose purpose, int batch)
{
    for (int i = 0; i < net->n_plans; i++)
        if (net->plans[i].purpose == purpose && net->plans[i].batch == batch) return net->plans[i].plan;
    if (net->n_plans == MAX_PLANS) { /* many batch sizes came by: forget the youngest, the first ones are the usual ones */
        if (!hg_device_finish(net->dev)) return NULL;
        hg_plan_destroy(net->plans[--net->n_plans].plan);
    }
    hg_plan *plan = hg_plan_prepare(net->arenas, purpose, batch, false);
    int n = 0;
    hg_launch *const *launches = plan ? hg_plan_launches(plan, &n) : NULL;
    const double begin = hg_thread_busy();
    if (!plan || !hg_launches_build(net->dev, launches, n, announce, net) || !remember(net, plan)) {
        hg_plan_destroy(plan);
        return NULL;
    }
    net->build_seconds += hg_thread_busy() - begin;
    net->plans[net->n_plans++] = (net_plan){purpose, batch, plan};
    return plan;
}

hg_net *hg_net_create(hg_device *dev, const hg_model *model, const hg_net_params *params)
{
    static const hg_net_params none;
    hg_context *ctx = hg_device_context(dev);
    if (!params) params = &none;
    if (params->batch < 0) {
        hg_fail(ctx, HG_USAGE, "a batch of %d: it must be at least 1", params->batch);
        return NULL;
    }
    if (!hg_variants_check(dev)) return NULL;
    hg_net *net = HG_NEW(ctx, hg_net);
    if (!net) return NULL;
    *net = (hg_net){.ctx = ctx, .dev = dev, .model = model, .seed = params->seed, .inference = params->inference};
    net->batch = params->batch ? params->batch : model->batch;
    if (!(net->decided = hg_tuning_open(dev, NULL))) goto fail;
    if (!(net->arenas = hg_arenas_create(dev, model, params->tuning, !net->inference, params->precision))) goto fail;
    if (hg_model_is_corrupted(model) && !hg_arenas_examples(net->arenas, net->batch)) goto fail;
    if (hg_model_labels(model) && !hg_arenas_labels(net->arenas, net->batch)) goto fail;
    if (!net->inference && !hg_net_plan(net, HG_PURPOSE_TRAIN, net->batch)) goto fail;
    if (!hg_net_init(net)) goto fail; /* last: drawing millions of weights must not delay the word that kernels are compiled */
    return net;
fail:
    hg_net_destroy(net);
    return NULL;
}

void hg_net_destroy(hg_net *net)
{
    if (!net) return;
    hg_device_finish(net->dev);
    for (int i = 0; i < net->n_plans; i++) hg_plan_destroy(net->plans[i].plan);
    hg_arenas_destroy(net->arenas);
    hg_tuning_close(net->decided);
    hg_free(net);
}

/* ---- parameters */

bool hg_net_read_arena(hg_net *net, hg_buffer *arena, float *const *rows)
{
    size_t bytes = hg_buffer_size(arena);
    float *host = hg_alloc(net->ctx, bytes, 1);
    bool ok = host && hg_buffer_read(arena, 0, host, bytes);
    for (int i = 0; ok && i < net->model->n_params; i++)
        if (rows[i]) hg_param_to_torch(net->model->params[i], host + net->model->params[i]->offset, rows[i]);
    hg_free(host);
    return ok;
}

bool hg_net_write_arena(hg_net *net, hg_buffer *arena, const float *const *rows)
{
    size_t bytes = hg_buffer_size(arena);
    float *host = hg_alloc(net->ctx, bytes, 1);
    bool ok = host && hg_buffer_read(arena, 0, host, bytes); /* what is skipped stays */
    for (int i = 0; ok && i < net->model->n_params; i++)
        if (rows[i]) hg_param_to_engine(net->model->params[i], rows[i], host + net->model->params[i]->offset);
    ok = ok && hg_buffer_write(arena, 0, host, bytes) && hg_device_finish(net->dev);
    hg_free(host);
    return ok;
}

bool hg_net_init(hg_net *net)
{
    const hg_model *model = net->model;
    hg_arena *arena = hg_arena_create(net->ctx);
    float **rows = arena ? hg_arena_alloc(arena, (size_t)model->n_params + 1, sizeof *rows) : NULL;
    bool ok = rows != NULL;
    for (int i = 0; ok && i < model->n_params; i++) {
        rows[i] = hg_arena_alloc(arena, model->params[i]->count, sizeof(float));
        ok = rows[i] && hg_param_init(net->ctx, model->params[i], i, net->seed, rows[i]);
    }
    ok = ok && hg_net_write_arena(net, hg_arenas_params(net->arenas), (const float *const *)rows);
    hg_arena_destroy(arena);
    return ok;
}

static bool same_param(const hg_param *a, const hg_param *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->shape, b->shape, sizeof a->shape) == 0 && memcmp(a->size, b->size, sizeof a->size) == 0 &&
           memcmp(a->order, b->order, sizeof a->order) == 0;
}

bool hg_net_copy(hg_net *net, hg_net *from)
{
    const size_t bytes = hg_buffer_size(net->arenas->params);
    const hg_model *a = net->model, *b = from->model;
    bool same = a->n_params == b->n_params && hg_buffer_size(from->arenas->params) == bytes;
    for (int i = 0; same && i < a->n_params; i++)
        same = same_param(a->params[i], b->params[i]);
    if (!same) return hg_fail(net->ctx, HG_USAGE, "the weights of %s do not fit %s: they are not the same model", b->name, a->name);
    float *host = hg_alloc(net->ctx, bytes, 1);
    const bool ok = host && hg_buffer_read(from->arenas->params, 0, host, bytes) && hg_buffer_write(net->arenas->params, 0, host, bytes) &&
                    hg_device_finish(net->dev);
    hg_free(host);
    return ok;
}

/* ---- use */

void hg_to_engine(hg_shape shape, const float *chw, float *hwc)
{
    size_t pixels = (size_t)shape.h * (size_t)shape.w, channels = (size_t)shape.c;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) hwc[p * channels + c] = chw[c * pixels + p];
}

void hg_to_torch(hg_shape shape, const float *hwc, float *chw)
{
    size_t pixels = (size_t)shape.h * (size_t)shape.w, channels = (size_t)shape.c;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) chw[c * pixels + p] = hwc[p * channels + c];
}

/* Where a plan draws by example: these are the dataset's numbers `first` and on. */
static bool number_examples(hg_net *net, const hg_plan *plan, int64_t first, uint32_t *numbers, int batch)
{
    if (!hg_plan_reads_examples(plan)) return true;
    for (int k = 0; k < batch; k++) numbers[k] = (uint32_t)(first + k);
    return hg_buffer_write(hg_arenas_examples(net->arenas, batch), 0, numbers, (size_t)batch * sizeof *numbers);
}

/* Where the model has a condition: the labels of a batch's first `count` examples. */
static bool give_labels(hg_net *net, const hg_plan *plan, const int *labels, int count, uint32_t *numbers, int batch)
{
    if (!hg_plan_reads_labels(plan)) return true;
    for (int k = 0; k < batch; k++) numbers[k] = k < count ? (uint32_t)labels[k] : 0;
    return hg_buffer_write(hg_arenas_labels(net->arenas, batch), 0, numbers, (size_t)batch * sizeof *numbers);
}

static bool check_labels(const hg_net *net, int64_t n, const int *labels)
{
    const hg_model *model = net->model;
    if (!model->labels) return true;
    if (!labels) return hg_fail(net->ctx, HG_USAGE, "the model %s has a condition: it needs the label of every example, 0 to %d", model->name, model->labels - 1);
    for (int64_t i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= model->labels)
            return hg_fail(net->ctx, HG_USAGE, "label %d: those of the model %s are 0 to %d", labels[i], model->name, model->labels - 1);
    return true;
}

/* Runs a plan over the n examples from number `first` on, a batch at a time; what is left over of the last batch is zeros, which
 * examples never see: outside training no layer looks across the batch. `labels` are NULL where no label is read. */
static bool apply(hg_net *net, hg_plan_purpose purpose, int source, int result, int64_t first, int64_t n, const float *in, const int *labels, float *out)
{
    if (n <= 0) return true;
    int batch = n < net->batch ? (int)n : net->batch;
    hg_shape from = net->model->tensors[source]->shape, to = net->model->tensors[result]->shape;
    size_t from_count = hg_shape_count(from), to_count = hg_shape_count(to);
    float *x = hg_alloc(net->ctx, hg_mul(from_count, (size_t)batch), sizeof *x);
    float *y = hg_alloc(net->ctx, hg_mul(to_count, (size_t)batch), sizeof *y);
    uint32_t *numbers = hg_alloc(net->ctx, (size_t)batch, sizeof *numbers);
    hg_plan *plan = x && y && numbers ? hg_net_plan(net, purpose, batch) : NULL;
    bool ok = plan != NULL;
    for (int64_t i = 0; ok && i < n; i += batch) {
        int count = n - i < batch ? (int)(n - i) : batch;
        memset(x, 0, from_count * (size_t)batch * sizeof *x);
        for (int k = 0; k < count; k++) hg_to_engine(from, in + (size_t)(i + k) * from_count, x + (size_t)k * from_count);
        ok = number_examples(net, plan, first + i, numbers, batch) && give_labels(net, plan, labels + (labels ? i : 0), count, numbers, batch) &&
             hg_plan_set_value(plan, source, x) && hg_plan_run(plan) && hg_plan_get_value(plan, result, y);
        for (int k = 0; ok && k < count; k++) hg_to_torch(to, y + (size_t)k * to_count, out + (size_t)(i + k) * to_count);
    }
    hg_free(x);
    hg_free(y);
    hg_free(numbers);
    return ok;
}

bool hg_corrupt(hg_net *net, int64_t first, int64_t n, const float *target, float *x)
{
    const hg_model *model = net->model;
    if (hg_model_is_corrupted(model))
        return hg_arenas_set_step(net->arenas, hg_net_evaluation_seed(net), 1, 1, 0, net->batch) &&
               apply(net, HG_PURPOSE_CORRUPT, model->target, model->input, first, n, target, NULL, x);
    if (n > 0) memcpy(x, target, hg_mul(hg_shape_count(model->tensors[model->target]->shape), (size_t)n) * sizeof *x);
    return true;
}

bool hg_encode(hg_net *net, int64_t n, const float *x, const int *labels, float *code)
{
    return check_labels(net, n, labels) && apply(net, HG_PURPOSE_ENCODE, net->model->input, net->model->code, 0, n, x, labels, code);
}

bool hg_decode(hg_net *net, int64_t n, const float *code, const int *labels, float *y)
{
    return check_labels(net, n, labels) && apply(net, HG_PURPOSE_DECODE, net->model->latent, net->model->output, 0, n, code, labels, y);
}

bool hg_reconstruct(hg_net *net, int64_t n, const float *x, const int *labels, float *y)
{
    return check_labels(net, n, labels) && apply(net, HG_PURPOSE_RECONSTRUCT, net->model->input, net->model->output, 0, n, x, labels, y);
}

/* ---- for printing */

static hg_plan *plan_of_kind(hg_net *net, hg_plan_kind kind)
{
    static const hg_plan_purpose purposes[] = {HG_PURPOSE_TRAIN, HG_PURPOSE_EVALUATE, HG_PURPOSE_ENCODE, HG_PURPOSE_DECODE,
                                                 HG_PURPOSE_RECONSTRUCT};
    return hg_net_plan(net, purposes[kind], net->batch);
}

/* A gradient's weight-gradient launches say so; what prepares weights for the others belongs to those. */
static hg_direction direction(const hg_plan *plan, int i)
{
    const hg_stretch *stretch = plan->stretches;
    while (i >= stretch->end) stretch++;
    if (i < stretch->forward) return HG_FORWARD;
    if (i >= stretch->backward) return HG_UPDATE;
    return hg_contains(plan->launches[i]->label, "weight gradient") ? HG_WEIGHT_GRADIENT : HG_DATA_GRADIENT;
}

bool hg_net_launch(hg_net *net, hg_plan_kind kind, int i, hg_launch_row *row)
{
    int n = 0;
    hg_plan *plan = plan_of_kind(net, kind);
    hg_launch *const *launches = plan ? hg_plan_launches(plan, &n) : NULL;
    if (i < 0 || i >= n) return false;
    const hg_launch *l = launches[i];
    *row = (hg_launch_row){l->label, l->kernel, l->variant, direction(plan, i), l->flops, l->bytes, l->seconds, l->seconds_min, l->seconds_max};
    return true;
}

bool hg_net_time(hg_net *net, hg_plan_kind kind, int repeats, double *whole)
{
    int n;
    hg_plan *plan = plan_of_kind(net, kind);
    if (!plan || !hg_arenas_set_step(net->arenas, net->seed, 1, 1, 0, net->batch)) return false;
    hg_launch *const *launches = hg_plan_launches(plan, &n);
    return hg_launches_time(net->dev, launches, n, repeats, whole);
}

bool hg_net_compile(hg_net *net, hg_plan_kind kind, int part, int parts, bool (*wanted)(void *user), void *user)
{
    int n;
    hg_plan *plan = plan_of_kind(net, kind);
    if (!plan || !hg_arenas_set_step(net->arenas, net->seed, 1, 1, 0, net->batch)) return false;
    hg_launch *const *launches = hg_plan_launches(plan, &n);
    return hg_launches_compile(net->dev, launches, n, part, parts, wanted, user);
}

static uint64_t size_of(const hg_buffer *buffer)
{
    return buffer ? hg_buffer_size(buffer) : 0;
}

/* Moment k of all optimizers. */
static uint64_t moments(const hg_arenas *arenas, int k)
{
    uint64_t bytes = 0;
    for (int slot = 0; slot < HG_MAX_PHASES; slot++) bytes += size_of(arenas->moments[slot][k]);
    return bytes;
}

bool hg_net_memory(const hg_net *net, int i, hg_memory_row *row)
{
    const hg_arenas *a = net->arenas;
    const struct { const char *role; uint64_t bytes; } roles[] = {
        {"parameters", size_of(a->params)}, {"gradients", size_of(a->grads)}, {"optimizer state 1", moments(a, 0)},
        {"optimizer state 2", moments(a, 1)}, {"batch of pictures", size_of(a->bytes)}, {"losses", size_of(a->metrics)}};
    for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
        if (!roles[k].bytes) continue;
        if (i-- > 0) continue;
        *row = (hg_memory_row){roles[k].role, roles[k].bytes};
        return true;
    }
    if (i > 0) return false;
    *row = (hg_memory_row){"activations", a->activation_bytes};
    return true;
}
