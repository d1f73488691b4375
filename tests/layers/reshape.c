/* The same numbers in C, H, W order under another shape. */
#include "../harness.h"

static void forward(trial *t)
{
    for (size_t i = 0; i < t->y[0].n; i++) t->y[0].v[i] = t->x[0][i];
}

static void backward(trial *t)
{
    for (size_t i = 0; i < t->dx[0].n; i++) t->dx[0].v[i] = t->dy[0][i];
}

static const layer_case cases[] = {
    {"flat to picture", 12, 1, 1, 2, "[flatten, {reshape: [3, 2, 2]}]", SMALL},
    {"picture to picture", 6, 2, 3, 2, "[flatten, {reshape: [3, 4, 3]}]", SMALL},
    {"to one channel", 6, 2, 2, 2, "[flatten, {reshape: [1, 4, 6]}]", SMALL},
    {"from one channel", 1, 4, 6, 2, "[flatten, {reshape: [4, 2, 3]}]", SMALL},
    {"of dense", 5, 1, 1, 3, "[flatten, {dense: {units: 18, activation: relu}}, {reshape: [2, 3, 3]}, {conv2d: {filters: 2, kernel: 3, padding: same}}]", SMALL},
    {"behind relu", 5, 1, 1, 3, "[flatten, {dense: {units: 18, activation: relu, activity_l1: 0.1}}, {reshape: [2, 3, 3]}, {conv2d: {filters: 2, kernel: 3, padding: same}}]", SMALL},
    {"306 to 17x18x1", 306, 1, 1, 2, "[flatten, {reshape: [17, 18, 1]}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"3136 to 64x7x7", 3136, 1, 1, 33, "[flatten, {reshape: [64, 7, 7]}]", BENCH},
    {0},
};

const reference reference_reshape = {"reshape", NULL, forward, backward, cases, NULL, false};
