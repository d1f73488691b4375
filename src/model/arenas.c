/* Memory of plans: one buffer per role for parameters, gradients and moments; an activation arena in which blocks that do
 * not live at the same time share their place. */
#include "model/plan_private.h"

#include <stdlib.h>
#include <string.h>

/* The host's image of hg_step in cl/common.cl. */
typedef struct step_record {
    uint32_t seed_lo, seed_hi, step_lo, step_hi, slot, batch;
    float lr, clip_norm, clip_value, h[8];
} step_record;

enum { STATE_BYTES = 16, RECORDS = 64 };

/* ---- buffers shared by all plans */

static hg_buffer *role(hg_arenas *arenas, size_t bytes, const char *label)
{
    hg_buffer *buffer = hg_buffer_create(arenas->dev, bytes, label);
    if (buffer) arenas->fixed_bytes += bytes;
    return buffer;
}

/* Where optimizers have no parameters in common, their moments share buffers, which lie like the parameters up to the last one. */
static bool make_moments(hg_arenas *arenas)
{
    const hg_graph *graph = arenas->graph;
    for (int slot = 0; slot < graph->n_slots; slot++) {
        size_t floats[2] = {0};
        for (int u = 0; u < graph->n_updaters; u++) {
            const hg_updater *updater = &graph->updaters[u];
            for (int k = 0; updater->slot == slot && k < ((const hg_optimizer *)updater->optimizer.type)->moments; k++)
                if (floats[k] < updater->end) floats[k] = updater->end;
        }
        for (int k = 0; k < 2; k++)
            if (floats[k] && !(arenas->moments[slot][k] = role(arenas, floats[k] * sizeof(float), "optimizer state"))) return false;
    }
    return true;
}

hg_arenas *hg_arenas_create(hg_device *dev, const hg_graph *graph, const hg_tuning *tuning, bool training, hg_precision precision)
{
    hg_context *ctx = hg_device_context(dev);
    hg_arenas *arenas = HG_NEW(ctx, hg_arenas);
    if (!arenas) return NULL;
    const size_t align = hg_device_get_info(dev)->base_align; /* records are looked at through views */
    size_t total = graph->total ? graph->total * sizeof(float) : HG_ALIGN;
    size_t trainable = graph->trainable ? graph->trainable * sizeof(float) : HG_ALIGN;
    *arenas = (hg_arenas){.ctx = ctx, .dev = dev, .graph = graph, .tuning = tuning, .training = training, .precision = precision,
                          .record_bytes = (sizeof(step_record) + align - 1) / align * align};
    const size_t records = hg_mul((size_t)graph->n_updates, arenas->record_bytes);
    if (!(arenas->params = role(arenas, total, "parameters"))) goto fail;
    if (training && !(arenas->grads = role(arenas, trainable, "gradients"))) goto fail;
    if (training && !make_moments(arenas)) goto fail;
    if (!(arenas->step = role(arenas, records, "step record"))) goto fail;
    if (!(arenas->state = role(arenas, STATE_BYTES, "state"))) goto fail;
    if (!(arenas->metrics = role(arenas, HG_RING * HG_METRICS * sizeof(float), "losses"))) goto fail;
    if (!(arenas->dummy = role(arenas, HG_ALIGN, "dummy"))) goto fail;
    if (!(arenas->taken = role(arenas, HG_COUNTS * align, "counts of items"))) goto fail;
    if (!(arenas->records = hg_stage_create(dev, records, RECORDS))) goto fail;
    return arenas;
fail:
    hg_arenas_destroy(arenas);
    return NULL;
}

void hg_arenas_destroy(hg_arenas *arenas)
{
    if (!arenas) return;
    hg_stage_destroy(arenas->records);
    hg_buffer *all[] = {arenas->params, arenas->grads, arenas->step, arenas->state, arenas->metrics, arenas->dummy, arenas->taken,
                        arenas->bytes, arenas->examples, arenas->labels};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) hg_buffer_destroy(all[i]);
    for (int slot = 0; slot < HG_MAX_PHASES; slot++)
        for (int k = 0; k < 2; k++) hg_buffer_destroy(arenas->moments[slot][k]);
    for (int i = 0; i < arenas->n_chunks; i++) hg_buffer_destroy(arenas->chunks[i]);
    hg_free(arenas->chunks);
    hg_free(arenas);
}

