#include "model/plan_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const hg_layer hg_layer_activation;

bool hg_plan_sticky(hg_plan *plan, bool ok)
{
    if (!ok) plan->failed = true;
    return ok;
}

/* ---- what layers ask */

int hg_plan_batch(const hg_plan *plan) { return plan->batch; }
bool hg_plan_is_training(const hg_plan *plan) { return plan->training && !plan->detached; }
const hg_device_info *hg_plan_limits(const hg_plan *plan) { return hg_device_get_info(plan->dev); }
hg_device *hg_plan_device(const hg_plan *plan) { return plan->dev; }
const hg_graph *hg_plan_graph(const hg_plan *plan) { return plan->graph; }
hg_arena *hg_plan_arena(hg_plan *plan) { return plan->arena; }
const hg_tensor *hg_plan_tensor(const hg_plan *plan, int tensor) { return plan->graph->tensors[tensor]; }
bool hg_plan_is_half(const hg_plan *plan, int tensor) { return plan->half[hg_plan_root(plan, tensor)]; }
bool hg_plan_wants_grad(const hg_plan *plan, int tensor) { return plan->training && plan->wants_grad[tensor]; }

bool hg_plan_wants_dw(const hg_plan *plan, const hg_node *node)
{
    bool wants = false;
    for (int k = 0; k < node->n_params; k++) wants |= plan->trains[node->params[k]];
    return plan->training && wants;
}

bool hg_plan_has_penalties(const hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    return plan->purpose != HG_PURPOSE_TRAIN || plan->phase == (graph->loss < 0 ? 0 : graph->nodes[graph->loss]->phase);
}

int64_t hg_plan_stream(const hg_plan *plan, uint32_t stream)
{
    enum { STREAMS = 1 << 20 }; /* more than a graph can have nodes */
    return (int64_t)stream + (int64_t)plan->phase * STREAMS;
}

bool hg_plan_reads_examples(const hg_plan *plan) { return plan->examples >= 0; }
bool hg_plan_reads_labels(const hg_plan *plan) { return plan->labels >= 0; }
hg_launch *const *hg_plan_launches(const hg_plan *plan, int *n) { *n = plan->n_launches; return plan->launches; }

int hg_plan_root(const hg_plan *plan, int tensor)
{
    while (plan->alias[tensor] != tensor) tensor = plan->alias[tensor];
    return tensor;
}

hg_choice hg_plan_act(const hg_plan *plan, int root) { return plan->graph->tensors[plan->act[root]]->act; }

/* ---- what was decided */

void hg_plan_decided(hg_plan *plan, hg_decision decision)
{
    if (plan->n_decisions == plan->room_decisions) {
        int room = plan->room_decisions ? plan->room_decisions * 2 : 32;
        hg_decision *grown = hg_resize(plan->ctx, plan->decisions, (size_t)room, sizeof *grown);
        if (!hg_plan_sticky(plan, grown != NULL)) return;
        plan->decisions = grown;
        plan->room_decisions = room;
    }
    plan->decisions[plan->n_decisions++] = decision;
    hg_plan_sticky(plan, decision.key && decision.pick);
}

bool hg_plan_decision(const hg_plan *plan, int i, hg_decision *decision)
{
    if (i < 0 || i >= plan->n_decisions) return false;
    *decision = plan->decisions[i];
    return true;
}

/* ---- blocks */

static hg_block add_block(hg_plan *plan, hg_block_info info)
{
    if (plan->n_blocks == plan->room_blocks) {
        int room = plan->room_blocks ? plan->room_blocks * 2 : 64;
        hg_block_info *grown = hg_resize(plan->ctx, plan->blocks, (size_t)room, sizeof *grown);
        if (!hg_plan_sticky(plan, grown != NULL)) return -1;
        plan->blocks = grown;
        plan->room_blocks = room;
    }
    plan->blocks[plan->n_blocks] = info;
    return plan->n_blocks++;
}

