/* Reads a model file: YAML (libyaml's document API) -> graph. */
#include "model/phase_file.h"

#include <string.h>
#include "base/file.h"

enum { MAX_BYTES = 1 << 20, MAX_CORRUPTIONS = 8 };

/* ---- the file's own keys, as tables like everything else */

typedef struct input_options { int channels, height, width; } input_options;
static const hg_option input_table[] = {
    {"channels", "1 grey, 3 colour", offsetof(input_options, channels), HG_OPTION_INT, 1, 1, 4096},
    {"height", "pixels", offsetof(input_options, height), HG_OPTION_INT, __builtin_nan(""), 1, HG_MAX_INPUT_SIDE},
    {"width", "pixels", offsetof(input_options, width), HG_OPTION_INT, __builtin_nan(""), 1, HG_MAX_INPUT_SIDE},
    {0},
};
static const hg_descriptor input_type = {"input", "what the encoder sees", input_table, sizeof(input_options)};

typedef struct train_options { int batch, epochs; bool drop_last; } train_options;
static const hg_option train_table[] = {
    {"batch", "examples per step", offsetof(train_options, batch), HG_OPTION_INT, 128, 1, 1 << 20},
    {"epochs", "passes over the training data", offsetof(train_options, epochs), HG_OPTION_INT, 10, 1, 1e9},
    {"drop_last", "leave out an epoch's last batch where it is smaller than the others",
     offsetof(train_options, drop_last), HG_OPTION_BOOL, 0, 0, 1},
    {0},
};
static const hg_descriptor train_type = {"train", "how long and with what batch", train_table, sizeof(train_options)};

typedef enum file_key {
    KEY_NAME, KEY_INPUT, KEY_ENCODER, KEY_LATENT, KEY_DECODER, KEY_CORRUPT, KEY_LOSS, KEY_OPTIMIZER, KEY_TRAIN, KEY_INITIALIZER,
    KEY_CONDITION, KEY_DISCRIMINATOR, KEY_PRIOR, KEY_PHASES, KEYS
} file_key;
static const char *const key_names[KEYS] = {
    "name", "input", "encoder", "latent", "decoder", "corrupt", "loss", "optimizer", "train", "initializer",
    "condition", "discriminator", "prior", "phases"
};

static bool sort_keys(hg_yaml *r, const yaml_node_t *root, const yaml_node_t *values[KEYS])
{
    if (root->type != YAML_MAPPING_NODE) return hg_yaml_refuse(r, root, "model file", "a mapping with `input`, `encoder`, `decoder` ...");
    if (!hg_yaml_keys(r, root, "a model file", key_names, KEYS, values)) return false;
    for (int k = KEY_INPUT; k <= KEY_DECODER; k++)
        if (!values[k] && k != KEY_LATENT && !(r->probe && k == KEY_DECODER))
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the key '%s' is missing", r->graph->file, key_names[k]);
    return true;
}

static bool add_condition(hg_yaml *r, hg_section section, const char *prefix, int *current)
{
    const char *name = hg_arena_format(r->graph->arena, "%s.condition", prefix);
    return name && hg_graph_condition(r->graph, section, name, hg_yaml_place(r, r->condition), current);
}

/* Layers that only order numbers anew. */
static bool is_order(hg_choice layer)
{
    return strcmp(layer.type->name, "flatten") == 0 || strcmp(layer.type->name, "reshape") == 0;
}

/* With `condition` the first layer that computes something is told the label: behind a leading `flatten` as numbers, else as planes; not
 * so a discriminator's. `again` (NULL: none): behind the layers' names; they have the parameters of those without it. */
