/* A plan's life: made, run, asked, destroyed. */
#include "model/plan_private.h"

#include <math.h>
#include <string.h>
#include "base/half.h"

static bool allocate(hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    size_t t = (size_t)graph->n_tensors, n = (size_t)graph->n_nodes, p = (size_t)graph->n_params;
    plan->alias = hg_arena_alloc(plan->arena, t, sizeof *plan->alias);
    plan->act = hg_arena_alloc(plan->arena, t, sizeof *plan->act);
    plan->value = hg_arena_alloc(plan->arena, t, sizeof *plan->value);
    plan->grad = hg_arena_alloc(plan->arena, t, sizeof *plan->grad);
    plan->half = hg_arena_alloc(plan->arena, t, sizeof *plan->half);
    plan->wants_grad = hg_arena_alloc(plan->arena, t, sizeof *plan->wants_grad);
    plan->written = hg_arena_alloc(plan->arena, t, sizeof *plan->written);
    plan->needed = hg_arena_alloc(plan->arena, n + 1, sizeof *plan->needed);
    plan->passes = hg_arena_alloc(plan->arena, hg_mul(n, HG_MAX_PHASES) + 1, sizeof *plan->passes);
    plan->note = hg_arena_alloc(plan->arena, n + 1, sizeof *plan->note);
    plan->param = hg_arena_alloc(plan->arena, p + 1, sizeof *plan->param);
    plan->param_grad = hg_arena_alloc(plan->arena, p + 1, sizeof *plan->param_grad);
    plan->param_written = hg_arena_alloc(plan->arena, p + 1, sizeof *plan->param_written);
    plan->trains = hg_arena_alloc(plan->arena, p + 1, sizeof *plan->trains);
    if (!plan->trains || !plan->param_written || !plan->param_grad || !plan->param || !plan->note || !plan->passes || !plan->needed || !plan->written ||
        !plan->wants_grad || !plan->half || !plan->grad || !plan->value || !plan->act || !plan->alias)
        return false;
    for (size_t i = 0; i < t; i++) plan->alias[i] = plan->act[i] = (int)i, plan->value[i] = plan->grad[i] = -1;
    for (size_t i = 0; i < n; i++) plan->note[i] = -1;
    for (size_t i = 0; i < p; i++) plan->param[i] = plan->param_grad[i] = -1;
    return true;
}

static bool fixed_blocks(hg_plan *plan)
{
    hg_arenas *arenas = plan->arenas;
    plan->dummy = hg_plan_fixed(plan, arenas->dummy, HG_ALIGN, false);
    plan->step = hg_plan_fixed(plan, arenas->step, hg_buffer_size(arenas->step), false); /* the first update's; all agree on seed and step */
    plan->state = hg_plan_fixed(plan, arenas->state, hg_buffer_size(arenas->state), false);
    plan->metrics = hg_plan_fixed(plan, arenas->metrics, hg_buffer_size(arenas->metrics), false);
    plan->bytes = plan->examples = plan->labels = -1;
    for (int i = 0; i < HG_COUNTS; i++) plan->taken[i] = -1;
    if (plan->purpose == HG_PURPOSE_TRAIN || plan->purpose == HG_PURPOSE_EVALUATE) {
        size_t bytes = hg_mul(hg_shape_count(plan->graph->tensors[plan->graph->target]->shape), (size_t)plan->batch);
        hg_buffer *buffer = hg_arenas_bytes(arenas, bytes);
        if (!buffer) return false;
        plan->bytes = hg_plan_fixed(plan, buffer, bytes, false);
    }
    return !plan->failed;
}

/* Kernels index with 32-bit integers. */
static bool check_sizes(const hg_plan *plan)
{
    for (int t = 0; t < plan->graph->n_tensors; t++) {
        const hg_tensor *tensor = plan->graph->tensors[t];
        size_t count = hg_shape_count(tensor->shape), fits = INT32_MAX / count;
        char text[48];
        if ((size_t)plan->batch <= fits) continue;
        if (!fits) fits = 1;
        return hg_fail(plan->ctx, HG_DEVICE_MEMORY, "model %s does not fit: at batch %d the tensor %s (%s) has more than 2^31 numbers: a batch of "
                       "%zu or less may fit (--batch %zu)", plan->graph->name, plan->batch, tensor->name, hg_shape_text(tensor->shape, text), fits, fits);
    }
    return true;
}

static hg_plan *prepare(hg_arenas *arenas, hg_plan_purpose purpose, int batch, bool guarded, struct hg_trial *trial)
{
    hg_plan *plan = HG_NEW(arenas->ctx, hg_plan);
    if (!plan) return NULL;
    plan->ctx = arenas->ctx;
    plan->arenas = arenas;
    plan->dev = arenas->dev;
    plan->graph = arenas->graph;
    plan->purpose = purpose;
    plan->batch = batch;
    plan->guarded = guarded;
    plan->trial = trial;
    plan->training = purpose == HG_PURPOSE_TRAIN || purpose == HG_PURPOSE_PROBE || purpose == HG_PURPOSE_TRIAL;
    if (!check_sizes(plan) || !(plan->arena = hg_arena_create(plan->ctx)) || !allocate(plan) || !fixed_blocks(plan)) goto fail;
    hg_plan_compose(plan);
    if (plan->failed || hg_failed(plan->ctx) || !hg_plan_place(plan)) goto fail;
    return plan;
fail:
    if (!hg_failed(plan->ctx) && !trial) hg_fail(plan->ctx, HG_INTERNAL, "a plan failed without a message");
    hg_plan_destroy(plan);
    return NULL;
}

