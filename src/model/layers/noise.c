/* Noise on the pictures that a denoiser learns to take away again (Vincent et al. 2008). */
#include "base/rng.h"
#include "model/plan.h"

typedef struct noise_options { double std, mean; bool clip, once; int per; } noise_options;

enum { EXAMPLE, PLACE };
static const char *const pers[] = {"example", "place", NULL};
static const hg_option table[] = {
    {"std", "standard deviation of the noise", offsetof(noise_options, std), HG_OPTION_FLOAT, 0.5, 0, 1e6},
    {"mean", "what is added to every number besides", offsetof(noise_options, mean), HG_OPTION_FLOAT, 0, -1e6, 1e6},
    {"clip", "clip the result to [0, 1]", offsetof(noise_options, clip), HG_OPTION_BOOL, 1, 0, 1},
    {"once", "an example has the same noise in every epoch; else it is drawn anew at every step",
     offsetof(noise_options, once), HG_OPTION_BOOL, 0, 0, 1},
    {"per", "with once: an example keeps its noise, or a place in the batch does (picture i of every batch has the same; while "
            "evaluating every picture has one that training has not)",
     offsetof(noise_options, per), HG_OPTION_NAME, EXAMPLE, .names = pers},
    {0},
};

static hg_shape target(const void *options, hg_shape input)
{
    (void)options;
    return input;
}

static bool build(hg_graph *graph, hg_node *node)
{
    const noise_options *o = node->options;
    if (o->per == PLACE && !o->once) return hg_node_fail(graph, node, "per: place is for noise that stays the same: add `once: true`");
    return hg_node_output(graph, node, hg_node_input(graph, node, 0)->shape);
}

/* Whose the noise is, as cl/noise.cl numbers it. By step the batch is one row of numbers; else each picture is a row, with a counter of its
 * own. Outside training noise is always by example or one for all, so that it depends neither on the batch nor on the order. */
typedef enum owner { BY_STEP, BY_EXAMPLE, BY_PLACE, FOR_ALL } owner;

static owner owner_of(const hg_plan *plan, const noise_options *o)
{
    if (hg_plan_is_training(plan)) return !o->once ? BY_STEP : o->per == PLACE ? BY_PLACE : BY_EXAMPLE;
    return o->per == PLACE ? FOR_ALL : BY_EXAMPLE;
}

static void forward(hg_plan *plan, const hg_node *node)
{
    const noise_options *o = node->options;
    const owner whose = owner_of(plan, o);
    const size_t batch = (size_t)hg_plan_batch(plan);
    const size_t each = hg_shape_count(hg_plan_tensor(plan, node->out[0])->shape), n = hg_mul(batch, each);
    hg_launch *launch = hg_emit(plan, node, "forward", "noise", "forward");
    hg_emit_define(plan, launch, "OWNER", whose);
    hg_emit_define(plan, launch, "CLIP", o->clip);
    hg_emit_define(plan, launch, "STREAM", HG_STREAM_NODE + node->index);
    hg_emit_read(plan, launch, hg_plan_value(plan, node->in[0]));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_read(plan, launch, hg_plan_step(plan));
    hg_emit_read(plan, launch, whose == BY_EXAMPLE ? hg_plan_examples(plan) : -1);
    hg_emit_int(plan, launch, (int64_t)(whose == BY_STEP ? 1 : batch));
    hg_emit_int(plan, launch, (int64_t)(whose == BY_STEP ? n : each));
    hg_emit_float(plan, launch, o->mean);
    hg_emit_float(plan, launch, o->std);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 60.0 * (double)n, 8.0 * (double)n);
}

const hg_corruption hg_corruption_noise = {
    {{"noise", "adds normally distributed noise to the pictures", table, sizeof(noise_options)}, build, forward, NULL}, target};
