/* The penalty weight * sum |x| / B on a layer's output. It has no output; its gradient is weight * sign(x) / B. */
#include "../harness.h"

#include <math.h>

static void forward(trial *t)
{
    for (size_t i = 0; i < t->dx[0].n; i++) sum_add(&t->metric[HG_METRIC_PENALTY], fabs(t->x[0][i]));
    t->metric_scale[HG_METRIC_PENALTY] = option_float(t->node, "weight") / t->batch;
    t->metric_rounding[HG_METRIC_PENALTY] = 4;
}

static void backward(trial *t)
{
    double share = option_float(t->node, "weight") / t->batch;
    for (size_t i = 0; i < t->dx[0].n; i++) {
        double x = t->x[0][i];
        t->dx[0].v[i] = x > 0 ? share : x < 0 ? -share : 0;
        t->dx[0].tol[i] = 4 * UNIT * share;
    }
}

static const layer_case cases[] = {
    {"linear", 2, 3, 3, 2, "[conv2d: {filters: 3, kernel: 1, activity_l1: 0.5}]", SMALL},
    {"relu", 2, 3, 3, 3, "[conv2d: {filters: 3, kernel: 1, activity_l1: 0.01, activation: relu}]", SMALL},
    {"gelu", 2, 3, 3, 3, "[{conv2d: {filters: 3, kernel: 1, activity_l1: 0.7, activation: gelu}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"dense", 5, 1, 1, 7, "[flatten, {dense: {units: 9, activity_l1: 0.00001, activation: tanh}}]", SMALL},
    {"16x28x28", 2, 28, 28, 33, "[conv2d: {filters: 16, kernel: 1, activity_l1: 0.001}]", BENCH},
    {0},
};

const reference reference_activity_l1 = {"activity_l1", NULL, forward, backward, cases, NULL, false};
