/* Batch normalisation: cl/batch_norm.cl has the formulas. The running statistics are parameters that do not train. One value per
 * channel in a training batch has variance 0 and gives y = bias (PyTorch refuses it; here the last, smaller batch of an epoch may
 * be a single example). */
#include "model/ranges.h"

typedef struct norm_options { double momentum, epsilon; bool affine; hg_choice activation; double activity_l1; } norm_options;

static const hg_option table[] = {
    {"momentum", "share of a batch in the running statistics", offsetof(norm_options, momentum), HG_OPTION_FLOAT, 0.1, 0, 1},
    {"epsilon", "added to the variance", offsetof(norm_options, epsilon), HG_OPTION_FLOAT, 1e-5, 0, 1},
    {"affine", "scale and shift by a weight and a bias per channel", offsetof(norm_options, affine), HG_OPTION_BOOL, 1, 0, 1},
    HG_OPTION_ACTIVATION(norm_options),
    HG_OPTION_ACTIVITY_L1(norm_options),
    {0},
};

enum { RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS }; /* the last two where it is affine */

static bool is_affine(const hg_node *node) { return ((const norm_options *)node->options)->affine; }

static bool build(hg_graph *graph, hg_node *node)
{
    static const struct { const char *name; double start; bool trains; } params[] = {
        {"running_mean", 0, false}, {"running_var", 1, false}, {"weight", 1, true}, {"bias", 0, true}};
    const int order[1] = {0}, count = is_affine(node) ? 4 : 2;
    hg_shape in = hg_node_input(graph, node, 0)->shape;
    if (!hg_node_output(graph, node, in)) return false;
    for (int i = 0; i < count; i++)
        if (!hg_node_param(graph, node, params[i].name, 1, &in.c, order, (hg_choice){0}, params[i].start, in.c, in.c,
                           params[i].trains))
            return false;
    return true;
}

typedef struct sizes { size_t pixels; int channels; hg_split split; double bytes; } sizes;

static sizes sizes_of(const hg_plan *plan, const hg_node *node)
{
    const hg_shape in = hg_plan_tensor(plan, node->in[0])->shape;
    const size_t pixels = hg_mul(hg_mul((size_t)in.h, (size_t)in.w), (size_t)hg_plan_batch(plan));
    return (sizes){pixels, in.c, hg_split_rows(plan, pixels, in.c), (double)pixels * in.c * sizeof(float)};
}

/* Bytes of `rows` numbers for each channel. */
static size_t per_channel(const sizes *s, int rows)
{
    return hg_mul(hg_mul((size_t)s->channels, (size_t)rows), sizeof(float));
}

/* Mean and 1 / sqrt(var + epsilon), from the forward to the backward pass. */
static hg_block stats_of(hg_plan *plan, const hg_node *node, const sizes *s)
{
    return hg_plan_note(plan, node, per_channel(s, 2));
}

static void emit_sizes(hg_plan *plan, hg_launch *launch, const sizes *s)
{
    hg_emit_int(plan, launch, (int64_t)s->pixels);
    hg_emit_int(plan, launch, s->channels);
}

static void batch_statistics(hg_plan *plan, const hg_node *node, const sizes *s)
{
    const norm_options *o = node->options;
    const hg_block partials = hg_plan_scratch(plan, per_channel(s, 2 * s->split.count));
    hg_launch *launch = hg_emit(plan, node, "statistics", "batch_norm", "statistics");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, partials);
    emit_sizes(plan, launch, s);
    hg_emit_int(plan, launch, s->split.rows);
    hg_emit_split(plan, launch, s->split, s->channels);
    hg_emit_cost(plan, launch, s->bytes, s->bytes);

    launch = hg_emit(plan, node, "statistics joined", "batch_norm", "statistics_join");
    hg_emit_read(plan, launch, partials);
    hg_emit_write(plan, launch, stats_of(plan, node, s));
    hg_emit_update(plan, launch, hg_plan_param(plan, node, RUNNING_MEAN));
    hg_emit_update(plan, launch, hg_plan_param(plan, node, RUNNING_VAR));
    emit_sizes(plan, launch, s);
    hg_emit_int(plan, launch, s->split.rows);
    hg_emit_int(plan, launch, s->split.count);
    hg_emit_float(plan, launch, o->momentum);
    hg_emit_float(plan, launch, o->epsilon);
    hg_emit_channels(plan, launch, s->channels);
    hg_emit_cost(plan, launch, 8.0 * s->split.count * s->channels, 8.0 * s->split.count * s->channels);
}