hg_buffer *hg_arenas_params(hg_arenas *arenas) { return arenas->params; }
hg_buffer *hg_arenas_grads(hg_arenas *arenas) { return arenas->grads; }
hg_buffer *hg_arenas_moment(hg_arenas *arenas, int slot, int k) { return arenas->moments[slot][k]; }
hg_buffer *hg_arenas_metrics(hg_arenas *arenas) { return arenas->metrics; }
hg_buffer *hg_arenas_state(hg_arenas *arenas) { return arenas->state; }

static hg_buffer *batch_buffer(hg_arenas *arenas, hg_buffer **slot, size_t bytes, const char *label)
{
    if (*slot && hg_buffer_size(*slot) >= bytes) return *slot;
    if (*slot) {
        hg_fail(arenas->ctx, HG_INTERNAL, "%s of %zu bytes came after the buffer was made for %zu", label, bytes, hg_buffer_size(*slot));
        return NULL;
    }
    return *slot = role(arenas, bytes, label);
}

hg_buffer *hg_arenas_bytes(hg_arenas *arenas, size_t bytes)
{
    return batch_buffer(arenas, &arenas->bytes, bytes, "batch of pictures");
}

hg_buffer *hg_arenas_examples(hg_arenas *arenas, int batch)
{
    return batch_buffer(arenas, &arenas->examples, (size_t)batch * sizeof(uint32_t), "a batch's numbers");
}

hg_buffer *hg_arenas_labels(hg_arenas *arenas, int batch)
{
    return batch_buffer(arenas, &arenas->labels, (size_t)batch * sizeof(uint32_t), "a batch's labels");
}

void hg_arenas_set_past(hg_arenas *arenas, int64_t past) { arenas->past = past; }

/* An update's record: its optimizer counts its own steps, those of `past` training steps before included, its schedule the training's. */
static step_record record_of(const hg_updater *updater, int nth, uint64_t seed, int64_t step, int64_t steps, int64_t past, double lr,
                             int batch)
{
    const hg_optimizer *optimizer = (const hg_optimizer *)updater->optimizer.type;
    const hg_optimizer_common *common = updater->optimizer.options;
    const hg_schedule *schedule = (const hg_schedule *)common->schedule.type;
    double rate = lr > 0 ? lr : common->lr;
    if (schedule) rate = schedule->rate(common->schedule.options, rate, step, steps);
    step_record record = {.seed_lo = (uint32_t)seed, .seed_hi = (uint32_t)(seed >> 32),
                          .step_lo = (uint32_t)step, .step_hi = (uint32_t)((uint64_t)step >> 32),
                          .slot = (uint32_t)((uint64_t)(step - 1) % HG_RING), .batch = (uint32_t)batch, .lr = (float)rate,
                          .clip_norm = (float)common->clip_norm, .clip_value = (float)common->clip_value};
    optimizer->hyper(common, (past + step - 1) * updater->per_step + nth, rate, record.h);
    return record;
}

bool hg_arenas_set_step(hg_arenas *arenas, uint64_t seed, int64_t step, int64_t steps, double lr, int batch)
{
    const hg_graph *graph = arenas->graph;
    char *block = hg_stage_next(arenas->records);
    if (!block) return false;
    size_t bytes = 0;
    for (int p = 0; p < graph->n_phases; p++)
        for (int u = 0; u < graph->phases[p].n_updates; u++, bytes += arenas->record_bytes) {
            const hg_update *update = &graph->phases[p].updates[u];
            const hg_updater *updater = &graph->updaters[update->updater];
            const step_record record = record_of(updater, update->nth, seed, step, steps, arenas->past, lr, batch);
            memcpy(block + bytes, &record, sizeof record);
        }
    return hg_stage_upload(arenas->records, arenas->step, 0, bytes);
}

/* ---- placing blocks */

