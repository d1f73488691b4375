/* [C, H, W] -> C*H*W numbers in that order. */
#include "../harness.h"

static void shape(trial *t)
{
    t->out[0] = (hg_shape){(int)hg_shape_count(t->in[0]), 1, 1, true};
}

static void forward(trial *t)
{
    for (size_t i = 0; i < t->y[0].n; i++) t->y[0].v[i] = t->x[0][i];
}

static void backward(trial *t)
{
    for (size_t i = 0; i < t->dx[0].n; i++) t->dx[0].v[i] = t->dy[0][i];
}

static const layer_case cases[] = {
    {"one channel", 1, 3, 4, 2, "[flatten]", SMALL},
    {"one pixel", 5, 1, 1, 2, "[flatten]", SMALL},
    {"pictures", 3, 4, 5, 3, "[flatten]", SMALL},
    {"behind tanh", 3, 2, 3, 2, "[{conv2d: {filters: 2, kernel: 1, activation: tanh}}, flatten, {activation: {function: sigmoid}}, {dense: {units: 3}}]", SMALL},
    {"to dense", 3, 2, 3, 2, "[{conv2d: {filters: 2, kernel: 1, activation: tanh}}, flatten, {dense: {units: 3}}]", 0},
    {"to dense to picture", 5, 2, 3, 3, "[flatten, {dense: {units: 12, activation: relu}}, {reshape: [2, 3, 2]}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"shared, behind sigmoid", 2, 3, 3, 2, "[{conv2d: {filters: 1, kernel: 1, activation: sigmoid, activity_l1: 0.1}}, flatten, {activation: {function: relu}}, {dense: {units: 3, activation: tanh}}]", SMALL},
    {"19x4x5 behind tanh", 19, 4, 5, 2, "[{conv2d: {filters: 19, kernel: 1, activation: tanh}}, flatten, {activation: {function: sigmoid}}, {dense: {units: 3}}]", SMALL},
    {"19x4x5 to dense", 19, 4, 5, 2, "[{conv2d: {filters: 19, kernel: 1, activation: tanh}}, flatten, {dense: {units: 3}}]", 0},
    {"shared, 16x4x4", 16, 4, 4, 2, "[{conv2d: {filters: 16, kernel: 1, activation: sigmoid, activity_l1: 0.1}}, flatten, {activation: {function: relu}}, {dense: {units: 3, activation: tanh}}]", SMALL},
    {"64x7x7", 64, 7, 7, 33, "[flatten]", BENCH},
    {0},
};

const reference reference_flatten = {"flatten", shape, forward, backward, cases, NULL, false};
