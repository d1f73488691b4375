/* Reads a model file: YAML (libyaml's document API) -> graph. The document is checked event by event first, so that depth,
 * size and aliases are limited before a tree is built. */
#include "model/graph_build.h"

#include <string.h>
#include <yaml.h>
#include "base/file.h"

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 32, MAX_EVENTS = 100000, MAX_LIST = 3, MAX_CORRUPTIONS = 8 };

typedef struct reader {
    hg_context *ctx;
    hg_graph *graph;
    yaml_document_t doc;
    bool probe; /* layers only: no loss */
    const yaml_node_t *condition; /* NULL: none */
    int height, width; /* of the input, instead of the file's; 0: the file's */
} reader;

/* ---- places and messages */

static const char *mark_place(reader *r, yaml_mark_t mark)
{
    const char *place = hg_arena_format(r->graph->arena, "%s:%zu:%zu", r->graph->file, mark.line + 1, mark.column + 1);
    return place ? place : r->graph->file;
}

static const char *place_of(reader *r, const yaml_node_t *node)
{
    return mark_place(r, node->start_mark);
}

static yaml_node_t *get(reader *r, int index)
{
    return yaml_document_get_node(&r->doc, index);
}

static const char *scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const char *kind_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? "a single value" : node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping";
}

static bool is_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (node->data.scalar.length == 0 || strcmp(scalar(node), "~") == 0 || strcmp(scalar(node), "null") == 0);
}

static bool refuse(reader *r, const yaml_node_t *node, const char *what, const char *expected)
{
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s: expected %s, found %s", place_of(r, node), what, expected, kind_of(node));
}

/* ---- before the tree: limits */

static bool yaml_failed(reader *r, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) return hg_fail_memory(r->ctx, 0);
    yaml_mark_t mark = parser->problem_mark;
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s:%zu:%zu: not valid YAML: %s%s%s", r->graph->file, mark.line + 1, mark.column + 1,
                   parser->problem ? parser->problem : "unreadable", parser->context ? ", " : "", parser->context ? parser->context : "");
}

static bool check_event(reader *r, const yaml_event_t *event, int *depth, int *count, int *documents)
{
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT) ++*depth;
    if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT) --*depth;
    if (event->type == YAML_DOCUMENT_START_EVENT) ++*documents;
    const char *place = mark_place(r, event->start_mark);
    if (*depth > MAX_DEPTH) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: nested more than %d deep; a model file needs 4", place, MAX_DEPTH);
    if (++*count > MAX_EVENTS) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: more than %d entries: this is no model file", place, MAX_EVENTS);
    if (event->type == YAML_ALIAS_EVENT) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: aliases (*name) are not supported: write the entry out", place);
    if (*documents > 1) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: a second document begins; a model file has one", place);
    return true;
}

static bool check_events(reader *r, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return hg_fail_memory(r->ctx, sizeof parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int depth = 0, count = 0, documents = 0;
    bool ok = true, end = false;
    while (ok && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            ok = yaml_failed(r, &parser);
            break;
        }
        ok = check_event(r, &event, &depth, &count, &documents);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return ok;
}

/* ---- descriptors with options */

static bool parse_choice(reader *r, const hg_descriptor *const *kinds, const char *what, const yaml_node_t *node, hg_choice *out);

static bool parse_option(reader *r, const hg_descriptor *type, void *options, int row, const yaml_node_t *value)
{
    const hg_option *option = &type->options[row];
    if (option->type == HG_OPTION_CHOICE)
        return parse_choice(r, option->kinds, option->name, value, (hg_choice *)((char *)options + option->offset));
    const char *scalars[MAX_LIST + 1];
    int n = 0;
    if (value->type == YAML_SCALAR_NODE) {
        scalars[n++] = scalar(value);
    } else if (value->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *item = value->data.sequence.items.start; item < value->data.sequence.items.top; item++) {
            const char *text = scalar(get(r, *item));
            if (!text || n == MAX_LIST) return refuse(r, get(r, *item), option->name, text ? "at most 3 numbers" : "a number");
            scalars[n++] = text;
        }
    } else {
        return refuse(r, value, option->name, "a value");
    }
    return hg_option_set(r->ctx, type, options, row, scalars, n, place_of(r, value));
}

