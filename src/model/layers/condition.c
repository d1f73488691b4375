/* What the key `condition` stands for: the label of each example, one-hot, behind the channels: C numbers become C + N, pictures get
 * N constant planes. A node in front of the encoder and one in front of the decoder. */
#include "model/ranges.h"

typedef struct condition_options { int labels; } condition_options;
static const hg_option table[] = {
    {"labels", "how many classes the data has; labels are 0 and on",
     offsetof(condition_options, labels), HG_OPTION_INT, __builtin_nan(""), 1, 4096},
    {0},
};

static bool build(hg_graph *graph, hg_node *node)
{
    hg_shape shape = hg_node_input(graph, node, 0)->shape;
    const int labels = ((const condition_options *)node->options)->labels;
    if (shape.c > INT32_MAX - labels) return hg_node_fail(graph, node, "%d numbers and %d labels are too many", shape.c, labels);
    shape.c += labels;
    return hg_node_output(graph, node, shape);
}

/* The range is over all examples' pixels, and the channels of x. */
static void emit(hg_plan *plan, const hg_node *node, hg_launch *launch, bool all)
{
    const hg_shape in = hg_plan_tensor(plan, node->in[0])->shape;
    const int labels = ((const condition_options *)node->options)->labels, pixels = in.h * in.w;
    const size_t rows = hg_mul((size_t)hg_plan_batch(plan), (size_t)pixels);
    hg_emit_define(plan, launch, "LABELS", labels);
    hg_emit_int(plan, launch, (int64_t)rows);
    if (all) hg_emit_int(plan, launch, pixels);
    hg_emit_int(plan, launch, in.c);
    hg_emit_pixels(plan, launch, rows, 1, in.c);
    hg_emit_cost(plan, launch, 0, 4 * (double)rows * (all ? 2.0 * in.c + labels : 2.0 * in.c));
}

static void forward(hg_plan *plan, const hg_node *node)
{
    hg_launch *launch = hg_emit(plan, node, "forward", "condition", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_labels(plan));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    emit(plan, node, launch, true);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    if (!hg_plan_wants_grad(plan, node->in[0])) return;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "condition", "backward");
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_dx(plan, launch, node->in[0]);
    emit(plan, node, launch, false);
}

const hg_layer hg_layer_condition = {
    {"condition", "the encoder and the decoder are told each example's label", table, sizeof(condition_options)},
    build, forward, backward, HG_HALVES_EACH};
