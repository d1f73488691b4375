/* Phases: what a training step consists of. A model whose file does not speak of phases has one, which updates everything. */
#include "model/graph_build.h"

#include <string.h>

const char *const hg_set_names[HG_SETS] = {"encoder", "decoder", "discriminator"};

/* ---- building */

hg_phase *hg_graph_phase(hg_graph *graph, const char *name, const char *place)
{
    if (graph->n_phases == HG_MAX_PHASES) {
        hg_fail(graph->ctx, HG_BAD_INPUT, "%s: more than %d phases", place, HG_MAX_PHASES);
        return NULL;
    }
    for (int p = 0; p < graph->n_phases; p++)
        if (strcmp(graph->phases[p].name, name) == 0) {
            hg_fail(graph->ctx, HG_BAD_INPUT, "%s: there is a phase '%s' already: give this one a name of its own", place, name);
            return NULL;
        }
    hg_phase *phase = &graph->phases[graph->n_phases++];
    *phase = (hg_phase){.name = name, .place = place};
    return phase;
}

static bool add_update(hg_graph *graph, int updater, const char *place)
{
    hg_phase *phase = &graph->phases[graph->n_phases - 1];
    const hg_set set = graph->updaters[updater].set;
    for (int u = 0; u < phase->n_updates; u++)
        if (graph->updaters[phase->updates[u].updater].set == set)
            return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: '%s' is given twice", place, hg_set_names[set]);
    phase->updates[phase->n_updates++] = (hg_update){updater, ++graph->updaters[updater].per_step, place};
    graph->n_updates++;
    return true;
}

bool hg_graph_update(hg_graph *graph, hg_set set, hg_choice optimizer, const char *place)
{
    hg_updater *updater = &graph->updaters[graph->n_updaters];
    *updater = (hg_updater){.optimizer = optimizer, .phase = graph->phases[graph->n_phases - 1].name, .set = set};
    return add_update(graph, graph->n_updaters++, place);
}

bool hg_graph_update_again(hg_graph *graph, hg_set set, const char *again, const char *place)
{
    const char *names[HG_MAX_PHASES];
    const int earlier = graph->n_phases - 1;
    for (int p = 0; p < earlier; p++) {
        const hg_phase *phase = &graph->phases[p];
        names[p] = phase->name;
        if (strcmp(phase->name, again) != 0) continue;
        for (int u = 0; u < phase->n_updates; u++)
            if (graph->updaters[phase->updates[u].updater].set == set) return add_update(graph, phase->updates[u].updater, place);
        return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: the phase '%s' does not update the %s: there is no optimizer to step again", place, again,
                       hg_set_names[set]);
    }
    const char *nearest = hg_nearest(again, names, earlier);
    return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: no phase before this one is called '%s'%s%s%s", place, again, nearest ? ", did you mean '" : "",
                   nearest ? nearest : "", nearest ? "'?" : "");
}

/* ---- offsets */

static hg_set set_of(const hg_param *param)
{
    return param->section == HG_DECODER ? HG_SET_DECODER : param->section == HG_DISCRIMINATOR ? HG_SET_DISCRIMINATOR : HG_SET_ENCODER;
}

/* Floats with the padding behind them. */
static size_t room(const hg_param *param)
{
    const size_t align = HG_ALIGN / sizeof(float);
    return hg_mul((param->count + align - 1) / align, align);
}

/* Trainable parameters first, so that an optimizer of all works on [0, trainable); they are in the order of the sets. */
static bool place_params(hg_graph *graph)
{
    size_t next = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < graph->n_params; i++) {
            hg_param *param = graph->params[i];
            if (param->trainable != (pass == 0)) continue;
            param->offset = next;
            next = hg_add(next, room(param));
        }
        if (pass == 0) graph->trainable = next;
    }
    graph->total = next;
    if (next < (size_t)1 << 31) return true;
    return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: the model has more than 2^31 parameters: make its layers smaller", graph->file);
}

static void place_updater(hg_graph *graph, int u)
{
    hg_updater *updater = &graph->updaters[u];
    bool taken[HG_MAX_UPDATERS] = {false}, first = true;
    for (int i = 0; i < graph->n_params; i++) {
        const hg_param *param = graph->params[i];
        if (!param->trainable || (updater->set != HG_SET_ALL && set_of(param) != updater->set)) continue;
        if (first) updater->begin = param->offset;
        updater->end = param->offset + room(param);
        first = false;
    }
    for (int other = 0; other < u; other++) /* the ranges of two sets are apart or the same */
        if (graph->updaters[other].begin < updater->end && updater->begin < graph->updaters[other].end) taken[graph->updaters[other].slot] = true;
    while (taken[updater->slot]) updater->slot++;
    if (updater->slot >= graph->n_slots) graph->n_slots = updater->slot + 1;
}

/* ---- do gradients reach what is updated? */

/* Is there a path from the tensor back to a parameter of the set? */
static bool reaches(const hg_graph *graph, const hg_phase *phase, int tensor, hg_set set)
{
    const int producer = graph->tensors[tensor]->producer;
    if (producer < 0) return false;
    const hg_node *node = graph->nodes[producer];
    if (phase->detach_code && node->section <= HG_LATENT) return false;
    for (int k = 0; k < node->n_params; k++)
        if (graph->params[node->params[k]]->trainable && set_of(graph->params[node->params[k]]) == set) return true;
    for (int i = 0; i < node->n_in; i++)
        if (reaches(graph, phase, node->in[i], set)) return true;
    return false;
}

static bool is_reached(const hg_graph *graph, int p, hg_set set)
{
    for (int i = 0; i < graph->n_nodes; i++) {
        const hg_node *node = graph->nodes[i];
        if (node->section != HG_LOSS || node->phase != p) continue;
        for (int k = 0; k < (graph->loss == i ? 1 : node->n_in); k++)
            if (reaches(graph, &graph->phases[p], node->in[k], set)) return true;
    }
    return graph->phases[p].keep_gradients && is_reached(graph, p - 1, set);
}

static bool check_phase(hg_graph *graph, int p)
{
    const hg_phase *phase = &graph->phases[p];
    for (int u = 0; u < phase->n_updates; u++) {
        const hg_set set = graph->updaters[phase->updates[u].updater].set;
        if (set != HG_SET_ALL && !is_reached(graph, p, set))
            return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: the phase '%s' updates the %s, but no gradient of its loss reaches a weight there",
                           phase->updates[u].place, phase->name, hg_set_names[set]);
    }
    return true;
}

bool hg_graph_place(hg_graph *graph)
{
    if (!place_params(graph)) return false;
    for (int u = 0; u < graph->n_updaters; u++) place_updater(graph, u);
    for (int p = 0; p < graph->n_phases; p++)
        if (!check_phase(graph, p)) return false;
    return true;
}