hg_block hg_plan_block(hg_plan *plan, size_t bytes)
{
    return add_block(plan, (hg_block_info){.bytes = bytes, .first = HG_FOREVER, .last = -1, .chunk = -1});
}

hg_block hg_plan_fixed(hg_plan *plan, hg_buffer *buffer, size_t bytes, bool owned)
{
    hg_plan_sticky(plan, buffer != NULL);
    return add_block(plan, (hg_block_info){.bytes = bytes, .buffer = buffer, .fixed = true, .owned = owned, .chunk = -1});
}

hg_block hg_plan_view(hg_plan *plan, hg_buffer *buffer, size_t offset, size_t bytes)
{
    return hg_plan_fixed(plan, hg_buffer_view(buffer, offset, bytes), bytes, true);
}

static size_t tensor_count(const hg_plan *plan, int tensor)
{
    return hg_mul(hg_shape_count(plan->graph->tensors[tensor]->shape), (size_t)plan->batch);
}

static hg_block lazy_block(hg_plan *plan, hg_block *slot, size_t bytes)
{
    if (*slot < 0) *slot = hg_plan_block(plan, bytes);
    return *slot;
}

hg_block hg_plan_value(hg_plan *plan, int tensor)
{
    tensor = hg_plan_root(plan, tensor);
    const bool half = plan->half[tensor];
    const hg_block block = lazy_block(plan, &plan->value[tensor], hg_mul(tensor_count(plan, tensor), half ? sizeof(uint16_t) : sizeof(float)));
    if (block >= 0) plan->blocks[block].half = half;
    return block;
}

hg_block hg_plan_grad(hg_plan *plan, int tensor)
{
    tensor = hg_plan_root(plan, tensor);
    return lazy_block(plan, &plan->grad[tensor], hg_mul(tensor_count(plan, tensor), sizeof(float)));
}

hg_block hg_plan_scratch(hg_plan *plan, size_t bytes) { return hg_plan_block(plan, bytes); }

hg_block hg_plan_note(hg_plan *plan, const hg_node *node, size_t bytes)
{
    return lazy_block(plan, &plan->note[node->index], bytes);
}

hg_block hg_plan_step(hg_plan *plan) { return plan->step; }

/* A number per example, in a buffer of the arenas. */
static hg_block batch_block(hg_plan *plan, hg_block *slot, hg_buffer *make(hg_arenas *arenas, int batch))
{
    if (*slot < 0) *slot = hg_plan_fixed(plan, make(plan->arenas, plan->batch), (size_t)plan->batch * sizeof(uint32_t), false);
    return *slot;
}

hg_block hg_plan_examples(hg_plan *plan) { return batch_block(plan, &plan->examples, hg_arenas_examples); }
hg_block hg_plan_labels(hg_plan *plan) { return batch_block(plan, &plan->labels, hg_arenas_labels); }

static hg_block param_block(hg_plan *plan, hg_block *slot, hg_buffer *arena, int index)
{
    const hg_param *param = plan->graph->params[index];
    if (*slot < 0) {
        size_t bytes = param->count * sizeof(float);
        *slot = hg_plan_view(plan, arena, param->offset * sizeof(float), bytes);
    }
    return *slot;
}

hg_block hg_plan_param(hg_plan *plan, const hg_node *node, int k)
{
    return param_block(plan, &plan->param[node->params[k]], plan->arenas->params, node->params[k]);
}

void hg_plan_alias(hg_plan *plan, int output, int input)
{
    const int root = hg_plan_root(plan, input);
    plan->alias[output] = root;
    if (plan->grad[output] >= 0 && plan->grad[root] < 0) { /* a probe's gradient is given before */
        plan->grad[root] = plan->grad[output];
        plan->written[root] = plan->written[output];
    }
}

/* ---- launches */

