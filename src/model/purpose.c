/* What each kind of plan contains: which phases, which nodes, which are their sources and results, and what follows the backward pass. */
#include "model/plan_private.h"
#include "model/ranges.h"
#include "model/variant.h"

#include <string.h>

/* ---- which nodes are needed */

static void need(hg_plan *plan, int tensor, int source)
{
    const hg_tensor *t = plan->graph->tensors[tensor];
    if (tensor == source || t->producer < 0 || plan->needed[t->producer]) return;
    if (plan->value[hg_plan_root(plan, tensor)] >= 0) return; /* the input, since the first phase */
    const hg_node *node = plan->graph->nodes[t->producer];
    plan->needed[node->index] = true;
    for (int i = 0; i < node->n_in; i++) need(plan, node->in[i], source);
}

static bool is_penalty(const hg_node *node)
{
    return node->n_out == 0 && node->section != HG_LOSS;
}

static void need_node(hg_plan *plan, const hg_node *node)
{
    plan->needed[node->index] = true;
    for (int i = 0; i < node->n_in; i++) need(plan, node->in[i], -1);
}

/* Marks the nodes and returns the tensor that is given from outside. */
static int choose_nodes(hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    switch (plan->purpose) {
    case HG_PURPOSE_ENCODE:
        need(plan, graph->code, graph->input);
        return graph->input;
    case HG_PURPOSE_CORRUPT:
        need(plan, graph->input, graph->target);
        return graph->target;
    case HG_PURPOSE_DECODE:
        need(plan, graph->output, graph->latent);
        return graph->latent;
    case HG_PURPOSE_RECONSTRUCT: /* a sample is replaced by its mean */
        if (graph->latent != graph->code) hg_plan_alias(plan, graph->latent, graph->code);
        need(plan, graph->output, graph->latent);
        need(plan, graph->code, graph->input);
        return graph->input;
    default:
        for (int i = 0; i < graph->n_nodes; i++) {
            const hg_node *node = graph->nodes[i];
            bool all = plan->purpose == HG_PURPOSE_PROBE || plan->purpose == HG_PURPOSE_PROBE_EVALUATE;
            bool loss = node->section == HG_LOSS && (plan->purpose != HG_PURPOSE_TRAIN || node->phase == plan->phase);
            if (all || loss || (is_penalty(node) && hg_plan_has_penalties(plan))) need_node(plan, node);
        }
        return graph->target;
    }
}

/* A parameter trains in a phase that updates it, and in those before that whose gradients it keeps. */
static bool trains(const hg_plan *plan, const hg_param *param)
{
    const hg_graph *graph = plan->graph;
    if (plan->purpose != HG_PURPOSE_TRAIN) return param->trainable;
    for (int p = plan->phase; param->trainable && p < graph->n_phases && (p == plan->phase || graph->phases[p].keep_gradients); p++)
        for (int u = 0; u < graph->phases[p].n_updates; u++) {
            const hg_updater *updater = &graph->updaters[graph->phases[p].updates[u].updater];
            if (updater->begin <= param->offset && param->offset < updater->end) return true;
        }
    return false;
}

/* Is the node computed as outside training, and nothing before it trained? */
static bool is_detached(const hg_plan *plan, const hg_node *node)
{
    return plan->purpose == HG_PURPOSE_TRAIN && plan->graph->phases[plan->phase].detach_code &&
           (node->section == HG_ENCODER || node->section == HG_LATENT);
}

/* A tensor wants a gradient if anything that trains lies upstream of it. */
static void choose_grads(hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    const bool all = plan->purpose == HG_PURPOSE_PROBE || plan->purpose == HG_PURPOSE_TRIAL;
    for (int i = 0; i < graph->n_params; i++) plan->trains[i] = trains(plan, graph->params[i]);
    for (int t = 0; t < graph->n_tensors; t++) plan->wants_grad[t] = all;
    for (int i = 0; i < graph->n_nodes; i++) {
        const hg_node *node = graph->nodes[i];
        bool wants = false;
        for (int k = 0; k < node->n_params; k++) wants |= plan->trains[node->params[k]];
        for (int k = 0; k < node->n_in; k++) wants |= plan->wants_grad[node->in[k]];
        for (int k = 0; k < node->n_out; k++) plan->wants_grad[node->out[k]] |= wants && !is_detached(plan, node);
    }
}

/* ---- how values are stored */

static bool forbid_half(hg_plan *plan, int tensor)
{
    const bool was = plan->half[tensor];
    plan->half[tensor] = false;
    return was;
}

/* With mixed precision a value is stored as half where it only goes from one layer to the next. The host sets and reads the input,
 * the code, the latent and the output; and the layers beside the latent and the loss take exponentials and differences of nearly
 * equal numbers, which magnify a rounding of 2^-11, of tensors that are small. These stay float. */
