/* Batch normalisation: cl/batch_norm.cl has the formulas. The running statistics are parameters that do not train. */
#include "model/plan.h"

typedef struct norm_options { double momentum, epsilon; hg_choice activation; double activity_l1; } norm_options;

static const hg_option table[] = {
    {"momentum", "share of a batch in the running statistics", offsetof(norm_options, momentum), HG_OPTION_FLOAT, 0.1, 0, 1},
    {"epsilon", "added to the variance", offsetof(norm_options, epsilon), HG_OPTION_FLOAT, 1e-5, 0, 1},
    HG_OPTION_ACTIVATION(norm_options),
    HG_OPTION_ACTIVITY_L1(norm_options),
    {0},
};

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };

static bool build(hg_graph *graph, hg_node *node)
{
    static const struct { const char *name; double start; bool trains; } params[] = {
        {"weight", 1, true}, {"bias", 0, true}, {"running_mean", 0, false}, {"running_var", 1, false}};
    const int order[1] = {0};
    hg_shape in = hg_node_input(graph, node, 0)->shape;
    if (!hg_node_output(graph, node, in)) return false;
    for (int i = 0; i < 4; i++)
        if (!hg_node_param(graph, node, params[i].name, 1, &in.c, order, (hg_choice){0}, params[i].start, in.c, in.c, params[i].trains)) return false;
    return true;
}

typedef struct rows { int n, span, splits, channels, groups; size_t bytes; } rows;

/* Rows are split into at most 32 spans: a function of the shapes alone, so that the bits are the same everywhere. */
static rows rows_of(const hg_plan *plan, const hg_node *node)
{
    hg_shape in = hg_plan_tensor(plan, node->in[0])->shape;
    int n = hg_plan_batch(plan) * in.h * in.w, splits = n < 256 ? 1 : n / 128 < 32 ? n / 128 : 32, span = (n + splits - 1) / splits, lanes = 16;
    if (!hg_has_wide_vectors(hg_plan_limits(plan))) lanes = 1;
    while (in.c % lanes) lanes /= 2;
    return (rows){n, span, (n + span - 1) / span, in.c, in.c / lanes, (size_t)in.c * 2 * sizeof(float)};
}

static hg_launch *launch_of(hg_plan *plan, const hg_node *node, const char *what, const char *kernel, const rows *r)
{
    hg_launch *launch = hg_emit(plan, node, what, "batch_norm", kernel);
    hg_emit_define(plan, launch, "C", r->channels);
    hg_emit_lanes(plan, launch, r->channels);
    return launch;
}

static void batch_statistics(hg_plan *plan, const hg_node *node, const rows *r, hg_block statistics)
{
    const norm_options *o = node->options;
    double numbers = (double)r->n * r->channels;
    hg_block partials = hg_plan_scratch(plan, r->bytes * (size_t)r->splits);
    hg_launch *launch = launch_of(plan, node, "moments", "moments", r);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, r->n);
    hg_emit_int(plan, launch, r->span);
    hg_emit_range(plan, launch, (size_t)r->splits, (size_t)r->groups, 1, 1, 1, 1);
    hg_emit_cost(plan, launch, 6 * numbers, 4 * numbers);

    launch = launch_of(plan, node, "moments joined", "moments_join", r);
    hg_emit_read(plan, launch, partials);
    hg_emit_int(plan, launch, r->n);
    hg_emit_int(plan, launch, r->span);
    hg_emit_int(plan, launch, r->splits);
    hg_emit_float(plan, launch, o->epsilon);
    hg_emit_float(plan, launch, o->momentum);
    hg_emit_write(plan, launch, statistics);
    hg_emit_update(plan, launch, hg_plan_param(plan, node, RUNNING_MEAN));
    hg_emit_update(plan, launch, hg_plan_param(plan, node, RUNNING_VAR));
    hg_emit_range(plan, launch, (size_t)r->channels, 1, 1, 0, 1, 1);
}

static void running_statistics(hg_plan *plan, const hg_node *node, const rows *r, hg_block statistics)
{
    hg_launch *launch = launch_of(plan, node, "running statistics", "moments_running", r);
    hg_emit_read(plan, launch, hg_plan_param(plan, node, RUNNING_MEAN));
    hg_emit_read(plan, launch, hg_plan_param(plan, node, RUNNING_VAR));
    hg_emit_float(plan, launch, ((const norm_options *)node->options)->epsilon);
    hg_emit_write(plan, launch, statistics);
    hg_emit_range(plan, launch, (size_t)r->channels, 1, 1, 0, 1, 1);
}

static void forward(hg_plan *plan, const hg_node *node)
{
    rows r = rows_of(plan, node);
    hg_block statistics = hg_plan_note(plan, node, r.bytes);
    if (hg_plan_is_training(plan)) batch_statistics(plan, node, &r, statistics);
    else running_statistics(plan, node, &r, statistics);
    hg_launch *launch = launch_of(plan, node, "forward", "forward", &r);
    hg_emit_act(plan, launch, node->out[0]);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, statistics);
    hg_emit_read(plan, launch, hg_plan_param(plan, node, WEIGHT));
    hg_emit_read(plan, launch, hg_plan_param(plan, node, BIAS));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_int(plan, launch, r.n);
    hg_emit_rows(plan, launch, (size_t)r.n, (size_t)r.channels);
    hg_emit_cost(plan, launch, 4.0 * r.n * r.channels, 8.0 * r.n * r.channels);
}

static void backward(hg_plan *plan, const hg_node *node)
{
    rows r = rows_of(plan, node);
    double numbers = (double)r.n * r.channels;
    hg_block statistics = hg_plan_note(plan, node, r.bytes), partials = hg_plan_scratch(plan, r.bytes * (size_t)r.splits);
    hg_block total = hg_plan_scratch(plan, r.bytes);
    hg_launch *launch = launch_of(plan, node, "sums", "sums", &r);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, statistics);
    hg_emit_write(plan, launch, partials);
    hg_emit_int(plan, launch, r.n);
    hg_emit_int(plan, launch, r.span);
    hg_emit_range(plan, launch, (size_t)r.splits, (size_t)r.groups, 1, 1, 1, 1);
    hg_emit_cost(plan, launch, 5 * numbers, 8 * numbers);

    launch = launch_of(plan, node, "weight gradient", "sums_join", &r);
    hg_emit_read(plan, launch, partials);
    hg_emit_int(plan, launch, r.splits);
    hg_emit_write(plan, launch, total);
    hg_emit_dw(plan, launch, node, WEIGHT, NULL);
    hg_emit_dw(plan, launch, node, BIAS, "B");
    hg_emit_range(plan, launch, (size_t)r.channels, 1, 1, 0, 1, 1);

    if (!hg_plan_wants_grad(plan, node->in[0])) return;
    launch = launch_of(plan, node, "data gradient", "backward", &r);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_read(plan, launch, hg_plan_grad(plan, node->out[0]));
    hg_emit_read(plan, launch, statistics);
    hg_emit_read(plan, launch, total);
    hg_emit_read(plan, launch, hg_plan_param(plan, node, WEIGHT));
    hg_emit_int(plan, launch, r.n);
    hg_emit_float(plan, launch, 1.0 / r.n);
    hg_emit_dx(plan, launch, node->in[0]);
    hg_emit_rows(plan, launch, (size_t)r.n, (size_t)r.channels);
    hg_emit_cost(plan, launch, 7 * numbers, 12 * numbers);
}

const hg_layer hg_layer_batch_norm = {{"batch_norm", "each channel to mean 0 and variance 1, then scaled and shifted", table, sizeof(norm_options)}, build, forward, backward};