static bool overlap(const hg_block_info *a, const hg_block_info *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static size_t round_up(size_t bytes)
{
    return hg_mul(hg_add(bytes, HG_ALIGN - 1) / HG_ALIGN, HG_ALIGN);
}

/* The lowest offset in chunk c at which nothing placed before lives at the same time; SIZE_MAX if it would not fit. */
static size_t lowest_offset(const hg_plan *plan, const hg_block *placed, int n_placed, const hg_block_info *info, int c, size_t limit)
{
    size_t offset = 0, bytes = round_up(info->bytes);
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n_placed; i++) {
            const hg_block_info *other = &plan->blocks[placed[i]];
            if (other->chunk != c || !overlap(info, other)) continue;
            if (offset < other->offset + round_up(other->bytes) && other->offset < offset + bytes) {
                offset = other->offset + round_up(other->bytes);
                moved = true;
            }
        }
    }
    return hg_add(offset, bytes) <= limit ? offset : SIZE_MAX;
}

typedef struct by_size { size_t bytes; hg_block block; } by_size;

static int compare_size(const void *a, const void *b)
{
    const by_size *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->block < y->block ? -1 : 1;
}

static bool too_big(hg_plan *plan, size_t need, size_t limit, const char *what)
{
    double mib = 1.0 / (1 << 20);
    int fits = need ? (int)((double)plan->batch * (double)limit / (double)need) : 0;
    if (fits > 0)
        return hg_fail(plan->ctx, HG_DEVICE_MEMORY,
                       "model %s does not fit the device: at batch %d %s %.1f MiB, the device allows %.1f MiB: "
                       "a batch of %d would fit (--batch %d)",
                       plan->graph->name, plan->batch, what, (double)need * mib, (double)limit * mib, fits, fits);
    return hg_fail(plan->ctx, HG_DEVICE_MEMORY,
                   "model %s does not fit the device: even one example needs more: at batch %d %s %.1f MiB, the device allows %.1f MiB: "
                   "choose another device (hourglass devices) or a smaller model",
                   plan->graph->name, plan->batch, what, (double)need * mib, (double)limit * mib);
}

/* Large blocks first, each at the lowest place of the first chunk that has one. */
static bool assign(hg_plan *plan)
{
    const size_t limit = (size_t)hg_plan_limits(plan)->max_alloc;
    by_size *order = hg_arena_alloc(plan->arena, (size_t)plan->n_blocks + 1, sizeof *order);
    hg_block *placed = hg_arena_alloc(plan->arena, (size_t)plan->n_blocks + 1, sizeof *placed);
    plan->chunk_bytes = hg_arena_alloc(plan->arena, (size_t)plan->n_blocks + 1, sizeof *plan->chunk_bytes);
    if (!order || !placed || !plan->chunk_bytes) return false;
    int n = 0;
    for (hg_block b = 0; b < plan->n_blocks; b++) {
        const hg_block_info *info = &plan->blocks[b];
        if (!info->fixed && info->first <= info->last && info->first != HG_FOREVER) order[n++] = (by_size){info->bytes, b};
    }
    qsort(order, (size_t)n, sizeof *order, compare_size);
    for (int i = 0; i < n; i++) {
        hg_block_info *info = &plan->blocks[order[i].block];
        if (round_up(info->bytes) > limit) return too_big(plan, round_up(info->bytes), limit, "the largest tensor needs");
        size_t offset = SIZE_MAX;
        int c = 0;
        while ((offset = lowest_offset(plan, placed, i, info, c, limit)) == SIZE_MAX) c++;
        info->chunk = c;
        info->offset = offset;
        size_t end = offset + round_up(info->bytes);
        if (c >= plan->n_chunks) plan->n_chunks = c + 1;
        if (plan->chunk_bytes[c] < end) plan->chunk_bytes[c] = end;
        placed[i] = order[i].block;
    }
    for (int c = 0; c < plan->n_chunks; c++) plan->activation_bytes += plan->chunk_bytes[c];
    return true;
}

/* The shared chunk if it is large enough, else one of the plan's own. */
static hg_buffer *chunk_for(hg_plan *plan, int c)
{
    hg_arenas *arenas = plan->arenas;
    if (c >= arenas->n_chunks) {
        hg_buffer **grown = hg_resize(plan->ctx, arenas->chunks, (size_t)c + 1, sizeof *grown);
        if (!grown) return NULL;
        arenas->chunks = grown;
        if (!(grown[c] = hg_buffer_create(plan->dev, plan->chunk_bytes[c], "activations"))) return NULL;
        arenas->n_chunks = c + 1;
        arenas->activation_bytes += plan->chunk_bytes[c];
    }
    if (hg_buffer_size(arenas->chunks[c]) >= plan->chunk_bytes[c]) return arenas->chunks[c];
    if (!plan->chunks[c]) plan->chunks[c] = hg_buffer_create(plan->dev, plan->chunk_bytes[c], "activations");
    return plan->chunks[c];
}