static void choose_halves(hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    const int outside[] = {graph->input, graph->target, graph->code, graph->latent, graph->output};
    for (int t = 0; t < graph->n_tensors; t++) plan->half[t] = plan->arenas->precision == HG_PRECISION_MIXED;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) forbid_half(plan, outside[i]);
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < graph->n_nodes; i++) {
            const hg_node *node = graph->nodes[i];
            bool float_only = node->layer->halves == HG_HALVES_NONE;
            if (node->layer->halves == HG_HALVES_SAME) float_only = !plan->half[node->in[0]] || !plan->half[node->out[0]];
            for (int k = 0; float_only && k < node->n_in; k++) changed |= forbid_half(plan, node->in[k]);
            for (int k = 0; float_only && k < node->n_out; k++) changed |= forbid_half(plan, node->out[k]);
        }
    }
}

/* ---- the passes */

static void forward(hg_plan *plan)
{
    for (int i = 0; i < plan->graph->n_nodes; i++) {
        const hg_node *node = plan->graph->nodes[i];
        if (!plan->needed[i] || !node->layer->forward) continue;
        plan->detached = is_detached(plan, node);
        node->layer->forward(plan, node);
        const hg_block out = node->n_out ? hg_plan_value(plan, node->out[0]) : -1;
        plan->passes[plan->n_passes++] = (hg_pass){node, out, plan->n_launches};
    }
    plan->detached = false;
}

static void backward(hg_plan *plan)
{
    plan->in_backward = true;
    for (int i = plan->graph->n_nodes - 1; i >= 0; i--) {
        const hg_node *node = plan->graph->nodes[i];
        bool wanted = is_penalty(node) && plan->wants_grad[node->in[0]];
        for (int k = 0; k < node->n_out; k++) /* and nobody passes a gradient on that nobody has written */
            wanted |= plan->wants_grad[node->out[k]] && plan->written[hg_plan_root(plan, node->out[k])];
        if (plan->needed[i] && wanted && node->layer->backward) node->layer->backward(plan, node);
    }
    plan->in_backward = false;
}

/* Bytes of the batch -> floats in [0, 1]. */
static void read_pictures(hg_plan *plan)
{
    size_t n = hg_mul(hg_shape_count(plan->graph->tensors[plan->graph->target]->shape), (size_t)plan->batch);
    hg_launch *launch = hg_emit(plan, NULL, "input", "input", "input_bytes");
    hg_emit_read(plan, launch, plan->bytes);
    hg_emit_write(plan, launch, hg_plan_value(plan, plan->graph->target));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, (double)n, (double)n * 5);
}

/* The norm of the whole gradient, in two ordered passes -> state.grad_scale. */
static void clip(hg_plan *plan, hg_block grads, hg_block step, size_t n)
{
    const size_t groups = hg_sums_count(plan, n);
    hg_block partials = hg_plan_scratch(plan, groups * sizeof(float));
    hg_launch *launch = hg_emit(plan, NULL, "gradient norm", "clip", "clip_partial");
    hg_emit_read(plan, launch, grads);
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_sums(plan, launch, n);
    hg_emit_cost(plan, launch, 2.0 * (double)n, (double)n * sizeof(float));
    launch = hg_emit(plan, NULL, "gradient norm sum", "clip", "clip_finish");
    hg_emit_read(plan, launch, partials);
    hg_emit_update(plan, launch, plan->state);
    hg_emit_read(plan, launch, step);
    hg_emit_int(plan, launch, (int64_t)groups);
    hg_emit_range(plan, launch, 1, 1, 1, 1, 1, 1);
}

/* One optimizer's step. `clipped`: an earlier one of this phase has set a factor for its own gradients. */
static void update(hg_plan *plan, int record, const hg_updater *updater, bool clipped)
{
    const hg_optimizer *optimizer = (const hg_optimizer *)updater->optimizer.type;
    const hg_optimizer_common *common = updater->optimizer.options;
    hg_arenas *arenas = plan->arenas;
    const size_t offset = updater->begin * sizeof(float), n = updater->end - updater->begin, bytes = n * sizeof(float);
    hg_block grads = hg_plan_view(plan, arenas->grads, offset, bytes);
    hg_block step = hg_plan_view(plan, arenas->step, (size_t)record * arenas->record_bytes, arenas->record_bytes);
    if (common->clip_norm > 0 || clipped) clip(plan, grads, step, n);
    hg_launch *launch = hg_emit(plan, NULL, "optimizer", optimizer->head.name, "update");
    hg_emit_update(plan, launch, hg_plan_view(plan, arenas->params, offset, bytes));
    hg_emit_read(plan, launch, grads);
    for (int k = 0; k < 2; k++)
        hg_emit_update(plan, launch, k < optimizer->moments ? hg_plan_view(plan, arenas->moments[updater->slot][k], offset, bytes) : -1);
    hg_emit_read(plan, launch, step);
    hg_emit_read(plan, launch, plan->state);
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 10.0 * (double)n, (3.0 + 2.0 * optimizer->moments) * (double)bytes);
}

