/* Assembling a graph from parsed layers: the nodes that options stand for, the latent, the loss. */
#include "model/graph_build.h"

#include <stdio.h>
#include <string.h>

static void *option_at(const hg_descriptor *type, void *options, const char *name)
{
    int row = hg_option_find(type, name);
    return row < 0 ? NULL : (char *)options + type->options[row].offset;
}

static const hg_layer *layer_named(const char *name)
{
    return (const hg_layer *)hg_descriptor_find(hg_layers, name);
}

/* ---- the input */

enum { MAX_SIDE = 1 << 24 }; /* so that sides times a factor still fit an int */

bool hg_graph_input(hg_graph *graph, hg_shape input, const hg_choice *corruptions, const char *const *places, int n, int *current)
{
    hg_shape shape = input;
    for (int i = n - 1; i >= 0; i--) {
        shape = ((const hg_corruption *)corruptions[i].type)->target(corruptions[i].options, shape);
        if (hg_shape_count(shape) >= (size_t)1 << 31 || shape.h > MAX_SIDE || shape.w > MAX_SIDE)
            return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: %s would need pictures of %dx%dx%d, more than 2^31 numbers: make the input smaller",
                           places[i], corruptions[i].type->name, shape.c, shape.h, shape.w);
    }
    graph->target = *current = hg_graph_tensor(graph, n ? "target" : "input", shape, -1);
    for (int i = 0; *current >= 0 && i < n; i++) {
        const char *name = hg_arena_format(graph->arena, "corrupt.%d", i);
        const hg_layer *layer = &((const hg_corruption *)corruptions[i].type)->layer;
        const hg_node *node = name ? hg_graph_node(graph, layer, corruptions[i].options, HG_CORRUPT, name, places[i], current, 1) : NULL;
        *current = node ? node->out[0] : -1;
    }
    graph->input = *current;
    return *current >= 0;
}

bool hg_graph_condition(hg_graph *graph, hg_section section, const char *name, const char *place, int *current)
{
    const hg_node *node = hg_graph_node(graph, &hg_layer_condition, graph->condition.options, section, name, place, current, 1);
    if (node) *current = node->out[0];
    return node != NULL;
}

/* ---- layers and what their options stand for */

/* A node of a layer that the model file does not name itself; `set` receives its options struct filled with defaults. */
static void *default_options(hg_graph *graph, const hg_layer *layer)
{
    void *options = hg_arena_alloc(graph->arena, 1, layer->head.size ? layer->head.size : 1);
    return options && hg_option_defaults(graph->arena, &layer->head, options) ? options : NULL;
}

static bool add_activation(hg_graph *graph, hg_choice act, hg_section section, const char *name, const char *place, int *current)
{
    const hg_layer *layer = layer_named("activation");
    void *options = default_options(graph, layer);
    if (!options) return false;
    *(hg_choice *)option_at(&layer->head, options, "function") = act;
    name = hg_arena_format(graph->arena, "%s.activation", name);
    hg_node *node = name ? hg_graph_node(graph, layer, options, section, name, place, current, 1) : NULL;
    if (node) *current = node->out[0];
    return node != NULL;
}

extern const hg_layer hg_layer_activity_l1, hg_layer_flatten, hg_layer_reshape;

static bool add_penalty(hg_graph *graph, double weight, hg_section section, const char *name, const char *place, int current)
{
    const hg_layer *layer = &hg_layer_activity_l1;
    void *options = default_options(graph, layer);
    if (!options) return false;
    *(double *)option_at(&layer->head, options, "weight") = weight;
    name = hg_arena_format(graph->arena, "%s.activity_l1", name);
    return name && hg_graph_node(graph, layer, options, section, name, place, &current, 1);
}

static bool is_linear(hg_choice act)
{
    return !act.type || strcmp(act.type->name, "linear") == 0;
}

static bool default_initializer(hg_graph *graph, hg_choice *init)
{
    if (init->type) return true;
    if (!graph->initializer.type) {
        const hg_descriptor *glorot = hg_descriptor_find(hg_initializers, "glorot_uniform");
        void *options = hg_arena_alloc(graph->arena, 1, glorot->size ? glorot->size : 1);
        if (!options || !hg_option_defaults(graph->arena, glorot, options)) return false;
        graph->initializer = (hg_choice){glorot, options};
    }
    *init = graph->initializer;
    return true;
}