static bool unknown_option(reader *r, const hg_descriptor *type, const char *name, const char *place)
{
    const char *names[64] = {NULL};
    int n = 0;
    hg_text known = {.ctx = r->ctx};
    for (const hg_option *o = type->options; o && o->name && n < 64; o++) {
        names[n++] = o->name;
        hg_text_add(&known, "%s%s", n > 1 ? ", " : "", o->name);
    }
    const char *nearest = hg_nearest(name, names, n);
    hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s has no option '%s'%s%s%s; it has: %s", place, type->name, name, nearest ? ", did you mean '" : "",
            nearest ? nearest : "", nearest ? "'?" : "", n ? known.data : "none");
    hg_text_free(&known);
    return false;
}

static bool parse_mapping(reader *r, const hg_descriptor *type, void *options, const yaml_node_t *map, uint64_t *given)
{
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = get(r, pair->key);
        const char *name = scalar(key);
        if (!name) return refuse(r, key, type->name, "the name of an option");
        int row = hg_option_find(type, name);
        if (row < 0) return unknown_option(r, type, name, place_of(r, key));
        if (*given >> row & 1) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: option '%s' of %s is given twice", place_of(r, key), name, type->name);
        *given |= (uint64_t)1 << row;
        if (!parse_option(r, type, options, row, get(r, pair->value))) return false;
    }
    return true;
}

/* A mapping that stands for the first option itself: `activation: {elu: {alpha: 2}}`. */
static bool is_first_option(reader *r, const hg_descriptor *type, const yaml_node_t *map)
{
    const hg_option *first = type->options;
    if (!first || !first->name || first->type != HG_OPTION_CHOICE || map->data.mapping.pairs.top - map->data.mapping.pairs.start != 1) return false;
    const char *name = scalar(get(r, map->data.mapping.pairs.start->key));
    return name && hg_option_find(type, name) < 0 && hg_descriptor_find(first->kinds, name);
}

/* Options of `type` from its value: a mapping by name, or a single value or list for the first option of the table. */
static bool parse_options(reader *r, const hg_descriptor *type, void *options, const yaml_node_t *value, const char *place)
{
    uint64_t given = 0;
    if (!hg_option_defaults(r->graph->arena, type, options)) return false;
    if (value && value->type == YAML_MAPPING_NODE && !is_first_option(r, type, value)) {
        if (!parse_mapping(r, type, options, value, &given)) return false;
    } else if (value && !is_empty(value)) {
        if (!type->options || !type->options[0].name) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s takes no options", place_of(r, value), type->name);
        given = 1;
        if (!parse_option(r, type, options, 0, value)) return false;
    }
    const hg_option *missing = hg_option_missing(type, given);
    if (missing) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s needs the option '%s': %s", place, type->name, missing->name, missing->help);
    return true;
}

/* `name` or `name: {options}`: the name and the node of the value (NULL: none). */
static bool parse_name(reader *r, const char *what, const yaml_node_t *node, const char **name, const yaml_node_t **value)
{
    *value = NULL;
    if (node->type == YAML_SCALAR_NODE && !is_empty(node)) {
        *name = scalar(node);
        return true;
    }
    if (node->type != YAML_MAPPING_NODE) return refuse(r, node, what, "`name` or `name: {options}`");
    yaml_node_pair_t *first = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
    if (end - first != 1)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s: expected one name, found %td: write `name: {options}`, with the options indented or in braces",
                       place_of(r, node), what, end - first);
    *name = scalar(get(r, first->key));
    *value = get(r, first->value);
    return *name || refuse(r, get(r, first->key), what, "a name");
}

