/* YAML -> descriptors with their options. The document is checked event by event first, so that depth, size and aliases are limited
 * before a tree is built. */
#include "model/yaml_reader.h"

#include <string.h>

enum { MAX_DEPTH = 32, MAX_EVENTS = 100000, MAX_LIST = 3 };

/* ---- places and messages */

static const char *mark_place(hg_yaml *r, yaml_mark_t mark)
{
    const char *place = hg_arena_format(r->graph->arena, "%s:%zu:%zu", r->graph->file, mark.line + 1, mark.column + 1);
    return place ? place : r->graph->file;
}

const char *hg_yaml_place(hg_yaml *r, const yaml_node_t *node)
{
    return mark_place(r, node->start_mark);
}

yaml_node_t *hg_yaml_get(hg_yaml *r, int index)
{
    return yaml_document_get_node(&r->doc, index);
}

const char *hg_yaml_scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const char *kind_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? "a single value" : node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping";
}

bool hg_yaml_is_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (node->data.scalar.length == 0 || strcmp(hg_yaml_scalar(node), "~") == 0 || strcmp(hg_yaml_scalar(node), "null") == 0);
}

bool hg_yaml_refuse(hg_yaml *r, const yaml_node_t *node, const char *what, const char *expected)
{
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s: expected %s, found %s", hg_yaml_place(r, node), what, expected, kind_of(node));
}

/* ---- before the tree: limits */

bool hg_yaml_failed(hg_yaml *r, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) return hg_fail_memory(r->ctx, 0);
    yaml_mark_t mark = parser->problem_mark;
    return hg_fail(r->ctx, HG_BAD_INPUT, "%s:%zu:%zu: not valid YAML: %s%s%s", r->graph->file, mark.line + 1, mark.column + 1,
                   parser->problem ? parser->problem : "unreadable", parser->context ? ", " : "", parser->context ? parser->context : "");
}

static bool check_event(hg_yaml *r, const yaml_event_t *event, int *depth, int *count, int *documents)
{
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT) ++*depth;
    if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT) --*depth;
    if (event->type == YAML_DOCUMENT_START_EVENT) ++*documents;
    const char *place = mark_place(r, event->start_mark);
    if (*depth > MAX_DEPTH) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: nested more than %d deep; a model file needs 4", place, MAX_DEPTH);
    if (++*count > MAX_EVENTS) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: more than %d entries: this is no model file", place, MAX_EVENTS);
    if (event->type == YAML_ALIAS_EVENT)
        return hg_fail(r->ctx, HG_BAD_INPUT, "%s: aliases (*name) are not supported: write the entry out", place);
    if (*documents > 1) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: a second document begins; a model file has one", place);
    return true;
}

bool hg_yaml_check(hg_yaml *r, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return hg_fail_memory(r->ctx, sizeof parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int depth = 0, count = 0, documents = 0;
    bool ok = true, end = false;
    while (ok && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            ok = hg_yaml_failed(r, &parser);
            break;
        }
        ok = check_event(r, &event, &depth, &count, &documents);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return ok;
}

/* ---- mappings */

static bool unknown_key(hg_yaml *r, const yaml_node_t *key, const char *what, const char *const *names, int n)
{
    const char *name = hg_yaml_scalar(key), *nearest = name ? hg_nearest(name, names, n) : NULL;
    hg_text known = {.ctx = r->ctx};
    for (int i = 0; i < n; i++) hg_text_add(&known, "%s%s", i ? ", " : "", names[i]);
    hg_fail(r->ctx, HG_BAD_INPUT, "%s: unknown key '%s'%s%s%s; %s has %s", hg_yaml_place(r, key), name ? name : kind_of(key),
            nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", what, known.data ? known.data : "");
    hg_text_free(&known);
    return false;
}

bool hg_yaml_keys(hg_yaml *r, const yaml_node_t *map, const char *what, const char *const *names, int n, const yaml_node_t **values)
{
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = hg_yaml_get(r, pair->key);
        const char *name = hg_yaml_scalar(key);
        int k = 0;
        while (name && k < n && strcmp(name, names[k]) != 0) k++;
        if (!name || k == n) return unknown_key(r, key, what, names, n);
        if (values[k]) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: '%s' is given twice", hg_yaml_place(r, key), name);
        values[k] = hg_yaml_get(r, pair->value);
    }
    return true;
}

/* ---- descriptors with options */

static bool parse_option(hg_yaml *r, const hg_descriptor *type, void *options, int row, const yaml_node_t *value)
{
    const hg_option *option = &type->options[row];
    if (option->type == HG_OPTION_CHOICE)
        return hg_yaml_choice(r, option->kinds, option->name, value, (hg_choice *)((char *)options + option->offset));
    const char *scalars[MAX_LIST + 1];
    int n = 0;
    if (value->type == YAML_SCALAR_NODE) {
        scalars[n++] = hg_yaml_scalar(value);
    } else if (value->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *item = value->data.sequence.items.start; item < value->data.sequence.items.top; item++) {
            const yaml_node_t *entry = hg_yaml_get(r, *item);
            const char *text = hg_yaml_scalar(entry);
            if (!text || n == MAX_LIST) return hg_yaml_refuse(r, entry, option->name, text ? "at most 3 numbers" : "a number");
            scalars[n++] = text;
        }
    } else {
        return hg_yaml_refuse(r, value, option->name, "a value");
    }
    return hg_option_set(r->ctx, type, options, row, scalars, n, hg_yaml_place(r, value));
}