static bool grow_launches(hg_plan *plan)
{
    if (plan->n_launches < plan->room_launches) return true;
    int room = plan->room_launches ? plan->room_launches * 2 : 64;
    hg_launch **launches = hg_resize(plan->ctx, plan->launches, (size_t)room, sizeof *launches);
    if (launches) plan->launches = launches;
    hg_block(*uses)[HG_MAX_ARGS] = launches ? hg_resize(plan->ctx, plan->uses, (size_t)room, sizeof *uses) : NULL;
    if (uses) plan->uses = uses;
    if (!hg_plan_sticky(plan, launches && uses)) return false;
    plan->room_launches = room;
    return true;
}

/* "encoder.0 conv2d forward", and behind it the phase where there are several. */
static const char *label(hg_plan *plan, const hg_node *node, const char *what)
{
    const char *phase = plan->purpose == HG_PURPOSE_TRAIN ? plan->graph->phases[plan->phase].name : NULL;
    const char *space = phase ? ", " : "";
    if (!phase) phase = "";
    if (!node) return hg_arena_format(plan->arena, "%s%s%s", what, space, phase);
    return hg_arena_format(plan->arena, "%s %s %s%s%s", node->name, node->layer->head.name, what, space, phase);
}

hg_launch *hg_emit(hg_plan *plan, const hg_node *node, const char *what, const char *file, const char *kernel)
{
    plan->sink = (hg_launch){.label = "", .file = file, .kernel = kernel, .macros = "", .variant = ""};
    if (plan->failed || !grow_launches(plan)) return &plan->sink;
    hg_launch *launch = hg_arena_alloc(plan->arena, 1, sizeof *launch);
    if (!hg_plan_sticky(plan, launch != NULL)) return &plan->sink;
    *launch = plan->sink;
    launch->label = label(plan, node, what);
    launch->dims = 1;
    launch->global[0] = launch->global[1] = launch->global[2] = 1;
    for (int i = 0; i < HG_MAX_ARGS; i++) plan->uses[plan->n_launches][i] = -1;
    plan->launches[plan->n_launches++] = launch;
    hg_plan_sticky(plan, launch->label != NULL);
    return launch;
}

void hg_emit_variant(hg_plan *plan, hg_launch *launch, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = hg_arena_text(plan->arena, text);
    if (hg_plan_sticky(plan, copy != NULL)) launch->variant = copy;
}

void hg_emit_define_text(hg_plan *plan, hg_launch *launch, const char *name, const char *value)
{
    const char *macros = hg_arena_format(plan->arena, "%s%s-D%s=%s", launch->macros, *launch->macros ? " " : "", name, value);
    if (hg_plan_sticky(plan, macros != NULL)) launch->macros = macros;
}

void hg_emit_define(hg_plan *plan, hg_launch *launch, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    hg_emit_define_text(plan, launch, name, text);
}

void hg_emit_define_float(hg_plan *plan, hg_launch *launch, const char *name, double value)
{
    char text[64];
    snprintf(text, sizeof text, "%af", (double)(float)value);
    hg_emit_define_text(plan, launch, name, text);
}

static hg_arg *next_arg(hg_plan *plan, hg_launch *launch)
{
    if (launch == &plan->sink) return &launch->args[0];
    if (launch->n_args == HG_MAX_ARGS) {
        hg_plan_sticky(plan, hg_fail(plan->ctx, HG_INTERNAL, "%s: more than %d kernel arguments", launch->label, HG_MAX_ARGS));
        return &launch->args[0];
    }
    return &launch->args[launch->n_args++];
}

static int latest(const hg_plan *plan)
{
    return plan->n_launches - 1;
}

