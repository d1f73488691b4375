/* weight * mean or sum of (p - t)^2: over all elements, or over an example's and the mean over examples. */
#include "../harness.h"

#include <math.h>
#include <string.h>
#include "loss.h"

static void forward(trial *t)
{
    for (size_t i = 0; i < t->dx[0].n; i++) sum_add(&t->metric[HG_METRIC_RECONSTRUCTION], pow(t->x[0][i] - t->x[1][i], 2));
    loss_scale(t, 6);
}

static void backward(trial *t)
{
    double scale = 2 * loss_factor(t);
    for (size_t i = 0; i < t->dx[0].n; i++) {
        t->dx[0].v[i] = scale * (t->x[0][i] - t->x[1][i]);
        t->dx[0].tol[i] = 6 * UNIT * fabs(t->dx[0].v[i]) + 1.2e-38;
    }
}

static const layer_case cases[] = {
    LOSS_CASES("mse"),
    {"large values", 3, 7, 5, 4, "encoder: [{conv2d: {filters: 3, kernel: 1}}]\ndecoder: []\nloss: {mse: {reduction: sum}}", LARGE_VALUES},
    {0},
};

const reference reference_mse = {"mse", NULL, forward, backward, cases, NULL, false};