static bool parse_named(reader *r, const hg_descriptor *const *kinds, const char *what, const char *name, const yaml_node_t *value,
                        const char *place, hg_choice *out)
{
    const hg_descriptor *type = hg_descriptor_find(kinds, name);
    if (!type) return hg_descriptor_unknown(r->ctx, kinds, what, name, place);
    void *options = hg_arena_alloc(r->graph->arena, 1, type->size ? type->size : 1);
    if (!options || !parse_options(r, type, options, value, place)) return false;
    *out = (hg_choice){type, options};
    return true;
}

static bool parse_choice(reader *r, const hg_descriptor *const *kinds, const char *what, const yaml_node_t *node, hg_choice *out)
{
    const char *name = NULL;
    const yaml_node_t *value;
    return parse_name(r, what, node, &name, &value) && parse_named(r, kinds, what, name, value, place_of(r, node), out);
}

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
    {"drop_last", "leave out an epoch's last batch where it is smaller than the others", offsetof(train_options, drop_last), HG_OPTION_BOOL, 0, 0, 1},
    {0},
};
static const hg_descriptor train_type = {"train", "how long and with what batch", train_table, sizeof(train_options)};

typedef enum file_key { KEY_NAME, KEY_INPUT, KEY_ENCODER, KEY_LATENT, KEY_DECODER, KEY_CORRUPT, KEY_LOSS, KEY_OPTIMIZER, KEY_TRAIN, KEY_INITIALIZER, KEY_CONDITION, KEYS } file_key;
static const char *const key_names[KEYS] = {"name", "input", "encoder", "latent", "decoder", "corrupt", "loss", "optimizer", "train", "initializer", "condition"};

static bool sort_keys(reader *r, const yaml_node_t *root, const yaml_node_t *values[KEYS])
{
    if (root->type != YAML_MAPPING_NODE) return refuse(r, root, "model file", "a mapping with `input`, `encoder`, `decoder` ...");
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = get(r, pair->key);
        const char *name = scalar(key);
        int k = 0;
        while (name && k < KEYS && strcmp(name, key_names[k]) != 0) k++;
        if (!name || k == KEYS) {
            const char *nearest = name ? hg_nearest(name, key_names, KEYS) : NULL;
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: unknown key '%s'%s%s%s; a model file has name, input, encoder, latent, decoder, corrupt, "
                           "loss, optimizer, train, initializer, condition", place_of(r, key), name ? name : kind_of(key), nearest ? ", did you mean '" : "",
                           nearest ? nearest : "", nearest ? "'?" : "");
        }
        if (values[k]) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: '%s' is given twice", place_of(r, key), name);
        values[k] = get(r, pair->value);
    }
    for (int k = KEY_INPUT; k <= KEY_DECODER; k++)
        if (!values[k] && k != KEY_LATENT && !(r->probe && k == KEY_DECODER))
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the key '%s' is missing", r->graph->file, key_names[k]);
    return true;
}

static bool add_condition(reader *r, hg_section section, const char *prefix, int *current)
{
    const char *name = hg_arena_format(r->graph->arena, "%s.condition", prefix);
    return name && hg_graph_condition(r->graph, section, name, place_of(r, r->condition), current);
}

/* Layers that only order numbers anew. */
static bool is_order(hg_choice layer)
{
    return strcmp(layer.type->name, "flatten") == 0 || strcmp(layer.type->name, "reshape") == 0;
}

/* With `condition` the first layer that computes something is told the label: behind a leading `flatten` as numbers, else as planes. */
static bool read_layers(reader *r, const yaml_node_t *list, hg_section section, const char *prefix, int *current)
{
    bool untold = r->condition != NULL;
    if (is_empty(list)) return true;
    if (list->type != YAML_SEQUENCE_NODE) return refuse(r, list, prefix, "a list of layers");
    int i = 0;
    for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++, i++) {
        const yaml_node_t *node = get(r, *item);
        hg_choice layer;
        if (!parse_choice(r, hg_layers, "layer", node, &layer)) return false;
        if (untold && !is_order(layer)) {
            if (!add_condition(r, section, prefix, current)) return false;
            untold = false;
        }
        const char *name = hg_arena_format(r->graph->arena, "%s.%d", prefix, i);
        if (!name || !hg_graph_chain(r->graph, (const hg_layer *)layer.type, (void *)layer.options, section, name, place_of(r, node), current))
            return false;
    }
    return !untold || section != HG_ENCODER || add_condition(r, section, prefix, current); /* the latent's heads are then the first */
}