/* Notes that the newest launch touches the block; a launch's arguments are all given before the next launch begins. */
static void use_block(hg_plan *plan, hg_launch *launch, hg_block block)
{
    if (launch == &plan->sink) return;
    if (launch != plan->launches[latest(plan)]) {
        hg_plan_sticky(plan, hg_fail(plan->ctx, HG_INTERNAL, "%s: arguments given after the next launch had begun", launch->label));
        return;
    }
    if (block < 0) block = plan->dummy;
    next_arg(plan, launch)->type = HG_ARG_BUFFER;
    plan->uses[latest(plan)][launch->n_args - 1] = block;
    hg_block_info *info = &plan->blocks[block];
    if (info->first > latest(plan)) info->first = latest(plan);
    if (info->last < latest(plan)) info->last = latest(plan);
}

static bool is_half(const hg_plan *plan, hg_block block)
{
    return block >= 0 && plan->blocks[block].half;
}

void hg_emit_read(hg_plan *plan, hg_launch *launch, hg_block block)
{
    use_block(plan, launch, block);
    if (!is_half(plan, block)) return;
    hg_emit_define(plan, launch, "X_HALF", 1);
    launch->bytes -= (double)plan->blocks[block].bytes;
}

void hg_emit_write(hg_plan *plan, hg_launch *launch, hg_block block)
{
    use_block(plan, launch, block);
    if (!is_half(plan, block)) return;
    hg_emit_define(plan, launch, "Y_HALF", 1);
    launch->bytes -= (double)plan->blocks[block].bytes;
}

void hg_emit_update(hg_plan *plan, hg_launch *launch, hg_block block) { use_block(plan, launch, block); }

static void emit_number(hg_plan *plan, hg_launch *launch, hg_arg_type type, int64_t value)
{
    *next_arg(plan, launch) = (hg_arg){.type = type, .i = (int32_t)value};
    if (value < INT32_MIN || value > INT32_MAX)
        hg_plan_sticky(plan, hg_fail(plan->ctx, HG_BAD_INPUT, "%s: a size of %lld is beyond 2^31: use a smaller batch or layer", launch->label, (long long)value));
}

void hg_emit_int(hg_plan *plan, hg_launch *launch, int64_t value) { emit_number(plan, launch, HG_ARG_INT, value); }

void hg_emit_float(hg_plan *plan, hg_launch *launch, double value)
{
    *next_arg(plan, launch) = (hg_arg){.type = HG_ARG_FLOAT, .f = (float)value};
}

void hg_emit_local(hg_plan *plan, hg_launch *launch, size_t bytes)
{
    *next_arg(plan, launch) = (hg_arg){.type = HG_ARG_LOCAL, .bytes = bytes};
}

void hg_emit_range(hg_plan *plan, hg_launch *launch, size_t gx, size_t gy, size_t gz, size_t lx, size_t ly, size_t lz)
{
    (void)plan;
    size_t global[3] = {gx, gy, gz}, local[3] = {lx, ly, lz};
    launch->dims = 3;
    for (int i = 0; i < 3; i++) {
        if (lx) global[i] = (global[i] + local[i] - 1) / local[i] * local[i];
        launch->global[i] = global[i];
        launch->local[i] = lx ? local[i] : 0;
    }
    while (launch->dims > 1 && launch->global[launch->dims - 1] == 1 && launch->local[launch->dims - 1] <= 1) launch->dims--;
}

/* Two work-items for each compute unit: a driver may give some of its threads more than one before all have one. Without wide vectors
 * one for each item: llvmpipe (Mesa 22.3, LP_MAX_TGSI_LOOP_ITERATIONS) ends a work-item's loops after 65535 turns of all of them. */
void hg_emit_taken(hg_plan *plan, hg_launch *launch, size_t items)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    const size_t align = limits->base_align, groups = hg_has_wide_vectors(limits) ? 2 * (size_t)limits->compute_units : items;
    const int slot = plan->n_launches % HG_COUNTS;
    if (plan->taken[slot] < 0) plan->taken[slot] = hg_plan_view(plan, plan->arenas->taken, (size_t)slot * align, align);
    emit_number(plan, launch, HG_ARG_ITEMS, (int64_t)items);
    hg_emit_update(plan, launch, plan->taken[slot]);
    hg_emit_range(plan, launch, items < groups ? items : groups, 1, 1, 1, 1, 1);
}

