/* The prior of an adversarial model: draws from N(0, std^2), which its discriminator tells from codes. A node without inputs. */
#include "base/rng.h"
#include "model/plan.h"

static const hg_option table[] = {
    {"std", "standard deviation of each number; 0 gives zeros", offsetof(hg_prior, std), HG_OPTION_FLOAT, 1, 0, 1e6},
    {0},
};

static void forward(hg_plan *plan, const hg_node *node)
{
    const size_t n = hg_mul(hg_shape_count(hg_plan_tensor(plan, node->out[0])->shape), (size_t)hg_plan_batch(plan));
    hg_launch *launch = hg_emit(plan, node, "forward", "prior", "forward");
    hg_emit_define(plan, launch, "STREAM", hg_plan_stream(plan, HG_STREAM_PRIOR));
    hg_emit_write(plan, launch, hg_plan_value(plan, node->out[0]));
    hg_emit_read(plan, launch, hg_plan_step(plan));
    hg_emit_int(plan, launch, (int64_t)n);
    hg_emit_float(plan, launch, ((const hg_prior *)node->options)->std);
    hg_emit_items(plan, launch, n);
    hg_emit_cost(plan, launch, 60.0 * (double)n, 4.0 * (double)n);
}

const hg_layer hg_layer_prior = {
    {"prior", "what an adversarial model's codes are to be distributed as: N(0, std^2)", table, sizeof(hg_prior)}, NULL, forward, NULL};