static bool read_layers(hg_yaml *r, const yaml_node_t *list, hg_section section, const char *prefix, const char *again, int *current)
{
    bool untold = r->condition && section != HG_DISCRIMINATOR;
    if (hg_yaml_is_empty(list)) return true;
    if (list->type != YAML_SEQUENCE_NODE) return hg_yaml_refuse(r, list, prefix, "a list of layers");
    int i = 0;
    for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++, i++) {
        const yaml_node_t *node = hg_yaml_get(r, *item);
        hg_choice layer;
        if (!hg_yaml_choice(r, hg_layers, "layer", node, &layer)) return false;
        if (untold && !is_order(layer)) {
            if (!add_condition(r, section, prefix, current)) return false;
            untold = false;
        }
        const char *name = hg_arena_format(r->graph->arena, "%s.%d", prefix, i);
        const hg_node *shares = again && name ? hg_graph_find(r->graph, name) : NULL;
        if (again && name) name = hg_arena_format(r->graph->arena, "%s%s", name, again);
        const hg_layer *type = (const hg_layer *)layer.type;
        const char *place = hg_yaml_place(r, node);
        if (!name || !hg_graph_chain(r->graph, type, (void *)layer.options, section, name, place, shares, current)) return false;
    }
    return !untold || section != HG_ENCODER || add_condition(r, section, prefix, current); /* the latent's heads are then the first */
}

/* `corrupt`: a name, a mapping of names to options, or a list of both; applied in the order written. */
typedef struct corruptions { hg_choice choices[MAX_CORRUPTIONS]; const char *places[MAX_CORRUPTIONS]; int n; } corruptions;

static bool add_corruption(hg_yaml *r, const yaml_node_t *at, const char *name, const yaml_node_t *value, corruptions *to)
{
    if (!name) return hg_yaml_refuse(r, at, "corrupt", "`name` or `name: {options}`");
    if (to->n == MAX_CORRUPTIONS)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: corrupt: more than %d entries", hg_yaml_place(r, at), MAX_CORRUPTIONS);
    to->places[to->n] = hg_yaml_place(r, at);
    return hg_yaml_named(r, hg_corruptions, "corruption", name, value, to->places[to->n], &to->choices[to->n]) && ++to->n;
}

static bool read_corrupt(hg_yaml *r, const yaml_node_t *node, corruptions *to)
{
    if (!node || hg_yaml_is_empty(node)) return true;
    if (node->type == YAML_SCALAR_NODE) return add_corruption(r, node, hg_yaml_scalar(node), NULL, to);
    if (node->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
            const yaml_node_t *key = hg_yaml_get(r, pair->key);
            if (!add_corruption(r, key, hg_yaml_scalar(key), hg_yaml_get(r, pair->value), to)) return false;
        }
        return true;
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = hg_yaml_get(r, *item);
        if (entry->type == YAML_SEQUENCE_NODE) return hg_yaml_refuse(r, entry, "corrupt", "`name` or `name: {options}`");
        if (!read_corrupt(r, entry, to)) return false;
    }
    return true;
}

static bool read_input(hg_yaml *r, const yaml_node_t *node, const yaml_node_t *corrupt, int *current)
{
    input_options in;
    if (!hg_yaml_options(r, &input_type, &in, node, hg_yaml_place(r, node))) return false;
    hg_shape shape = {in.channels, r->height ? r->height : in.height, r->width ? r->width : in.width, false};
    if (hg_shape_count(shape) >= (size_t)1 << 31)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: input: %dx%dx%d is more than 2^31 numbers per picture",
                       hg_yaml_place(r, node), shape.c, shape.h, shape.w);
    corruptions c = {.n = 0};
    return read_corrupt(r, corrupt, &c) && hg_graph_input(r->graph, shape, c.choices, c.places, c.n, current);
}

static bool read_choice_or(hg_yaml *r, const hg_descriptor *const *kinds, file_key k, const yaml_node_t *node, const char *fallback,
                           hg_choice *out)
{
    if (node && !hg_yaml_is_empty(node)) return hg_yaml_choice(r, kinds, key_names[k], node, out);
    out->type = hg_descriptor_find(kinds, fallback);
    void *options = hg_arena_alloc(r->graph->arena, 1, out->type->size ? out->type->size : 1);
    out->options = options;
    return options && hg_option_defaults(r->graph->arena, out->type, options);
}

static bool read_condition(hg_yaml *r, const yaml_node_t *node)
{
    if (!node || hg_yaml_is_empty(node)) return true;
    const hg_descriptor *type = &hg_layer_condition.head;
    void *options = hg_arena_alloc(r->graph->arena, 1, type->size);
    if (!options || !hg_yaml_options(r, type, options, node, hg_yaml_place(r, node))) return false;
    r->condition = node;
    r->graph->condition = (hg_choice){type, options};
    r->graph->labels = *(int *)((char *)options + type->options[0].offset);
    return true;
}