/* A CPU walks contiguous spans of at least 4096 numbers with one work-item each (a work-group costs about 20 ns, a span this long
 * 1 us and more); other devices get a work-item per item, up to a million. */
void hg_emit_rows(hg_plan *plan, hg_launch *launch, size_t n, size_t each)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    if (hg_has_wide_vectors(limits)) {
        size_t most = (hg_mul(n, each) + 4095) / 4096, items = n < most ? n : most;
        hg_emit_define(plan, launch, "HG_SPAN", 1);
        hg_emit_range(plan, launch, items < 1 ? 1 : items > 64 ? 64 : items, 1, 1, 1, 1, 1);
    } else {
        size_t items = n < 1 ? 1 : n > (size_t)1 << 20 ? (size_t)1 << 20 : n, local = limits->max_work_group < 64 ? 1 : 64;
        hg_emit_range(plan, launch, items, 1, 1, local, 1, 1);
    }
}

void hg_emit_items(hg_plan *plan, hg_launch *launch, size_t n)
{
    hg_emit_rows(plan, launch, n, 1);
}

void hg_emit_cost(hg_plan *plan, hg_launch *launch, double flops, double bytes)
{
    (void)plan;
    launch->flops = flops;
    launch->bytes += bytes;
}

/* ---- activations and gradients */

static void define_act(hg_plan *plan, hg_launch *launch, const char *name, const char *number, const char *prefix, hg_choice act)
{
    if (!act.type || strcmp(act.type->name, "linear") == 0) return;
    char function[64];
    snprintf(function, sizeof function, "%s%s", prefix, act.type->name);
    hg_emit_define_text(plan, launch, name, function);
    hg_emit_define_float(plan, launch, number, hg_activation_parameter(act));
}

/* The `activation` node that the producer of the tensor stands in for, or NULL. The loss may read the tensor as logits; probes and trials
 * want each layer's own. */
static const hg_node *joined(const hg_plan *plan, int tensor)
{
    const hg_graph *graph = plan->graph;
    const hg_tensor *t = graph->tensors[tensor];
    if (plan->purpose == HG_PURPOSE_PROBE || plan->trial || t->act.type || t->producer < 0) return NULL;
    if (hg_option_find(&graph->nodes[t->producer]->layer->head, "activation") < 0) return NULL;
    const hg_node *reader = hg_graph_only_reader(graph, tensor);
    if (!reader || reader->layer != &hg_layer_activation || plan->half[tensor] != plan->half[reader->out[0]]) return NULL;
    return graph->tensors[reader->out[0]]->act.type ? reader : NULL; /* derivatives follow from what is kept, the output */
}

bool hg_plan_join_activation(hg_plan *plan, const hg_node *node)
{
    if (joined(plan, node->in[0]) != node) return false;
    hg_plan_alias(plan, node->out[0], node->in[0]);
    plan->act[hg_plan_root(plan, node->out[0])] = node->out[0];
    return true;
}

void hg_emit_act(hg_plan *plan, hg_launch *launch, int tensor)
{
    const hg_node *node = joined(plan, tensor);
    define_act(plan, launch, "ACT", "ACT_P", "ACT_", plan->graph->tensors[node ? node->out[0] : tensor]->act);
}

