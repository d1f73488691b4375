/* Orders. Pictures lie as [H, W, C] and flat tensors in PyTorch's order, [C, H, W]: `flatten` and `reshape` would have to turn them. Where
 * only dense layers look at a flat tensor it may as well lie as the picture, if their weights lie so too: then nothing is turned but
 * weights, and these only on their way from and to files. */
#include "model/graph_build.h"

extern const hg_layer hg_layer_dense, hg_layer_flatten, hg_layer_reshape;

static bool is_turned(hg_shape flat, hg_shape picture)
{
    return flat.flat && !picture.flat && picture.c > 1 && picture.h * picture.w > 1;
}

/* A dense layer whose weights are its own alone. */
static bool is_single_dense(const hg_graph *graph, const hg_node *node)
{
    if (node->layer != &hg_layer_dense || node->shares) return false;
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i]->shares == node) return false;
    return true;
}

/* Axis k, of C * H * W numbers, is three axes from now on, stored as [H, W, C]. */
static void split(hg_param *param, int k, hg_shape picture)
{
    int order[HG_MAX_AXES], n = 0;
    for (int i = 0; i < param->axes; i++) {
        const int axis = param->order[i];
        if (axis == k) order[n++] = k + 1, order[n++] = k + 2, order[n++] = k;
        else order[n++] = axis > k ? axis + 2 : axis;
    }
    for (int i = param->axes - 1; i > k; i--) param->size[i + 2] = param->size[i];
    param->size[k] = picture.c, param->size[k + 1] = picture.h, param->size[k + 2] = picture.w;
    param->axes = n;
    for (int i = 0; i < n; i++) param->order[i] = order[i];
}

/* What `flatten` made of the picture: if all that read it are dense layers, their weights [units, inputs] get the picture's order. */
static void order_readers(hg_graph *graph, int flat, hg_shape picture)
{
    if (hg_graph_is_outside(graph, flat)) return;
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i]->n_in; k++)
            if (graph->nodes[i]->in[k] == flat && !is_single_dense(graph, graph->nodes[i])) return;
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i]->n_in && graph->nodes[i]->in[0] == flat) split(graph->params[graph->nodes[i]->params[0]], 1, picture);
    graph->tensors[flat]->picture = picture;
}

/* What `reshape` makes the picture from: if a dense layer made it for nobody else, its weights and biases get the picture's order. */
static void order_producer(hg_graph *graph, int flat, hg_shape picture)
{
    const int producer = graph->tensors[flat]->producer;
    if (producer < 0 || !is_single_dense(graph, graph->nodes[producer]) || !hg_graph_only_reader(graph, flat)) return;
    for (int k = 0; k < graph->nodes[producer]->n_params; k++) split(graph->params[graph->nodes[producer]->params[k]], 0, picture);
    graph->tensors[flat]->picture = picture;
}

void hg_graph_order(hg_graph *graph)
{
    for (int i = 0; i < graph->n_nodes; i++) {
        const hg_node *node = graph->nodes[i];
        if (node->layer != &hg_layer_flatten && node->layer != &hg_layer_reshape) continue;
        const hg_shape in = graph->tensors[node->in[0]]->shape, out = graph->tensors[node->out[0]]->shape;
        if (is_turned(out, in)) order_readers(graph, node->out[0], in);
        else if (is_turned(in, out)) order_producer(graph, node->in[0], out);
    }
}
