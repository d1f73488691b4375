#include "model/graph.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "model/graph_build.h"

size_t hg_shape_count(hg_shape shape)
{
    return hg_mul(hg_mul((size_t)shape.c, (size_t)shape.h), (size_t)shape.w);
}

const char *hg_shape_text(hg_shape shape, char buf[48])
{
    if (shape.flat) snprintf(buf, 48, "%d", shape.c);
    else snprintf(buf, 48, "%dx%dx%d", shape.c, shape.h, shape.w);
    return buf;
}

/* Appends to a growing array of pointers that lives in the arena: doubling keeps the waste below the array itself. */
static bool append(hg_arena *arena, void *items, int *count, void *item)
{
    void **list;
    memcpy(&list, items, sizeof list);
    if ((*count & (*count - 1)) == 0) { /* full at 0, 1, 2, 4, ... */
        void **grown = hg_arena_alloc(arena, *count ? (size_t)*count * 2 : 1, sizeof *grown);
        if (!grown) return false;
        if (*count) memcpy(grown, list, (size_t)*count * sizeof *grown);
        list = grown;
        memcpy(items, &list, sizeof list);
    }
    list[(*count)++] = item;
    return true;
}

int hg_graph_tensor(hg_graph *graph, const char *name, hg_shape shape, int producer)
{
    hg_tensor *tensor = hg_arena_alloc(graph->arena, 1, sizeof *tensor);
    if (!tensor || !append(graph->arena, &graph->tensors, &graph->n_tensors, tensor)) return -1;
    *tensor = (hg_tensor){.name = name, .shape = shape, .producer = producer};
    return graph->n_tensors - 1;
}

hg_node *hg_graph_sharing_node(hg_graph *graph, const hg_layer *layer, const void *options, hg_section section, const char *name,
                               const char *place, const hg_node *shares, const int *in, int n_in)
{
    hg_node *node = hg_arena_alloc(graph->arena, 1, sizeof *node);
    if (!node || !append(graph->arena, &graph->nodes, &graph->n_nodes, node)) return NULL;
    *node = (hg_node){.layer = layer, .options = options, .name = name, .place = place, .section = section,
                      .index = graph->n_nodes - 1, .shares = shares, .n_in = n_in};
    if (n_in) memcpy(node->in, in, (size_t)n_in * sizeof *in);
    return layer->build && !layer->build(graph, node) ? NULL : node;
}

hg_node *hg_graph_node(hg_graph *graph, const hg_layer *layer, const void *options, hg_section section, const char *name,
                       const char *place, const int *in, int n_in)
{
    return hg_graph_sharing_node(graph, layer, options, section, name, place, NULL, in, n_in);
}

const hg_node *hg_graph_find(const hg_graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i]->name, name) == 0) return graph->nodes[i];
    return NULL;
}

const hg_tensor *hg_node_input(const hg_graph *graph, const hg_node *node, int i)
{
    return graph->tensors[node->in[i]];
}

hg_shape hg_tensor_order(const hg_tensor *tensor) { return tensor->picture.c ? tensor->picture : tensor->shape; }

bool hg_graph_is_outside(const hg_graph *graph, int tensor)
{
    const int outside[] = {graph->input, graph->target, graph->code, graph->latent, graph->output};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (tensor == outside[i]) return true;
    return false;
}

const hg_node *hg_graph_only_reader(const hg_graph *graph, int tensor)
{
    const hg_node *reader = NULL;
    if (hg_graph_is_outside(graph, tensor)) return NULL;
    for (int n = 0; n < graph->n_nodes; n++)
        for (int k = 0; k < graph->nodes[n]->n_in; k++) {
            if (graph->nodes[n]->in[k] != tensor) continue;
            if (reader) return NULL;
            reader = graph->nodes[n];
        }
    return reader;
}

/* Sizes beyond this are a mistake in the model file: a picture of 2^31 numbers does not fit an int index. */
static const size_t MAX_NUMBERS = (size_t)1 << 31;

bool hg_node_output(hg_graph *graph, hg_node *node, hg_shape shape)
{
    if (shape.c < 1 || shape.h < 1 || shape.w < 1)
        return hg_node_fail(graph, node, "the output would have no pixels (%dx%dx%d)", shape.c, shape.h, shape.w);
    if (hg_shape_count(shape) >= MAX_NUMBERS)
        return hg_node_fail(graph, node, "the output would have %dx%dx%d numbers per example: too many, make the layer smaller",
                            shape.c, shape.h, shape.w);
    int tensor = hg_graph_tensor(graph, node->name, shape, node->index);
    if (tensor < 0) return false;
    node->out[node->n_out++] = tensor;
    return true;
}

