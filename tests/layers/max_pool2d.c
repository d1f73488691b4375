/* The largest number of each window; its gradient goes to the first place (by rows) that has it, as in PyTorch. NaN wins. */
#include "pool.h"

#include <math.h>

static size_t winner(const trial *t, int b, int c, const int low[2], const int high[2])
{
    size_t best = at4(t->in[0], b, c, low[0], low[1]);
    for (int y = low[0]; y < high[0]; y++)
        for (int x = low[1]; x < high[1]; x++) {
            size_t i = at4(t->in[0], b, c, y, x);
            if (isnan(t->x[0][best])) return best;
            if (t->x[0][i] > t->x[0][best] || isnan(t->x[0][i])) best = i;
        }
    return best;
}

static void visit_forward(trial *t, int b, int c, size_t y, const int low[2], const int high[2], int count)
{
    (void)count;
    t->y[0].v[y] = t->x[0][winner(t, b, c, low, high)];
}

static void visit_backward(trial *t, int b, int c, size_t y, const int low[2], const int high[2], int count)
{
    (void)count;
    size_t i = winner(t, b, c, low, high);
    t->dx[0].v[i] += t->dy[0][y];
    t->dx[0].tol[i] += 4 * UNIT * (fabs(t->dy[0][y]) + fabs(t->dx[0].v[i]));
}

static void forward(trial *t) { walk_windows(t, visit_forward); }
static void backward(trial *t) { walk_windows(t, visit_backward); }

static const layer_case cases[] = {
    {"one pixel", 1, 1, 1, 1, "[max_pool2d: {size: 1}]", SMALL},
    {"2x2", 3, 4, 6, 2, "[max_pool2d: {size: 2}]", SMALL},
    {"2x2 odd", 2, 5, 7, 2, "[max_pool2d: {size: 2}]", SMALL},
    {"2x2 odd same", 2, 5, 7, 2, "[max_pool2d: {size: 2, padding: same}]", SMALL},
    {"3x3 stride 2 padding 1", 3, 7, 6, 2, "[max_pool2d: {size: 3, stride: 2, padding: 1}]", SMALL},
    {"overlap", 2, 5, 5, 2, "[max_pool2d: {size: 3, stride: 1, padding: same}]", SMALL},
    {"ceil_mode", 2, 5, 7, 2, "[max_pool2d: {size: 2, ceil_mode: true}]", SMALL},
    {"ceil_mode, padding", 2, 6, 5, 2, "[max_pool2d: {size: 3, stride: 3, padding: 1, ceil_mode: true}]", SMALL},
    {"gaps", 2, 7, 8, 2, "[max_pool2d: {size: [1, 2], stride: 3}]", SMALL},
    {"behind relu", 2, 6, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: relu, activity_l1: 0.1}}, {max_pool2d: {size: 2}}]", SMALL},
    {"behind tanh", 2, 6, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: tanh}}, {max_pool2d: {size: 2, padding: same}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"17 channels", 17, 9, 11, 3, "[max_pool2d: {size: 2, padding: same}]", 0},
    {"16x28x28", 16, 28, 28, 33, "[max_pool2d: {size: 2}]", BENCH},
    {0},
};

const reference reference_max_pool2d = {"max_pool2d", shape, forward, backward, cases, NULL, true};
