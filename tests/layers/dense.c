/* y[b,m] = bias[m] + sum_n x[b,n] w[m,n]; a picture is read in C, H, W order. */
#include "../harness.h"

static void shape(trial *t)
{
    t->out[0] = (hg_shape){option_int(t->node, "units"), 1, 1, true};
}

static void forward(trial *t)
{
    size_t n = hg_shape_count(t->in[0]), m = (size_t)t->out[0].c;
    for (size_t i = 0; i < t->y[0].n; i++) {
        sum s = {0};
        for (size_t k = 0; k < n; k++) sum_add(&s, t->x[0][i / m * n + k] * t->w[0][i % m * n + k]);
        if (t->node->n_params > 1) sum_add(&s, t->w[1][i % m]);
        sum_store(&s, &t->y[0], i, 1);
    }
}

static void backward(trial *t)
{
    size_t n = hg_shape_count(t->in[0]), m = (size_t)t->out[0].c, batch = (size_t)t->batch;
    for (size_t i = 0; i < t->dx[0].n; i++) {
        sum s = {0};
        for (size_t k = 0; k < m; k++) sum_add(&s, t->dy[0][i / n * m + k] * t->w[0][k * n + i % n]);
        sum_store(&s, &t->dx[0], i, 1);
    }
    for (size_t i = 0; i < t->dw[0].n; i++) {
        sum s = {0};
        for (size_t b = 0; b < batch; b++) sum_add(&s, t->dy[0][b * m + i / n] * t->x[0][b * n + i % n]);
        sum_store(&s, &t->dw[0], i, 1);
    }
    if (t->node->n_params > 1) bias_gradient(t, &t->dw[1]);
}

static const layer_case cases[] = {
    {"one number", 1, 1, 1, 1, "[flatten, {dense: {units: 1}}]", SMALL},
    {"2 to 3", 2, 1, 1, 2, "[flatten, {dense: {units: 3, activation: tanh}}]", SMALL | FOREIGN},
    {"odd", 5, 3, 1, 3, "[flatten, {dense: {units: 7, activation: relu}}, {dense: {units: 2, bias: false}}]", SMALL | FOREIGN},
    {"all activations", 3, 2, 1, 3, "[flatten, {dense: {units: 5, activation: leaky_relu}}, {dense: {units: 4, activation: elu}}, {dense: {units: 3, activation: selu}}, "
     "{dense: {units: 5, activation: gelu}}, {dense: {units: 4, activation: silu}}, {dense: {units: 3, activation: softplus}}, {dense: {units: 2, activation: sigmoid}}]", SMALL},
    {"penalty", 7, 1, 1, 5, "[flatten, {dense: {units: 6, activation: relu, activity_l1: 0.01}}, {dense: {units: 7}}]", SMALL},
    {"batch 1", 17, 1, 1, 1, "[flatten, {dense: {units: 33, activation: sigmoid}}]", 0},
    {"31 to 65, batch 67", 31, 1, 1, 67, "[flatten, {dense: {units: 65, activation: relu}}]", 0},
    {"784 to 128", 1, 28, 28, 64, "[flatten, {dense: {units: 128, activation: relu}}]", BENCH},
    {"3136 to 16", 64, 7, 7, 33, "[flatten, {dense: {units: 16, activation: relu}}]", BENCH},
    {"2 to 3136", 2, 1, 1, 33, "[flatten, {dense: {units: 3136, activation: relu}}, {reshape: [64, 7, 7]}]", BENCH},
    {"512 to 784", 512, 1, 1, 32, "[flatten, {dense: {units: 784, activation: sigmoid}}]", BENCH},
    {0},
};

const reference reference_dense = {"dense", shape, forward, backward, cases, NULL, false, VARIANTS_ALL};