static bool make_views(hg_plan *plan)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    uint64_t need = plan->activation_bytes + plan->arenas->fixed_bytes;
    if (need > limits->memory) {
        uint64_t room = limits->memory > plan->arenas->fixed_bytes ? limits->memory - plan->arenas->fixed_bytes : 0;
        return too_big(plan, plan->activation_bytes, (size_t)room, "the activations need");
    }
    plan->chunks = hg_arena_alloc(plan->arena, (size_t)plan->n_chunks + 1, sizeof *plan->chunks);
    if (!plan->chunks) return false;
    for (hg_block b = 0; b < plan->n_blocks; b++) {
        hg_block_info *info = &plan->blocks[b];
        if (info->chunk < 0) continue;
        hg_buffer *chunk = chunk_for(plan, info->chunk);
        if (!chunk || !(info->buffer = hg_buffer_view(chunk, info->offset, info->bytes))) return false;
        info->owned = true;
    }
    return true;
}

/* Guarded: every block alone, HG_ALIGN bytes of NaN on both sides. */
static bool make_guarded(hg_plan *plan)
{
    for (hg_block b = 0; b < plan->n_blocks; b++) {
        hg_block_info *info = &plan->blocks[b];
        if (info->fixed) continue;
        info->guard = hg_buffer_create(plan->dev, hg_add(round_up(info->bytes), 2 * HG_ALIGN), "guarded block");
        if (!info->guard || !(info->buffer = hg_buffer_view(info->guard, HG_ALIGN, info->bytes))) return false;
        info->owned = true;
    }
    return hg_plan_refill(plan);
}

bool hg_plan_place(hg_plan *plan)
{
    if (!(plan->guarded ? make_guarded(plan) : assign(plan) && make_views(plan))) return false;
    for (int i = 0; i < plan->n_launches; i++)
        for (int k = 0; k < plan->launches[i]->n_args; k++)
            if (plan->launches[i]->args[k].type == HG_ARG_BUFFER)
                plan->launches[i]->args[k].buffer = plan->blocks[plan->uses[i][k]].buffer;
    return true;
}

void hg_plan_unplace(hg_plan *plan)
{
    for (hg_block b = 0; b < plan->n_blocks; b++) {
        if (plan->blocks[b].owned) hg_buffer_destroy(plan->blocks[b].buffer);
        hg_buffer_destroy(plan->blocks[b].guard);
    }
    for (int c = 0; plan->chunks && c < plan->n_chunks; c++) hg_buffer_destroy(plan->chunks[c]);
}

/* ---- guards */

static const uint32_t GUARD = 0x7fc17fc2; /* a NaN, and two NaNs as half */

bool hg_plan_refill(hg_plan *plan)
{
    for (hg_block b = 0; b < plan->n_blocks; b++)
        if (plan->blocks[b].guard && !hg_buffer_fill(plan->blocks[b].guard, GUARD)) return false;
    return true;
}

static bool is_filled(hg_buffer *buffer, size_t from, size_t to, uint32_t *words)
{
    if (!hg_buffer_read(buffer, from, words, to - from)) return false;
    for (size_t i = 0; i < (to - from) / sizeof *words; i++)
        if (words[i] != GUARD) return false;
    return true;
}

bool hg_plan_guards_intact(hg_plan *plan)
{
    uint32_t words[2 * HG_ALIGN / sizeof(uint32_t)];
    for (hg_block b = 0; b < plan->n_blocks; b++) {
        hg_buffer *guard = plan->blocks[b].guard;
        if (!guard) continue;
        size_t end = HG_ALIGN + (plan->blocks[b].bytes + 3) / 4 * 4;
        if (!is_filled(guard, 0, HG_ALIGN, words) || !is_filled(guard, end, hg_buffer_size(guard), words)) return false;
    }
    return true;
}
