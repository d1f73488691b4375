/* -(t log p + (1 - t) log(1 - p)) with both logarithms at least -100, as PyTorch's; from logits x:
 * max(x, 0) - x t + log(1 + exp(-|x|)), with the gradient sigmoid(x) - t. */
#include "loss.h"

#include <math.h>

static bool from_logits(const trial *t) { return t->graph->loss_from_logits; }

static double term(const trial *t, size_t i)
{
    double x = t->x[0][i], target = t->x[1][i];
    if (from_logits(t)) return fmax(x, 0) - x * target + log1p(exp(-fabs(x)));
    return -(target * fmax(log(x), -100) + (1 - target) * fmax(log1p(-x), -100));
}

static void forward(trial *t)
{
    for (size_t i = 0; i < t->dx[0].n; i++) sum_add(&t->metric[HG_METRIC_RECONSTRUCTION], term(t, i));
    loss_scale(t, 20);
}

static void backward(trial *t)
{
    double scale = loss_factor(t);
    for (size_t i = 0; i < t->dx[0].n; i++) {
        double x = t->x[0][i], target = t->x[1][i], below = fmax(x * (1 - x), 1e-12);
        double slope = from_logits(t) ? 1 / (1 + exp(-x)) - target : (x - target) / below;
        double parts = from_logits(t) ? 1 : (fabs(x) + fabs(target)) / below;
        t->dx[0].v[i] = scale * slope;
        t->dx[0].tol[i] = scale * (16 * UNIT * parts + 6 * UNIT * fabs(slope));
    }
}

static const layer_case cases[] = {
    LOSS_CASES("bce"),
    {"saturated", 2, 5, 5, 3,
     "encoder: [{conv2d: {filters: 2, kernel: 1}}]\n"
     "decoder: [{activation: sigmoid}]\n"
     "loss: {bce: {reduction: sum}}", LARGE_VALUES | SMALL},
    {0},
};

const reference reference_bce = {"bce", NULL, forward, backward, cases, NULL, true};