/* The phase's updates; `record` is the first one's. */
static void updates(hg_plan *plan, int record)
{
    const hg_graph *graph = plan->graph;
    const hg_phase *phase = &graph->phases[plan->phase];
    bool clipped = false;
    for (int u = 0; u < phase->n_updates; u++) {
        const hg_updater *updater = &graph->updaters[phase->updates[u].updater];
        update(plan, record + u, updater, clipped);
        clipped |= ((const hg_optimizer_common *)updater->optimizer.options)->clip_norm > 0;
    }
}

/* ---- all of it */

static void keep(hg_plan *plan, hg_block block)
{
    if (block >= 0) plan->blocks[block].last = HG_FOREVER;
}

static void keep_probe(hg_plan *plan)
{
    for (int t = 0; t < plan->graph->n_tensors; t++) {
        keep(plan, plan->value[t]);
        keep(plan, plan->grad[t]);
    }
}

static void compose_trial(hg_plan *plan)
{
    const hg_node *node = plan->graph->nodes[plan->trial->node];
    choose_grads(plan);
    choose_halves(plan);
    plan->in_backward = plan->trial->backward;
    plan->trial->first = plan->trial->count = 0;
    (plan->in_backward ? node->layer->backward : node->layer->forward)(plan, node);
    keep_probe(plan);
    hg_plan_sticky(plan, plan->trial->count > 0);
}

/* Forgets the phase before, but for the input and, where they are kept, its gradients. */
static void begin_phase(hg_plan *plan, int phase)
{
    const hg_graph *graph = plan->graph;
    plan->phase = phase;
    for (int t = 0; t < graph->n_tensors; t++) {
        const int producer = graph->tensors[t]->producer;
        if (producer < 0 || graph->nodes[producer]->section == HG_CORRUPT) continue;
        plan->alias[t] = plan->act[t] = t;
        plan->value[t] = plan->grad[t] = -1;
        plan->written[t] = false;
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        plan->needed[i] = false;
        plan->note[i] = -1;
    }
    for (int i = 0; i < graph->n_params && !graph->phases[phase].keep_gradients; i++) plan->param_written[i] = false;
}

/* What is done forward and backward; the source is the tensor that is given from outside, or the pictures. */
static void passes(hg_plan *plan, bool pictures)
{
    const hg_graph *graph = plan->graph;
    int source = choose_nodes(plan);
    choose_grads(plan);
    choose_halves(plan);
    if (!pictures) plan->blocks[hg_plan_value(plan, source)].first = -1;
    else if (plan->phase == 0) read_pictures(plan);
    if (plan->purpose == HG_PURPOSE_PROBE) { /* the loss may add to it in the forward pass */
        plan->blocks[hg_plan_grad(plan, graph->output)].first = -1;
        plan->written[hg_plan_root(plan, graph->output)] = true;
    }
    forward(plan);
    plan->stretches[plan->phase].forward = plan->n_launches;
    if (plan->training) backward(plan);
    plan->stretches[plan->phase].backward = plan->n_launches;
}

static void compose_training(hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    for (int p = 0, record = 0; p < graph->n_phases; record += graph->phases[p++].n_updates) {
        begin_phase(plan, p);
        passes(plan, true);
        hg_emit_sums_so_far(plan, true); /* before the updates: if the loss is not finite, none is made */
        updates(plan, record);
        plan->stretches[p].end = plan->n_launches;
    }
}

void hg_plan_compose(hg_plan *plan)
{
    const hg_graph *graph = plan->graph;
    if (plan->purpose == HG_PURPOSE_TRIAL) {
        compose_trial(plan);
    } else if (plan->purpose == HG_PURPOSE_TRAIN) {
        compose_training(plan);
    } else {
        passes(plan, plan->purpose == HG_PURPOSE_EVALUATE);
        hg_emit_sums_so_far(plan, plan->purpose == HG_PURPOSE_EVALUATE);
        plan->stretches[0].end = plan->n_launches;
        if (plan->purpose == HG_PURPOSE_CORRUPT) keep(plan, hg_plan_value(plan, graph->input));
        if (plan->purpose == HG_PURPOSE_ENCODE) keep(plan, hg_plan_value(plan, graph->code));
        if (plan->purpose == HG_PURPOSE_DECODE || plan->purpose == HG_PURPOSE_RECONSTRUCT) keep(plan, hg_plan_value(plan, graph->output));
    }
    if (plan->guarded && plan->purpose != HG_PURPOSE_TRIAL) keep_probe(plan);
}