/* The node that the option `share` speaks of: entry `share` of the list in which "PREFIX.N" is entry N. */
static const hg_node *shared_node(hg_graph *graph, const hg_layer *layer, const char *name, const char *place, int share)
{
    const hg_node *from = NULL;
    const char *other = hg_arena_format(graph->arena, "%.*s%d", (int)(strrchr(name, '.') + 1 - name), name, share);
    if (other && !(from = hg_graph_find(graph, other)))
        hg_fail(graph->ctx, HG_BAD_INPUT, "%s: %s (%s): `share: %d`: there is no entry of that number before it (the first is 0)", place, name,
                layer->head.name, share);
    if (!from || from->layer == layer) return from;
    hg_fail(graph->ctx, HG_BAD_INPUT, "%s: %s (%s): `share: %d`: that entry is another layer, %s", place, name, layer->head.name, share,
            from->layer->head.name);
    return NULL;
}

bool hg_graph_chain(hg_graph *graph, const hg_layer *layer, void *options, hg_section section, const char *name,
                    const char *place, const hg_node *shares, int *current)
{
    hg_choice *init = option_at(&layer->head, options, "initializer");
    const int *share = option_at(&layer->head, options, "share");
    if (init && !default_initializer(graph, init)) return false;
    if (!shares && share && *share >= 0 && !(shares = shared_node(graph, layer, name, place, *share))) return false;
    hg_node *node = hg_graph_sharing_node(graph, layer, options, section, name, place, shares, current, 1);
    if (!node) return false;
    *current = node->out[0];

    const hg_choice *act = option_at(&layer->head, options, "activation");
    if (act && !is_linear(*act)) {
        if (((const hg_activation *)act->type)->from_output) graph->tensors[*current]->act = *act;
        else if (!add_activation(graph, *act, section, name, place, current)) return false;
    }
    const double *l1 = option_at(&layer->head, options, "activity_l1");
    return !l1 || *l1 == 0 || add_penalty(graph, *l1, section, name, place, *current);
}

/* One linear head of the latent: a dense layer named latent.NAME. */
static bool add_head(hg_graph *graph, const char *name, int units, const hg_choice *init, const char *place, int input, int *out)
{
    const hg_layer *dense = layer_named("dense");
    void *options = default_options(graph, dense);
    if (!options) return false;
    *(int *)option_at(&dense->head, options, "units") = units;
    if (init) *(hg_choice *)option_at(&dense->head, options, "initializer") = *init;
    *out = input;
    return hg_graph_chain(graph, dense, options, HG_LATENT, name, place, NULL, out);
}

bool hg_graph_latent(hg_graph *graph, const hg_layer *layer, void *options, const char *place, int *current)
{
    int units = *(int *)option_at(&layer->head, options, "units"), in[2];
    const hg_choice *init = option_at(&layer->head, options, "initializer");
    if (init && !init->type) init = NULL;
    if (!graph->tensors[*current]->shape.flat) {
        char buf[48];
        return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: latent: needs a flat input but the encoder ends with %s: put `flatten` at its end",
                       place, hg_shape_text(graph->tensors[*current]->shape, buf));
    }
    if (!add_head(graph, "latent.mean", units, init, place, *current, &in[0])) return false;
    if (!add_head(graph, "latent.logvar", units, init, place, *current, &in[1])) return false;
    hg_node *node = hg_graph_node(graph, layer, options, HG_LATENT, "latent", place, in, 2);
    if (!node) return false;
    graph->code = in[0];
    graph->latent = *current = node->out[0];
    return true;
}

/* ---- the loss */

static void loss_forward(hg_plan *plan, const hg_node *node)
{
    const hg_loss *loss = *(const hg_loss *const *)node->state;
    loss->emit(plan, node, node->options, hg_plan_graph(plan)->loss_from_logits);
}

static bool consumed(const hg_graph *graph, int tensor)
{
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i]->n_in; k++)
            if (graph->nodes[i]->in[k] == tensor) return true;
    return false;
}

/* The tensor whose numbers a chain of `reshape` and `flatten`, which alone reads it, gives to this one: an activation may as well come
 * after them. */
static int before_reshapes(const hg_graph *graph, int tensor)
{
    const hg_tensor *t = graph->tensors[tensor];
    while (t->producer >= 0 && is_linear(t->act)) {
        const hg_node *node = graph->nodes[t->producer];
        if ((node->layer != &hg_layer_reshape && node->layer != &hg_layer_flatten) || !hg_graph_only_reader(graph, node->in[0])) break;
        tensor = node->in[0];
        t = graph->tensors[tensor];
    }
    return tensor;
}

/* Where the loss wants logits: the tensor before the last activation, or -1. The activation is then computed for the
 * output alone. */
static bool split_logits(hg_graph *graph, const hg_loss *loss, const char *place, int prediction, int *logits)
{
    const int source = before_reshapes(graph, prediction);
    hg_tensor *last = graph->tensors[source];
    *logits = -1;
    graph->output = prediction;
    if (!loss->logits_of || is_linear(last->act) || strcmp(last->act.type->name, loss->logits_of) != 0) return true;
    if (consumed(graph, prediction)) return true; /* a penalty looks at the probabilities: they stay in the plan */
    const hg_node *producer = graph->nodes[last->producer];
    if (strcmp(producer->layer->head.name, "activation") == 0) {
        if (source == prediction) *logits = producer->in[0]; /* else nothing reshapes what the activation reads */
        return true;
    }
    hg_choice act = last->act;
    last->act = (hg_choice){0};
    *logits = prediction;
    return add_activation(graph, act, HG_DECODER, producer->name, place, &graph->output);
}

