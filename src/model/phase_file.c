#include "model/phase_file.h"

#include <string.h>

/* ---- losses */

static bool read_loss(hg_yaml *r, const yaml_node_t *at, const char *name, const yaml_node_t *value, int phase)
{
    hg_choice loss;
    const char *place = hg_yaml_place(r, at);
    if (!name) return hg_yaml_refuse(r, at, "loss", "`name` or `name: {options}`");
    return hg_yaml_named(r, hg_losses_list, "loss", name, value, place, &loss) && hg_graph_loss(r->graph, loss, place, phase);
}

bool hg_losses_read(hg_yaml *r, const yaml_node_t *node, int phase)
{
    if (node->type != YAML_MAPPING_NODE) return read_loss(r, node, hg_yaml_scalar(node), NULL, phase);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = hg_yaml_get(r, pair->key);
        if (!read_loss(r, key, hg_yaml_scalar(key), hg_yaml_get(r, pair->value), phase)) return false;
    }
    return true;
}

/* ---- updates */

static bool unknown_set(hg_yaml *r, const yaml_node_t *key, const char *name)
{
    const char *nearest = hg_nearest(name, hg_set_names, HG_SETS);
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s: '%s' is nothing that can be updated%s%s%s; that is encoder, decoder or discriminator",
                   hg_yaml_place(r, key), name, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static bool read_update(hg_yaml *r, const yaml_node_t *key, const yaml_node_t *value)
{
    const char *name = hg_yaml_scalar(key), *optimizer, *place = hg_yaml_place(r, key);
    const yaml_node_t *options;
    hg_choice choice;
    int set = 0;
    if (!name) return hg_yaml_refuse(r, key, "update", "`encoder`, `decoder` or `discriminator`");
    while (set < HG_SETS && strcmp(name, hg_set_names[set]) != 0) set++;
    if (set == HG_SETS) return unknown_set(r, key, name);
    if (!hg_yaml_name(r, "optimizer", value, &optimizer, &options)) return false;
    if (strcmp(optimizer, "again") == 0) {
        const char *phase = options ? hg_yaml_scalar(options) : NULL;
        if (!phase) return hg_yaml_refuse(r, value, "again", "the name of an earlier phase");
        return hg_graph_update_again(r->graph, (hg_set)set, phase, place);
    }
    return hg_yaml_named(r, hg_optimizers, "optimizer", optimizer, options, hg_yaml_place(r, value), &choice) &&
           hg_graph_update(r->graph, (hg_set)set, choice, place);
}

static bool read_updates(hg_yaml *r, const yaml_node_t *map)
{
    if (map->type != YAML_MAPPING_NODE) return hg_yaml_refuse(r, map, "update", "a mapping like {encoder: {adam: {lr: 0.001}}}");
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++)
        if (!read_update(r, hg_yaml_get(r, pair->key), hg_yaml_get(r, pair->value))) return false;
    return true;
}

/* ---- phases */

enum { MOST_NAME = 60 };

typedef struct phase_options { int detach; bool keep_gradients; } phase_options;
static const char *const detachable[] = {"none", "code", NULL};
static const hg_option phase_table[] = {
    {"detach", "what is computed as outside training and gets no gradient, with all before it",
     offsetof(phase_options, detach), HG_OPTION_NAME, 0, .names = detachable},
    {"keep_gradients", "add to the gradients of the phase before", offsetof(phase_options, keep_gradients), HG_OPTION_BOOL, 0, 0, 1},
    {0},
};
static const hg_descriptor phase_type = {"phase", "a part of a training step", phase_table, sizeof(phase_options)};

enum { PHASE_DETACH, PHASE_KEEP_GRADIENTS, PHASE_NAME, PHASE_LOSS, PHASE_UPDATE, PHASE_KEYS }; /* the table's rows first */
static const char *const phase_keys[PHASE_KEYS] = {"detach", "keep_gradients", "name", "loss", "update"};

static bool read_options(hg_yaml *r, const yaml_node_t *const values[PHASE_KEYS], phase_options *options)
{
    *options = (phase_options){0};
    for (int row = 0; row < PHASE_NAME; row++) {
        const char *text = values[row] ? hg_yaml_scalar(values[row]) : NULL;
        if (values[row] && !text) return hg_yaml_refuse(r, values[row], phase_keys[row], "a value");
        if (text && !hg_option_set(r->ctx, &phase_type, options, row, &text, 1, hg_yaml_place(r, values[row]))) return false;
    }
    return true;
}

static bool read_phase(hg_yaml *r, const yaml_node_t *node)
{
    const yaml_node_t *values[PHASE_KEYS] = {0};
    const char *place = hg_yaml_place(r, node);
    const int number = r->graph->n_phases;
    phase_options options;
    if (node->type != YAML_MAPPING_NODE) return hg_yaml_refuse(r, node, "phase", "a mapping with name, loss and update");
    if (!hg_yaml_keys(r, node, "a phase", phase_keys, PHASE_KEYS, values)) return false;
    for (int k = PHASE_NAME; k < PHASE_KEYS; k++)
        if (!values[k] || hg_yaml_is_empty(values[k]))
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the phase needs the key '%s'%s", place, phase_keys[k],
                           k == PHASE_UPDATE ? ": a phase that updates nothing would have no effect" : "");
    const char *name = hg_yaml_scalar(values[PHASE_NAME]);
    if (!name) return hg_yaml_refuse(r, values[PHASE_NAME], "name", "a text");
    if (strlen(name) > MOST_NAME || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: name: '%s': a phase's name consists of letters, digits, _ and -, at most %d",
                       hg_yaml_place(r, values[PHASE_NAME]), name, MOST_NAME);
    hg_phase *phase = hg_graph_phase(r->graph, hg_arena_text(r->graph->arena, name), place);
    if (!phase || !read_options(r, values, &options)) return false;
    phase->detach_code = options.detach == 1;
    phase->keep_gradients = options.keep_gradients;
    if (phase->keep_gradients && number == 0)
        return hg_fail(r->ctx, HG_BAD_INPUT,
                       "%s: keep_gradients: the first phase has none before it: a training step begins without gradients", place);
    if (!hg_losses_read(r, values[PHASE_LOSS], number) || !read_updates(r, values[PHASE_UPDATE])) return false;
    if (phase->n_updates > 0) return true;
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the phase '%s' updates nothing, so it would have no effect", place, phase->name);
}

bool hg_phases_read(hg_yaml *r, const yaml_node_t *list)
{
    if (list->type != YAML_SEQUENCE_NODE || list->data.sequence.items.start == list->data.sequence.items.top)
        return hg_yaml_refuse(r, list, "phases", "a list of phases, each with name, loss and update");
    for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++)
        if (!read_phase(r, hg_yaml_get(r, *item))) return false;
    return true;
}