static void running_statistics(hg_plan *plan, const hg_node *node, const sizes *s)
{
    hg_launch *launch = hg_emit(plan, node, "running statistics", "batch_norm", "statistics_running");
    hg_emit_read(plan, launch, hg_plan_param(plan, node, RUNNING_MEAN));
    hg_emit_read(plan, launch, hg_plan_param(plan, node, RUNNING_VAR));
    hg_emit_write(plan, launch, stats_of(plan, node, s));
    hg_emit_int(plan, launch, s->channels);
    hg_emit_float(plan, launch, ((const norm_options *)node->options)->epsilon);
    hg_emit_channels(plan, launch, s->channels);
    hg_emit_cost(plan, launch, 3.0 * s->channels, 16.0 * s->channels);
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const sizes s = sizes_of(plan, node);
    if (hg_plan_is_training(plan)) batch_statistics(plan, node, &s);
    else running_statistics(plan, node, &s);
    hg_launch *launch = hg_emit(plan, node, "forward", "batch_norm", "forward");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, stats_of(plan, node, &s));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    emit_sizes(plan, launch, &s);
    hg_emit_define(plan, launch, "AFFINE", is_affine(node));
    if (is_affine(node)) {
        hg_emit_read(plan, launch, hg_plan_param(plan, node, WEIGHT));
        hg_emit_read(plan, launch, hg_plan_param(plan, node, BIAS));
    }
    hg_emit_act(plan, launch, node->out[0]);
    hg_emit_pixels(plan, launch, s.pixels, 1, s.channels);
    hg_emit_cost(plan, launch, s.bytes, 2.0 * s.bytes);
}

static void weight_gradients(hg_plan *plan, const hg_node *node, const sizes *s, hg_block means)
{
    const hg_block partials = hg_plan_scratch(plan, per_channel(s, 2 * s->split.count));
    hg_launch *launch = hg_emit(plan, node, "gradient sums", "batch_norm", "gradient_sums");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, stats_of(plan, node, s));
    hg_emit_write(plan, launch, partials);
    emit_sizes(plan, launch, s);
    hg_emit_int(plan, launch, s->split.rows);
    hg_emit_split(plan, launch, s->split, s->channels);
    hg_emit_cost(plan, launch, 1.25 * s->bytes, 2.0 * s->bytes);

    launch = hg_emit(plan, node, "weight gradient", "batch_norm", "gradient_join");
    hg_emit_read(plan, launch, partials);
    hg_emit_write(plan, launch, means);
    emit_sizes(plan, launch, s);
    hg_emit_int(plan, launch, s->split.count);
    hg_emit_define(plan, launch, "AFFINE", is_affine(node));
    if (is_affine(node)) {
        hg_emit_dw(plan, launch, node, WEIGHT, "DW");
        hg_emit_dw(plan, launch, node, BIAS, "DB");
    }
    hg_emit_channels(plan, launch, s->channels);
    hg_emit_cost(plan, launch, 2.0 * s->split.count * s->channels, 8.0 * s->split.count * s->channels);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    const sizes s = sizes_of(plan, node);
    const hg_block means = hg_plan_scratch(plan, per_channel(&s, 2)); /* of dy and dy xhat */
    weight_gradients(plan, node, &s, means);
    if (!hg_plan_wants_grad(plan, node->in[0])) return;
    hg_launch *launch = hg_emit(plan, node, "data gradient", "batch_norm", "data_gradient");
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, stats_of(plan, node, &s));
    hg_emit_read(plan, launch, means);
    emit_sizes(plan, launch, &s);
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_define(plan, launch, "AFFINE", is_affine(node));
    if (is_affine(node)) hg_emit_read(plan, launch, hg_plan_param(plan, node, WEIGHT));
    hg_emit_pixels(plan, launch, s.pixels, 1, s.channels);
    hg_emit_cost(plan, launch, 2.0 * s.bytes, 3.0 * s.bytes);
}

const hg_layer hg_layer_batch_norm = {
    {"batch_norm", "each channel to mean 0 and variance 1, then (affine) scaled and shifted", table, sizeof(norm_options)},
    build, forward, backward, HG_HALVES_EACH};