/* `corrupt`: a name, a mapping of names to options, or a list of both; applied in the order written. */
typedef struct corruptions { hg_choice choices[MAX_CORRUPTIONS]; const char *places[MAX_CORRUPTIONS]; int n; } corruptions;

static bool add_corruption(reader *r, const yaml_node_t *at, const char *name, const yaml_node_t *value, corruptions *to)
{
    if (!name) return refuse(r, at, "corrupt", "`name` or `name: {options}`");
    if (to->n == MAX_CORRUPTIONS) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: corrupt: more than %d entries", place_of(r, at), MAX_CORRUPTIONS);
    to->places[to->n] = place_of(r, at);
    return parse_named(r, hg_corruptions, "corruption", name, value, to->places[to->n], &to->choices[to->n]) && ++to->n;
}

static bool read_corrupt(reader *r, const yaml_node_t *node, corruptions *to)
{
    if (!node || is_empty(node)) return true;
    if (node->type == YAML_SCALAR_NODE) return add_corruption(r, node, scalar(node), NULL, to);
    if (node->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
            if (!add_corruption(r, get(r, pair->key), scalar(get(r, pair->key)), get(r, pair->value), to)) return false;
        return true;
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = get(r, *item);
        if (entry->type == YAML_SEQUENCE_NODE) return refuse(r, entry, "corrupt", "`name` or `name: {options}`");
        if (!read_corrupt(r, entry, to)) return false;
    }
    return true;
}

static bool read_input(reader *r, const yaml_node_t *node, const yaml_node_t *corrupt, int *current)
{
    input_options in;
    if (!parse_options(r, &input_type, &in, node, place_of(r, node))) return false;
    hg_shape shape = {in.channels, r->height ? r->height : in.height, r->width ? r->width : in.width, false};
    if (hg_shape_count(shape) >= (size_t)1 << 31)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: input: %dx%dx%d is more than 2^31 numbers per picture", place_of(r, node), shape.c, shape.h, shape.w);
    corruptions c = {.n = 0};
    return read_corrupt(r, corrupt, &c) && hg_graph_input(r->graph, shape, c.choices, c.places, c.n, current);
}

static bool read_choice_or(reader *r, const hg_descriptor *const *kinds, file_key k, const yaml_node_t *node, const char *fallback, hg_choice *out)
{
    if (node && !is_empty(node)) return parse_choice(r, kinds, key_names[k], node, out);
    out->type = hg_descriptor_find(kinds, fallback);
    void *options = hg_arena_alloc(r->graph->arena, 1, out->type->size ? out->type->size : 1);
    out->options = options;
    return options && hg_option_defaults(r->graph->arena, out->type, options);
}

static bool read_condition(reader *r, const yaml_node_t *node)
{
    if (!node || is_empty(node)) return true;
    const hg_descriptor *type = &hg_layer_condition.head;
    void *options = hg_arena_alloc(r->graph->arena, 1, type->size);
    if (!options || !parse_options(r, type, options, node, place_of(r, node))) return false;
    r->condition = node;
    r->graph->condition = (hg_choice){type, options};
    r->graph->labels = *(int *)((char *)options + type->options[0].offset);
    return true;
}