hg_plan *hg_plan_prepare(hg_arenas *arenas, hg_plan_purpose purpose, int batch, bool guarded)
{
    return prepare(arenas, purpose, batch, guarded, NULL);
}

hg_plan *hg_plan_trial(hg_arenas *arenas, int batch, struct hg_trial *trial)
{
    return prepare(arenas, HG_PURPOSE_TRIAL, batch, true, trial);
}

hg_plan *hg_plan_create(hg_arenas *arenas, hg_plan_purpose purpose, int batch, bool guarded)
{
    hg_plan *plan = hg_plan_prepare(arenas, purpose, batch, guarded);
    if (plan && !hg_launches_build(plan->dev, plan->launches, plan->n_launches, NULL, NULL)) {
        hg_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

void hg_plan_destroy(hg_plan *plan)
{
    if (!plan) return;
    hg_record_destroy(plan->record);
    hg_launches_release(plan->launches, plan->n_launches);
    hg_plan_unplace(plan);
    hg_free(plan->launches);
    hg_free(plan->uses);
    hg_free(plan->decisions);
    hg_free(plan->blocks);
    hg_arena_destroy(plan->arena);
    hg_free(plan);
}

bool hg_plan_run(hg_plan *plan)
{
    if (plan->purpose != HG_PURPOSE_TRAIN) return hg_launches_run(plan->dev, plan->launches, plan->n_launches);
    if (!plan->record) plan->record = hg_record_create(plan->dev, plan->launches, plan->n_launches);
    return plan->record && hg_record_run(plan->record);
}

/* ---- data in and out */

static hg_block_info *tensor_block(hg_plan *plan, const hg_block *blocks, int tensor)
{
    hg_block block = blocks[hg_plan_root(plan, tensor)];
    if (block >= 0 && plan->blocks[block].buffer) return &plan->blocks[block];
    hg_fail(plan->ctx, HG_INTERNAL, "tensor %s has no memory in this plan", plan->graph->tensors[tensor]->name);
    return NULL;
}

static bool set(hg_plan *plan, const hg_block *blocks, int tensor, const float *data)
{
    hg_block_info *info = tensor_block(plan, blocks, tensor);
    if (!info) return false;
    if (info->half) return hg_fail(plan->ctx, HG_INTERNAL, "tensor %s is stored as half and cannot be set", plan->graph->tensors[tensor]->name);
    return hg_buffer_write(info->buffer, 0, data, info->bytes);
}

bool hg_plan_read(hg_plan *plan, hg_block block, float *data)
{
    const hg_block_info *info = &plan->blocks[block];
    if (!info->half) return hg_buffer_read(info->buffer, 0, data, info->bytes);
    uint16_t *halves = hg_alloc(plan->ctx, info->bytes, 1);
    const bool ok = halves && hg_buffer_read(info->buffer, 0, halves, info->bytes);
    for (size_t i = 0; ok && i < info->bytes / sizeof *halves; i++) data[i] = hg_half_to_float(halves[i]);
    hg_free(halves);
    return ok;
}

static bool get(hg_plan *plan, const hg_block *blocks, int tensor, float *data)
{
    hg_block_info *info = tensor_block(plan, blocks, tensor);
    return info && hg_plan_read(plan, (hg_block)(info - plan->blocks), data);
}

bool hg_plan_set_value(hg_plan *plan, int tensor, const float *data) { return set(plan, plan->value, tensor, data); }
bool hg_plan_get_value(hg_plan *plan, int tensor, float *data) { return get(plan, plan->value, tensor, data); }
bool hg_plan_set_grad(hg_plan *plan, int tensor, const float *data) { return set(plan, plan->grad, tensor, data); }
bool hg_plan_get_grad(hg_plan *plan, int tensor, float *data) { return get(plan, plan->grad, tensor, data); }

hg_buffer *hg_plan_value_buffer(hg_plan *plan, int tensor)
{
    hg_block_info *info = tensor_block(plan, plan->value, tensor);
    return info ? info->buffer : NULL;
}

/* ---- where a value stopped being finite */

static bool is_finite(hg_plan *plan, hg_block block, bool *finite)
{
    const hg_block_info *info = &plan->blocks[block];
    const size_t n = info->bytes / (info->half ? sizeof(uint16_t) : sizeof(float));
    float *values = hg_alloc(plan->ctx, n, sizeof *values);
    const bool ok = values && hg_plan_read(plan, block, values);
    *finite = true;
    for (size_t i = 0; ok && i < n; i++) *finite &= isfinite(values[i]) != 0;
    hg_free(values);
    return ok;
}

bool hg_plan_diagnose(hg_plan *plan, const char **node_name)
{
    int done = 0;
    *node_name = NULL;
    for (int i = 0; i < plan->n_passes; i++) {
        const hg_pass *pass = &plan->passes[i];
        bool finite = true;
        if (!hg_launches_run(plan->dev, plan->launches + done, pass->end - done)) return false;
        done = pass->end;
        if (pass->out >= 0 && !is_finite(plan, pass->out, &finite)) return false;
        if (!finite) {
            *node_name = pass->node->name;
            return true;
        }
    }
    return true;
}