/* The discriminator's layers twice, with the same weights: behind the code, and behind draws from the prior. */
static bool read_discriminator(hg_yaml *r, const yaml_node_t *list, const yaml_node_t *prior)
{
    hg_graph *graph = r->graph;
    const char *place = list ? hg_yaml_place(r, list) : NULL;
    int code = graph->latent, drawn;
    if (prior && !list)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: a prior is for a discriminator: give the model one with the key `discriminator`",
                       hg_yaml_place(r, prior));
    if (!list) return true;
    return hg_yaml_options(r, &hg_layer_prior.head, &graph->prior, prior, place) &&
           read_layers(r, list, HG_DISCRIMINATOR, "discriminator", NULL, &code) &&
           hg_graph_judged(graph, HG_JUDGED_CODE, place, code) &&
           hg_graph_prior(graph, place, &drawn) &&
           read_layers(r, list, HG_DISCRIMINATOR, "discriminator", "(prior)", &drawn) &&
           hg_graph_judged(graph, HG_JUDGED_PRIOR, place, drawn);
}

static bool read_phases(hg_yaml *r, const yaml_node_t *phases, const yaml_node_t *const values[KEYS])
{
    for (int k = KEY_LOSS; k <= KEY_OPTIMIZER; k++)
        if (values[k])
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: '%s' beside `phases`: each phase has its own",
                           hg_yaml_place(r, values[k]), key_names[k]);
    if (!hg_phases_read(r, phases)) return false;
    if (r->graph->loss >= 0) return true;
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s: no phase has a loss of the reconstruction: mse or bce", hg_yaml_place(r, phases));
}

/* Without `phases` there is one, with the file's `loss` and `optimizer` for everything. */
static bool read_only_phase(hg_yaml *r, const yaml_node_t *const values[KEYS])
{
    hg_graph *graph = r->graph;
    const yaml_node_t *loss = values[KEY_LOSS];
    hg_choice choice;
    if (!hg_graph_phase(graph, NULL, graph->file)) return false;
    if (values[KEY_DISCRIMINATOR] && !r->probe)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the discriminator needs the key `phases`, which says how it is trained",
                       hg_yaml_place(r, values[KEY_DISCRIMINATOR]));
    if (loss && !r->probe && !hg_yaml_is_empty(loss)) {
        if (!hg_losses_read(r, loss, 0)) return false;
    } else if (!r->probe) {
        if (!read_choice_or(r, hg_losses_list, KEY_LOSS, NULL, "mse", &choice)) return false;
        if (!hg_graph_loss(graph, choice, graph->file, 0)) return false;
    }
    return read_choice_or(r, hg_optimizers, KEY_OPTIMIZER, values[KEY_OPTIMIZER], "adam", &choice) &&
           hg_graph_update(graph, HG_SET_ALL, choice, graph->file);
}

static bool build(hg_yaml *r, const yaml_node_t *values[KEYS])
{
    hg_graph *graph = r->graph;
    int current;
    train_options train;
    const yaml_node_t *none = NULL;
    if (!read_input(r, values[KEY_INPUT], values[KEY_CORRUPT], &current)) return false;
    const yaml_node_t *initializer = values[KEY_INITIALIZER];
    if (initializer && !hg_yaml_choice(r, hg_initializers, "initializer", initializer, &graph->initializer)) return false;
    if (!read_condition(r, values[KEY_CONDITION])) return false;
    if (!read_layers(r, values[KEY_ENCODER], HG_ENCODER, "encoder", NULL, &current)) return false;
    graph->code = graph->latent = current;
    const yaml_node_t *latent = values[KEY_LATENT];
    if (latent && !hg_yaml_is_empty(latent)) {
        hg_choice choice;
        if (!hg_yaml_choice(r, hg_latents, "latent", latent, &choice)) return false;
        const char *place = hg_yaml_place(r, latent);
        if (!hg_graph_latent(graph, (const hg_layer *)choice.type, (void *)choice.options, place, &current)) return false;
    }
    if (values[KEY_DECODER] && !read_layers(r, values[KEY_DECODER], HG_DECODER, "decoder", NULL, &current)) return false;
    graph->output = current;
    if (!read_discriminator(r, values[KEY_DISCRIMINATOR], values[KEY_PRIOR])) return false;
    if (!(values[KEY_PHASES] ? read_phases(r, values[KEY_PHASES], values) : read_only_phase(r, values))) return false;
    if (!r->probe && graph->n_params == 0)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the model has no layer with weights: nothing could be trained", graph->file);
    if (!hg_yaml_options(r, &train_type, &train, values[KEY_TRAIN] ? values[KEY_TRAIN] : none, graph->file)) return false;
    graph->batch = train.batch;
    graph->epochs = train.epochs;
    graph->drop_last = train.drop_last;
    hg_graph_order(graph);
    return hg_graph_place(graph);
}

