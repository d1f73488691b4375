/* Reading YAML by tables of options: what the readers of a model file's keys (model_file.c) and of its phases (phase_file.c) share.
 * Functions that fail record HG_BAD_INPUT with the place. */
#ifndef HG_MODEL_YAML_READER_H
#define HG_MODEL_YAML_READER_H

#include <yaml.h>
#include "model/graph_build.h"

typedef struct hg_yaml {
    hg_context *ctx;
    hg_graph *graph;      /* its file's name is in messages, its arena holds what is read */
    yaml_document_t doc;
    bool probe;           /* layers only: no loss */
    const yaml_node_t *condition; /* NULL: none */
    int height, width;    /* of the input, instead of the file's; 0: the file's */
} hg_yaml;

/* Is the text one YAML document that is neither too deep nor too large, without aliases? To be asked before a tree is built. */
bool hg_yaml_check(hg_yaml *r, const char *text, size_t length);
/* The parser's failure as a message; false. */
bool hg_yaml_failed(hg_yaml *r, const yaml_parser_t *parser);

const char *hg_yaml_place(hg_yaml *r, const yaml_node_t *node); /* "file:line:column" */
yaml_node_t *hg_yaml_get(hg_yaml *r, int index);
const char *hg_yaml_scalar(const yaml_node_t *node);            /* its text; NULL if it is a list or a mapping */
bool hg_yaml_is_empty(const yaml_node_t *node);                 /* nothing, ~ or null */
/* "PLACE: WHAT: expected EXPECTED, found a list"; false. */
bool hg_yaml_refuse(hg_yaml *r, const yaml_node_t *node, const char *what, const char *expected);

/* A mapping with keys out of names[n], each at most once: values[i] is that of names[i], left alone where it is absent. `what` is the
 * mapping's name in messages ("a model file"). */
bool hg_yaml_keys(hg_yaml *r, const yaml_node_t *map, const char *what, const char *const *names, int n, const yaml_node_t **values);

/* Options of `type` from its value (NULL: none): a mapping by name, or a single value or list for the first option of the table. */
bool hg_yaml_options(hg_yaml *r, const hg_descriptor *type, void *options, const yaml_node_t *value, const char *place);
/* `name` or `name: {options}`: the name and the node of the value (NULL: none). */
bool hg_yaml_name(hg_yaml *r, const char *what, const yaml_node_t *node, const char **name, const yaml_node_t **value);
/* The descriptor of that name with options from `value`; and the same where both stand in one node. */
bool hg_yaml_named(hg_yaml *r, const hg_descriptor *const *kinds, const char *what, const char *name, const yaml_node_t *value,
                   const char *place, hg_choice *out);
bool hg_yaml_choice(hg_yaml *r, const hg_descriptor *const *kinds, const char *what, const yaml_node_t *node, hg_choice *out);

#endif