static bool build(reader *r, const yaml_node_t *values[KEYS])
{
    hg_graph *graph = r->graph;
    int current;
    train_options train;
    const yaml_node_t *none = NULL;
    if (!read_input(r, values[KEY_INPUT], values[KEY_CORRUPT], &current)) return false;
    if (values[KEY_INITIALIZER] && !parse_choice(r, hg_initializers, "initializer", values[KEY_INITIALIZER], &graph->initializer)) return false;
    if (!read_condition(r, values[KEY_CONDITION])) return false;
    if (!read_layers(r, values[KEY_ENCODER], HG_ENCODER, "encoder", &current)) return false;
    graph->code = graph->latent = current;
    const yaml_node_t *latent = values[KEY_LATENT];
    if (latent && !is_empty(latent)) {
        hg_choice choice;
        if (!parse_choice(r, hg_latents, "latent", latent, &choice)) return false;
        if (!hg_graph_latent(graph, (const hg_layer *)choice.type, (void *)choice.options, place_of(r, latent), &current)) return false;
    }
    if (values[KEY_DECODER] && !read_layers(r, values[KEY_DECODER], HG_DECODER, "decoder", &current)) return false;
    graph->output = current;
    if (!r->probe) {
        hg_choice loss;
        if (!read_choice_or(r, hg_losses_list, KEY_LOSS, values[KEY_LOSS], "mse", &loss)) return false;
        const char *place = values[KEY_LOSS] ? place_of(r, values[KEY_LOSS]) : graph->file;
        if (!hg_graph_loss(graph, loss, place, current)) return false;
        if (graph->n_params == 0) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: the model has no layer with weights: nothing could be trained", graph->file);
    }
    if (!read_choice_or(r, hg_optimizers, KEY_OPTIMIZER, values[KEY_OPTIMIZER], "adam", &graph->optimizer)) return false;
    if (!parse_options(r, &train_type, &train, values[KEY_TRAIN] ? values[KEY_TRAIN] : none, graph->file)) return false;
    graph->batch = train.batch;
    graph->epochs = train.epochs;
    graph->drop_last = train.drop_last;
    return hg_graph_place_params(graph);
}

static bool read_name(reader *r, const yaml_node_t *node)
{
    hg_graph *graph = r->graph;
    if (node) {
        if (!scalar(node) || !*scalar(node)) return refuse(r, node, "name", "a text");
        graph->name = hg_arena_text(graph->arena, scalar(node));
    } else { /* the file's name without folder and ending */
        const char *slash = strrchr(graph->file, '/');
        char *name = hg_arena_text(graph->arena, slash ? slash + 1 : graph->file);
        if (name && strrchr(name, '.') > name) *strrchr(name, '.') = 0;
        graph->name = name;
    }
    return graph->name != NULL;
}

static bool read_document(reader *r, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return hg_fail_memory(r->ctx, sizeof parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool loaded = yaml_parser_load(&parser, &r->doc);
    bool ok = loaded || yaml_failed(r, &parser);
    yaml_parser_delete(&parser);
    if (!ok) return false;
    const yaml_node_t *root = yaml_document_get_root_node(&r->doc), *values[KEYS] = {0};
    if (!root) ok = hg_fail(r->ctx, HG_BAD_INPUT, "%s: the file is empty", r->graph->file);
    else ok = sort_keys(r, root, values) && read_name(r, values[KEY_NAME]) && build(r, values);
    yaml_document_delete(&r->doc);
    return ok;
}

static hg_graph *parse(hg_context *ctx, const char *name, const char *text, size_t length, reader r)
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
    *graph = (hg_graph){.ctx = ctx, .arena = arena, .text = copy, .file = hg_arena_text(arena, name), .loss = -1};
    r.ctx = ctx;
    r.graph = graph;
    if (!graph->file || !check_events(&r, text, length) || !read_document(&r, text, length)) goto fail;
    return graph;
fail:
    hg_arena_destroy(arena);
    return NULL;
}

hg_graph *hg_graph_parse_layers(hg_context *ctx, const char *name, const char *text, size_t length)
{
    return parse(ctx, name, text, length, (reader){.probe = true});
}

hg_model *hg_model_parse(hg_context *ctx, const char *name, const char *text, size_t length)
{
    return parse(ctx, name, text, length, (reader){.probe = false});
}

hg_model *hg_graph_parse_sized(hg_context *ctx, const char *name, const char *text, size_t length, int height, int width)
{
    return parse(ctx, name, text, length, (reader){.height = height, .width = width});
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