static bool compare_shapes(hg_graph *graph)
{
    const hg_tensor *output = graph->tensors[graph->output], *target = graph->tensors[graph->target];
    hg_shape out = output->shape, want = target->shape;
    bool same = out.c == want.c && out.h == want.h && out.w == want.w;
    bool flat_grey = out.flat && want.c == 1 && hg_shape_count(out) == hg_shape_count(want); /* the same memory order */
    if (same || flat_grey) return true;
    char a[48], b[48], made[96] = "";
    if (graph->target != graph->input)
        snprintf(made, sizeof made, ", of which `corrupt` makes the input %s", hg_shape_text(graph->tensors[graph->input]->shape, a));
    return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: the decoder's output (%s, layer %s) does not fit the picture that it is compared "
                   "with (%s%s): change the decoder so that its last layer gives %s", graph->file, hg_shape_text(output->shape, a),
                   output->name, hg_shape_text(target->shape, b), made, b);
}

static bool loss_node(hg_graph *graph, hg_choice choice, const char *place, int phase, const int *in, int n_in)
{
    const hg_loss *loss = (const hg_loss *)choice.type;
    hg_layer *layer = hg_arena_alloc(graph->arena, 1, sizeof *layer);
    if (!layer) return false;
    *layer = (hg_layer){.head = {loss->head.name, loss->head.help, NULL, 0}, .forward = loss_forward};
    hg_node *node = hg_graph_node(graph, layer, choice.options, HG_LOSS, "loss", place, in, n_in);
    const hg_loss **state = node ? hg_node_state(graph, node, sizeof *state) : NULL;
    if (!state) return false;
    *state = loss;
    node->phase = phase;
    return true;
}

/* A loss of the discriminator: `real` and `fake` say what it has to take for what. */
static bool judging_loss(hg_graph *graph, hg_choice choice, const char *place, int phase)
{
    int in[2], n = 0;
    if (graph->judged[HG_JUDGED_CODE] < 0)
        return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: %s needs a discriminator: give the model one with the key `discriminator`", place, choice.type->name);
    for (int i = 0; i < 2; i++) {
        const int what = *(const int *)option_at(choice.type, (void *)choice.options, i == 0 ? "real" : "fake");
        if (what > 0) in[n++] = graph->judged[what - 1];
    }
    if (!n) return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: %s needs `real`, `fake` or both: what the discriminator has to take for that", place, choice.type->name);
    return loss_node(graph, choice, place, phase, in, n);
}

bool hg_graph_loss(hg_graph *graph, hg_choice choice, const char *place, int phase)
{
    const hg_loss *loss = (const hg_loss *)choice.type;
    int logits;
    if (loss->judges) return judging_loss(graph, choice, place, phase);
    if (graph->loss >= 0)
        return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: a second loss of the reconstruction: there can be only one, and %s has it", place,
                       graph->nodes[graph->loss]->place);
    if (!split_logits(graph, loss, place, graph->output, &logits) || !compare_shapes(graph)) return false;
    const int in[2] = {logits >= 0 ? logits : graph->output, graph->target};
    graph->loss = graph->n_nodes;
    graph->loss_from_logits = logits >= 0;
    return loss_node(graph, choice, place, phase, in, 2);
}

/* ---- the discriminator */

bool hg_graph_prior(hg_graph *graph, const char *place, int *current)
{
    hg_node *node = hg_graph_node(graph, &hg_layer_prior, &graph->prior, HG_DISCRIMINATOR, "prior", place, NULL, 0);
    if (!node || !hg_node_output(graph, node, graph->tensors[graph->latent]->shape)) return false;
    *current = node->out[0];
    return true;
}

bool hg_graph_judged(hg_graph *graph, hg_judged which, const char *place, int prediction)
{
    hg_tensor *last = graph->tensors[prediction];
    const hg_node *producer = last->producer >= 0 ? graph->nodes[last->producer] : NULL;
    if (!producer || producer->section != HG_DISCRIMINATOR || is_linear(last->act) || strcmp(last->act.type->name, "sigmoid") != 0 ||
        consumed(graph, prediction))
        return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: the discriminator has to end with a layer with `activation: sigmoid` and no penalty: its "
                       "losses take what it gives for probabilities", place);
    if (strcmp(producer->layer->head.name, "activation") == 0) prediction = producer->in[0];
    else last->act = (hg_choice){0};
    graph->judged[which] = prediction;
    return true;
}
