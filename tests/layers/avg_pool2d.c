/* The mean of the numbers of each window that lie inside the picture; with numbers as padding and count_include_pad (PyTorch's
 * default) the zeros around it count too. */
#include "pool.h"

#include <math.h>

static double divisor(const trial *t, const int low[2], const int high[2], int padded)
{
    int padding[2];
    option_pair(t->node, "padding", padding);
    return padding[0] != HG_SAME && option_bool(t->node, "count_include_pad") ? padded : (high[0] - low[0]) * (high[1] - low[1]);
}

static void visit_forward(trial *t, int b, int c, size_t y, const int low[2], const int high[2], int padded)
{
    sum s = {0};
    double count = divisor(t, low, high, padded);
    for (int i = low[0]; i < high[0]; i++)
        for (int j = low[1]; j < high[1]; j++) sum_add(&s, t->x[0][at4(t->in[0], b, c, i, j)] / count);
    sum_store(&s, &t->y[0], y, 3);
}

static void visit_backward(trial *t, int b, int c, size_t y, const int low[2], const int high[2], int padded)
{
    double share = t->dy[0][y] / divisor(t, low, high, padded);
    for (int i = low[0]; i < high[0]; i++)
        for (int j = low[1]; j < high[1]; j++) {
            size_t x = at4(t->in[0], b, c, i, j);
            t->dx[0].v[x] += share;
            t->dx[0].tol[x] += 6 * UNIT * (fabs(share) + fabs(t->dx[0].v[x]));
        }
}

static void forward(trial *t) { walk_windows(t, visit_forward); }
static void backward(trial *t) { walk_windows(t, visit_backward); }

static const layer_case cases[] = {
    {"one pixel", 1, 1, 1, 1, "[avg_pool2d: {size: 1}]", SMALL},
    {"2x2", 3, 4, 6, 2, "[avg_pool2d: {size: 2}]", SMALL},
    {"2x2 odd", 2, 5, 7, 2, "[avg_pool2d: {size: 2}]", SMALL},
    {"2x2 odd same", 2, 5, 7, 2, "[avg_pool2d: {size: 2, padding: same}]", SMALL},
    {"3x3 stride 2 same", 3, 7, 6, 2, "[avg_pool2d: {size: 3, stride: 2, padding: same}]", SMALL},
    {"3x3 stride 2 padding 1", 3, 7, 6, 2, "[avg_pool2d: {size: 3, stride: 2, padding: 1}]", SMALL},
    {"padding does not count", 3, 7, 6, 2, "[avg_pool2d: {size: [3, 2], stride: 2, padding: 1, count_include_pad: false}]", SMALL},
    {"ceil_mode", 2, 5, 7, 2, "[avg_pool2d: {size: 2, ceil_mode: true}]", SMALL},
    {"ceil_mode, padding", 2, 6, 5, 2, "[avg_pool2d: {size: 3, stride: 3, padding: 1, ceil_mode: true}]", SMALL},
    {"overlap", 2, 5, 5, 2, "[avg_pool2d: {size: 3, stride: 1, padding: same}]", SMALL},
    {"behind tanh", 2, 6, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: tanh, activity_l1: 0.1}}, {avg_pool2d: {size: 2}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"17 channels", 17, 9, 11, 3, "[avg_pool2d: {size: 2, padding: same}]", 0},
    {"16x28x28", 16, 28, 28, 33, "[avg_pool2d: {size: 2}]", BENCH},
    {0},
};

const reference reference_avg_pool2d = {"avg_pool2d", shape, forward, backward, cases, NULL, false};