static void emit_dx(hg_plan *plan, hg_launch *launch, int tensor, int chosen, const char *prefix)
{
    const int root = hg_plan_root(plan, tensor);
    const hg_choice act = hg_plan_act(plan, root);
    char name[3][32];
    snprintf(name[0], sizeof name[0], "%s_ACT", prefix);
    snprintf(name[1], sizeof name[1], "%s_ACT_P", prefix);
    snprintf(name[2], sizeof name[2], "%s_ADD", prefix);
    use_block(plan, launch, hg_plan_grad(plan, root));
    const hg_block value = act.type ? hg_plan_value(plan, chosen) : -1;
    use_block(plan, launch, value);
    if (is_half(plan, value)) hg_emit_define(plan, launch, "DX_X_HALF", 1);
    define_act(plan, launch, name[0], name[1], "ACT_GRAD_", act);
    hg_emit_define(plan, launch, name[2], plan->written[root]);
    plan->written[root] = true;
}

void hg_emit_dx(hg_plan *plan, hg_launch *launch, int tensor)
{
    emit_dx(plan, launch, tensor, tensor, "DX");
}

void hg_emit_dx_as(hg_plan *plan, hg_launch *launch, int tensor, const char *prefix)
{
    emit_dx(plan, launch, tensor, tensor, prefix);
}

void hg_emit_dx_chosen(hg_plan *plan, hg_launch *launch, int tensor, int chosen)
{
    emit_dx(plan, launch, tensor, chosen, "DX");
}

bool hg_plan_dw_written(const hg_plan *plan, const hg_node *node, int k)
{
    return plan->param_written[node->params[k]];
}

void hg_emit_dw(hg_plan *plan, hg_launch *launch, const hg_node *node, int k, const char *prefix)
{
    int index = node->params[k];
    char name[32];
    snprintf(name, sizeof name, "%s_ADD", prefix ? prefix : "DW");
    use_block(plan, launch, param_block(plan, &plan->param_grad[index], plan->arenas->grads, index));
    hg_emit_define(plan, launch, name, plan->param_written[index]);
    plan->param_written[index] = true;
}

void hg_emit_metric(hg_plan *plan, hg_metric part, hg_block partials, size_t n, double scale, double weight)
{
    if (plan->n_sums == HG_MAX_SUMS) hg_emit_sums_so_far(plan, false);
    plan->sums[plan->n_sums++] = (hg_metric_sum){1 + (int)part, partials, n, scale, weight}; /* row 0 is the total */
}

void hg_emit_sums_so_far(hg_plan *plan, bool total)
{
    size_t n = 0;
    if (!plan->n_sums && !total) return;
    hg_launch *launch = hg_emit(plan, NULL, total ? "loss total" : "loss sums", "metric", "metric");
    hg_emit_define(plan, launch, "SUMS", plan->n_sums);
    hg_emit_define(plan, launch, "TOTAL", total);
    for (int k = 0; k < plan->n_sums; k++) {
        static const char *const part[HG_MAX_SUMS] = {"PART0", "PART1", "PART2", "PART3"};
        static const char *const first[HG_MAX_SUMS] = {"FIRST0", "FIRST1", "FIRST2", "FIRST3"};
        const hg_metric_sum *sum = &plan->sums[k];
        hg_emit_read(plan, launch, sum->partials);
        hg_emit_int(plan, launch, (int64_t)sum->n);
        hg_emit_float(plan, launch, sum->scale);
        hg_emit_float(plan, launch, sum->weight);
        hg_emit_define(plan, launch, part[k], sum->row);
        hg_emit_define(plan, launch, first[k], !plan->metric_written[sum->row]);
        n += sum->n;
        plan->metric_written[sum->row] = true;
    }
    hg_emit_cost(plan, launch, (double)n * 4, (double)n * sizeof(float));
    int written = 0;
    for (int row = 1; row <= HG_METRIC_PARTS; row++) written |= plan->metric_written[row] << row;
    if (total) hg_emit_define(plan, launch, "WRITTEN", written);
    hg_emit_update(plan, launch, plan->metrics);
    hg_emit_update(plan, launch, plan->state);
    hg_emit_read(plan, launch, plan->step);
    hg_emit_range(plan, launch, 1, 1, 1, 1, 1, 1);
    plan->n_sums = 0;
}