static bool unknown_option(hg_yaml *r, const hg_descriptor *type, const char *name, const char *place)
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

static bool parse_mapping(hg_yaml *r, const hg_descriptor *type, void *options, const yaml_node_t *map, uint64_t *given)
{
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = hg_yaml_get(r, pair->key);
        const char *name = hg_yaml_scalar(key);
        if (!name) return hg_yaml_refuse(r, key, type->name, "the name of an option");
        int row = hg_option_find(type, name);
        if (row < 0) return unknown_option(r, type, name, hg_yaml_place(r, key));
        if (*given >> row & 1)
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: option '%s' of %s is given twice", hg_yaml_place(r, key), name, type->name);
        *given |= (uint64_t)1 << row;
        if (!parse_option(r, type, options, row, hg_yaml_get(r, pair->value))) return false;
    }
    return true;
}

/* A mapping that stands for the first option itself: `activation: {elu: {alpha: 2}}`. */
static bool is_first_option(hg_yaml *r, const hg_descriptor *type, const yaml_node_t *map)
{
    const hg_option *first = type->options;
    const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    if (!first || !first->name || first->type != HG_OPTION_CHOICE || map->data.mapping.pairs.top - pair != 1) return false;
    const char *name = hg_yaml_scalar(hg_yaml_get(r, pair->key));
    return name && hg_option_find(type, name) < 0 && hg_descriptor_find(first->kinds, name);
}

bool hg_yaml_options(hg_yaml *r, const hg_descriptor *type, void *options, const yaml_node_t *value, const char *place)
{
    uint64_t given = 0;
    if (!hg_option_defaults(r->graph->arena, type, options)) return false;
    if (value && value->type == YAML_MAPPING_NODE && !is_first_option(r, type, value)) {
        if (!parse_mapping(r, type, options, value, &given)) return false;
    } else if (value && !hg_yaml_is_empty(value)) {
        if (!type->options || !type->options[0].name)
            return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s takes no options", hg_yaml_place(r, value), type->name);
        given = 1;
        if (!parse_option(r, type, options, 0, value)) return false;
    }
    const hg_option *missing = hg_option_missing(type, given);
    if (missing) return hg_fail(r->ctx, HG_BAD_INPUT, "%s: %s needs the option '%s': %s", place, type->name, missing->name, missing->help);
    return true;
}

bool hg_yaml_name(hg_yaml *r, const char *what, const yaml_node_t *node, const char **name, const yaml_node_t **value)
{
    *value = NULL;
    if (node->type == YAML_SCALAR_NODE && !hg_yaml_is_empty(node)) {
        *name = hg_yaml_scalar(node);
        return true;
    }
    if (node->type != YAML_MAPPING_NODE) return hg_yaml_refuse(r, node, what, "`name` or `name: {options}`");
    yaml_node_pair_t *first = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
    if (end - first != 1)
        return hg_fail(r->ctx, HG_BAD_INPUT,
                       "%s: %s: expected one name, found %td: write `name: {options}`, with the options indented or in braces",
                       hg_yaml_place(r, node), what, end - first);
    *name = hg_yaml_scalar(hg_yaml_get(r, first->key));
    *value = hg_yaml_get(r, first->value);
    return *name || hg_yaml_refuse(r, hg_yaml_get(r, first->key), what, "a name");
}

bool hg_yaml_named(hg_yaml *r, const hg_descriptor *const *kinds, const char *what, const char *name, const yaml_node_t *value,
                        const char *place, hg_choice *out)
{
    const hg_descriptor *type = hg_descriptor_find(kinds, name);
    if (!type) return hg_descriptor_unknown(r->ctx, kinds, what, name, place);
    void *options = hg_arena_alloc(r->graph->arena, 1, type->size ? type->size : 1);
    if (!options || !hg_yaml_options(r, type, options, value, place)) return false;
    *out = (hg_choice){type, options};
    return true;
}

bool hg_yaml_choice(hg_yaml *r, const hg_descriptor *const *kinds, const char *what, const yaml_node_t *node, hg_choice *out)
{
    const char *name = NULL;
    const yaml_node_t *value;
    return hg_yaml_name(r, what, node, &name, &value) && hg_yaml_named(r, kinds, what, name, value, hg_yaml_place(r, node), out);
}
