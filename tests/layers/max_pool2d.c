/* The largest number of each window; its gradient goes to the first place (by rows) that has it, as in PyTorch. NaN wins. */
#include "pool.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/plan_private.h"

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
    {"one pixel", 1, 1, 1, 1, "[max_pool2d: {size: 1}]", SMALL | GEOMETRY},
    {"2x2", 3, 4, 6, 2, "[max_pool2d: {size: 2}]", SMALL},
    {"2x2 odd", 2, 5, 7, 2, "[max_pool2d: {size: 2}]", SMALL | GEOMETRY},
    {"2x2 odd same", 2, 5, 7, 2, "[max_pool2d: {size: 2, padding: same}]", SMALL},
    {"3x3 stride 2 padding 1", 3, 7, 6, 2, "[max_pool2d: {size: 3, stride: 2, padding: 1}]", SMALL},
    {"overlap", 2, 5, 5, 2, "[max_pool2d: {size: 3, stride: 1, padding: same}]", SMALL},
    {"ceil_mode", 2, 5, 7, 2, "[max_pool2d: {size: 2, ceil_mode: true}]", SMALL | GEOMETRY},
    {"ceil_mode, padding", 2, 6, 5, 2, "[max_pool2d: {size: 3, stride: 3, padding: 1, ceil_mode: true}]", SMALL},
    {"gaps", 2, 7, 8, 2, "[max_pool2d: {size: [1, 2], stride: 3}]", SMALL},
    {"behind relu", 2, 6, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: relu, activity_l1: 0.1}}, {max_pool2d: {size: 2}}]", SMALL | GEOMETRY},
    {"behind tanh", 2, 6, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: tanh}}, {max_pool2d: {size: 2, padding: same}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL | FOREIGN},
    /* relu before what is the output has no gradient of its own where it is zero, unlike the one that is given there: so a layer lies behind */
    {"of a conv", 2, 7, 6, 3, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL | FOREIGN},
    {"of a conv, odd same, no bias", 1, 5, 7, 2, "[{conv2d: {filters: 4, kernel: 3, padding: same, activation: relu, bias: false}}, {max_pool2d: {size: 2, padding: same}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL | GEOMETRY},
    {"of a conv, padding 1, to 5 channels", 3, 5, 5, 2, "[{conv2d: {filters: 5, kernel: [3, 2], padding: valid}}, {max_pool2d: {size: 2, padding: 1}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"of a conv, 17 pictures", 2, 6, 5, 17, "[{conv2d: {filters: 4, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2, padding: 1}}, {conv2d: {filters: 2, kernel: 1}}]", 0},
    {"of a conv with stride and dilation", 2, 9, 11, 2, "[{conv2d: {filters: 3, kernel: [2, 3], stride: [1, 2], dilation: [2, 1], padding: [2, 1], activation: elu}}, {max_pool2d: {size: [3, 2]}}]", SMALL},
    {"of convs twice", 3, 8, 8, 2, "[{conv2d: {filters: 8, kernel: 3, padding: same, activation: tanh}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 4, kernel: 3, padding: 1, activation: relu}}, {max_pool2d: {size: [1, 2]}}, {conv2d: {filters: 2, kernel: 1}}]", 0},
    {"of a conv, evaluated", 2, 6, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: sigmoid}}, {max_pool2d: {size: 2}}]", SMALL | EVALUATE},
    {"of a conv and again", 2, 8, 8, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 2, kernel: 1}}]", 0},
    {"of a conv that enlarges", 2, 4, 4, 2, "[{upsample2d: {factor: 2}}, {conv2d: {filters: 3, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 2, kernel: 1}}]", 0},
    {"of one pixel", 3, 1, 1, 3, "[{conv2d: {filters: 4, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2, padding: same}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL | GEOMETRY},
    {"of gelu, of what is also read", 2, 4, 4, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: gelu}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 3, kernel: 3, padding: same, activity_l1: 0.1}}, {max_pool2d: {size: 2}}]", 0},
    {"of a conv, 1 to 16", 1, 28, 28, 17, "[{conv2d: {filters: 16, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 2, kernel: 1}}]", BENCH},
    {"of a conv, 16 to 8", 16, 14, 14, 35, "[{conv2d: {filters: 16, kernel: 1, activation: relu}}, {conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2}}, {conv2d: {filters: 2, kernel: 1}}]", BENCH},
    {"of convs, 17 to 19 to 35", 17, 29, 23, 2, "[{conv2d: {filters: 19, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2, padding: same}}, {conv2d: {filters: 35, kernel: 3, activation: tanh}}, {max_pool2d: {size: [2, 3], ceil_mode: true, padding: [0, 1]}}]", 0},
    {"of convs, 4 to 40 to 6", 4, 21, 30, 18, "[{conv2d: {filters: 40, kernel: 3, padding: 2, activation: leaky_relu}}, {max_pool2d: {size: [2, 5]}}, {conv2d: {filters: 6, kernel: 3, padding: same}}, {max_pool2d: {size: 4}}]", 0},
    {"17 channels", 17, 9, 11, 3, "[max_pool2d: {size: 2, padding: same}]", 0},
    {"16x28x28", 16, 28, 28, 33, "[max_pool2d: {size: 2}]", BENCH},
    {0},
};

/* What is pooled, by the convolution in front of it or not, as the harness gives it; n numbers. Caller frees. */
static double *pooled_by(const layer_case *c, const char *variants, bool made, size_t *n)
{
    rig r;
    rig_create(&r, harness_device(variants), c, RIG_GUARDED);
    rig_run(&r, RIG_GUARDED);
    const hg_node *node = r.graph->nodes[harness_node(r.graph, "max_pool2d")];
    assert_true((hg_plan_root(r.plan, node->in[0]) == node->out[0]) == made);
    *n = hg_shape_count(r.graph->tensors[node->out[0]]->shape) * (size_t)c->batch;
    double *copy = malloc(*n * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, r.value[node->out[0]], *n * sizeof *copy);
    rig_destroy(&r);
    return copy;
}

static void test_same_bits(void **unused)
{
    (void)unused;
    if (!hg_has_wide_vectors(hg_device_get_info(harness_device(NULL)))) skip(); /* the family is foreign there */
    const layer_case some[] = {
        {"of a conv, 1 to 16", 1, 13, 11, 17, "[{conv2d: {filters: 16, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2, padding: same}}]", 0},
        {"of a conv, 16 to 8", 16, 10, 9, 19, "[{conv2d: {filters: 8, kernel: 3, padding: same, activation: tanh}}, {max_pool2d: {size: 2, padding: 1}}]", 0},
    };
    /* the order of sums is that of conv_cpu.cl, but for `pooled` where several channels are read */
    const struct { const layer_case *of; const char *variants; } pairs[] = {
        {&some[0], "pooled"}, {&some[0], "pooled,conv_forward=pooled_pictures"}, {&some[1], "pooled,conv_forward=pooled_pictures"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const layer_case *c = pairs[i].of;
        size_t n, m;
        double *together = pooled_by(c, pairs[i].variants, true, &n), *apart = pooled_by(c, "conv_forward=cpu", false, &m);
        assert_int_equal(n, m);
        if (memcmp(together, apart, n * sizeof *apart) != 0) fail_msg("%s, %s: other bits than those of the pair apart", c->name, pairs[i].variants);
        free(together);
        free(apart);
    }
}

static const extra_test extras[] = {{"of a conv: the bits of both apart", test_same_bits}, {0}};

const reference reference_max_pool2d = {"max_pool2d", shape, forward, backward, cases, extras, true, VARIANTS_POOLED};