/* The parameter at the same place of the node that this one shares with. */
static bool share_param(hg_graph *graph, hg_node *node, const char *name, int rank, const int *shape)
{
    const hg_node *from = node->shares;
    const hg_param *param = node->n_params < from->n_params ? graph->params[from->params[node->n_params]] : NULL;
    bool same = param && param->rank == rank;
    for (int i = 0; same && i < rank; i++) same = param->shape[i] == shape[i];
    if (!same)
        return hg_node_fail(graph, node,
                            "cannot share the weights of %s: its `%s` is %s: only a layer that reads and gives as many numbers can",
                            from->name, name, param ? "of another shape" : "missing");
    node->params[node->n_params] = from->params[node->n_params];
    node->n_params++;
    return true;
}

bool hg_node_param(hg_graph *graph, hg_node *node, const char *name, int rank, const int *shape, const int *order,
                   hg_choice init, double constant, int64_t fan_in, int64_t fan_out, bool trainable)
{
    if (node->shares) return share_param(graph, node, name, rank, shape);
    hg_param *param = hg_arena_alloc(graph->arena, 1, sizeof *param);
    if (!param) return false;
    *param = (hg_param){.section = node->section, .rank = rank, .axes = rank, .init = init, .constant = constant, .fan_in = fan_in,
                        .fan_out = fan_out, .trainable = trainable, .count = 1};
    param->name = hg_arena_format(graph->arena, "%s.%s", node->name, name);
    for (int i = 0; i < rank; i++) {
        param->shape[i] = param->size[i] = shape[i];
        param->order[i] = order[i];
        param->count = hg_mul(param->count, (size_t)shape[i]);
    }
    if (param->count >= MAX_NUMBERS)
        return hg_node_fail(graph, node, "its parameter `%s` would have more than 2^31 numbers: make the layer smaller", name);
    if (!param->name || !append(graph->arena, &graph->params, &graph->n_params, param)) return false;
    node->params[node->n_params++] = graph->n_params - 1;
    return true;
}

bool hg_node_fail(hg_graph *graph, const hg_node *node, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return hg_fail(graph->ctx, HG_BAD_INPUT, "%s: %s (%s): %s", node->place, node->name, node->layer->head.name, text);
}

void *hg_node_state(hg_graph *graph, hg_node *node, size_t size)
{
    return node->state = hg_arena_alloc(graph->arena, 1, size);
}

/* ---- public questions */

const char *hg_model_name(const hg_model *model) { return model->name; }
const char *hg_model_text(const hg_model *model) { return model->text; }
const char *hg_model_loss(const hg_model *model) { return model->nodes[model->loss]->layer->head.name; }
int hg_model_batch(const hg_model *model) { return model->batch; }
int hg_model_epochs(const hg_model *model) { return model->epochs; }
int64_t hg_model_steps(const hg_model *model, int64_t examples, int batch)
{
    return (examples + (model->drop_last ? 0 : batch - 1)) / batch;
}
bool hg_model_is_corrupted(const hg_model *model) { return model->target != model->input; }
int hg_model_labels(const hg_model *model) { return model->labels; }
bool hg_model_is_variational(const hg_model *model) { return model->latent != model->code; }
bool hg_model_is_adversarial(const hg_model *model) { return model->judged[HG_JUDGED_CODE] >= 0; }

double hg_model_prior(const hg_model *model)
{
    return hg_model_is_adversarial(model) ? model->prior.std : hg_model_is_variational(model) ? 1 : 0;
}

static void shape_out(hg_shape shape, int *c, int *h, int *w)
{
    *c = shape.c, *h = shape.h, *w = shape.w;
}

void hg_model_input(const hg_model *model, int *c, int *h, int *w) { shape_out(model->tensors[model->input]->shape, c, h, w); }
void hg_model_target(const hg_model *model, int *c, int *h, int *w) { shape_out(model->tensors[model->target]->shape, c, h, w); }
void hg_model_output(const hg_model *model, int *c, int *h, int *w) { shape_out(model->tensors[model->target]->shape, c, h, w); }
void hg_model_code(const hg_model *model, int *c, int *h, int *w) { shape_out(model->tensors[model->code]->shape, c, h, w); }

int64_t hg_model_parameters(const hg_model *model)
{
    int64_t sum = 0;
    for (int i = 0; i < model->n_params; i++)
        if (model->params[i]->trainable) sum += (int64_t)model->params[i]->count;
    return sum;
}

bool hg_model_layer(const hg_model *model, int i, hg_layer_row *row)
{
    if (i < 0 || i >= model->n_nodes) return false;
    const hg_node *node = model->nodes[i];
    *row = (hg_layer_row){.name = node->name, .layer = node->layer->head.name};
    if (node->n_in) shape_out(model->tensors[node->in[0]]->shape, &row->in[0], &row->in[1], &row->in[2]);
    if (node->n_out) shape_out(model->tensors[node->out[0]]->shape, &row->out[0], &row->out[1], &row->out[2]);
    for (int k = 0; k < node->n_params && !node->shares; k++)
        if (model->params[node->params[k]]->trainable) row->parameters += (int64_t)model->params[node->params[k]]->count;
    return true;
}

void hg_model_destroy(hg_model *model)
{
    if (!model) return;
    hg_arena *arena = model->arena; /* holds the model itself */
    hg_arena_destroy(arena);
}