static bool read_name(hg_yaml *r, const yaml_node_t *node)
{
    hg_graph *graph = r->graph;
    if (node) {
        if (!hg_yaml_scalar(node) || !*hg_yaml_scalar(node)) return hg_yaml_refuse(r, node, "name", "a text");
        graph->name = hg_arena_text(graph->arena, hg_yaml_scalar(node));
    } else { /* the file's name without folder and ending */
        const char *slash = strrchr(graph->file, '/');
        char *name = hg_arena_text(graph->arena, slash ? slash + 1 : graph->file);
        if (name && strrchr(name, '.') > name) *strrchr(name, '.') = 0;
        graph->name = name;
    }
    return graph->name != NULL;
}

static bool read_document(hg_yaml *r, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return hg_fail_memory(r->ctx, sizeof parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool loaded = yaml_parser_load(&parser, &r->doc);
    bool ok = loaded || hg_yaml_failed(r, &parser);
    yaml_parser_delete(&parser);
    if (!ok) return false;
    const yaml_node_t *root = yaml_document_get_root_node(&r->doc), *values[KEYS] = {0};
    if (!root) ok = hg_fail(r->ctx, HG_BAD_INPUT, "%s: the file is empty", r->graph->file);
    else ok = sort_keys(r, root, values) && read_name(r, values[KEY_NAME]) && build(r, values);
    yaml_document_delete(&r->doc);
    return ok;
}

static hg_graph *parse(hg_context *ctx, const char *name, const char *text, size_t length, hg_yaml r)
{
    if (length > MAX_BYTES) {
        hg_fail(ctx, HG_BAD_INPUT, "%s: %zu bytes; a model file has at most %d", name, length, MAX_BYTES);
        return NULL;
    }
    hg_arena *arena = hg_arena_create(ctx);
    hg_graph *graph = arena ? hg_arena_alloc(arena, 1, sizeof *graph) : NULL;
    char *copy = graph ? hg_arena_alloc(arena, length + 1, 1) : NULL;
    if (!copy) goto fail;
    memcpy(copy, text, length);
    *graph = (hg_graph){.ctx = ctx, .arena = arena, .text = copy, .file = hg_arena_text(arena, name), .loss = -1, .judged = {-1, -1}};
    r.ctx = ctx;
    r.graph = graph;
    if (!graph->file || !hg_yaml_check(&r, text, length) || !read_document(&r, text, length)) goto fail;
    return graph;
fail:
    hg_arena_destroy(arena);
    return NULL;
}

hg_graph *hg_graph_parse_layers(hg_context *ctx, const char *name, const char *text, size_t length)
{
    return parse(ctx, name, text, length, (hg_yaml){.probe = true});
}

hg_model *hg_model_parse(hg_context *ctx, const char *name, const char *text, size_t length)
{
    return parse(ctx, name, text, length, (hg_yaml){.probe = false});
}

hg_model *hg_graph_parse_sized(hg_context *ctx, const char *name, const char *text, size_t length, int height, int width)
{
    return parse(ctx, name, text, length, (hg_yaml){.height = height, .width = width});
}

hg_model *hg_model_load(hg_context *ctx, const char *path)
{
    uint8_t *data;
    size_t length;
    if (!hg_file_read(ctx, path, MAX_BYTES, &data, &length)) return NULL;
    hg_model *model = hg_model_parse(ctx, path, (const char *)data, length);
    hg_free(data);
    return model;
}
