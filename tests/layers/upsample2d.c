/* Each side times the factor. Nearest repeats; bilinear puts pixel centres at (i + 1/2) / factor - 1/2 and clamps at the edge
 * (PyTorch's align_corners=False). */
#include "../harness.h"

#include <math.h>
#include <string.h>

static void shape(trial *t)
{
    int f[2];
    option_pair(t->node, "factor", f);
    t->out[0] = (hg_shape){t->in[0].c, t->in[0].h * f[0], t->in[0].w * f[1], false};
}

/* The two source places along one side and the share of the second. */
static void source(int i, int factor, int size, bool bilinear, int at[2], double *share)
{
    double place = (i + 0.5) / factor - 0.5;
    if (place < 0) place = 0;
    at[0] = bilinear ? (int)floor(place) : i / factor;
    at[1] = bilinear && at[0] + 1 < size ? at[0] + 1 : at[0];
    *share = bilinear ? place - at[0] : 0;
}

typedef void visit_fn(trial *t, sum *s, size_t y, size_t x, double weight);

static void walk(trial *t, visit_fn *visit, sum *s)
{
    int f[2];
    option_pair(t->node, "factor", f);
    bool bilinear = strcmp(option_name(t->node, "method"), "bilinear") == 0;
    const hg_shape in = t->in[0], out = t->out[0];
    for (int b = 0; b < t->batch; b++)
        for (int c = 0; c < out.c; c++)
            for (int i = 0; i < out.h; i++)
                for (int j = 0; j < out.w; j++) {
                    int ys[2], xs[2];
                    double v, u;
                    source(i, f[0], in.h, bilinear, ys, &v);
                    source(j, f[1], in.w, bilinear, xs, &u);
                    size_t y = at4(out, b, c, i, j);
                    visit(t, s, y, at4(in, b, c, ys[0], xs[0]), (1 - v) * (1 - u));
                    if (!bilinear) continue;
                    visit(t, s, y, at4(in, b, c, ys[0], xs[1]), (1 - v) * u);
                    visit(t, s, y, at4(in, b, c, ys[1], xs[0]), v * (1 - u));
                    visit(t, s, y, at4(in, b, c, ys[1], xs[1]), v * u);
                }
}

static void visit_forward(trial *t, sum *s, size_t y, size_t x, double weight)
{
    sum_add(&s[y], weight * t->x[0][x]);
}

static void visit_backward(trial *t, sum *s, size_t y, size_t x, double weight)
{
    sum_add(&s[x], weight * t->dy[0][y]);
}

static void forward(trial *t)
{
    sum *s = sums_make(t->y[0].n);
    walk(t, visit_forward, s);
    sums_store(s, &t->y[0], 4);
}

static void backward(trial *t)
{
    sum *s = sums_make(t->dx[0].n);
    walk(t, visit_backward, s);
    sums_store(s, &t->dx[0], 4);
}

static const layer_case cases[] = {
    {"one pixel", 1, 1, 1, 1, "[upsample2d: {factor: 2}]", SMALL},
    {"nearest 2", 3, 3, 4, 2, "[upsample2d: {factor: 2, method: nearest}]", SMALL},
    {"nearest 3x1", 2, 3, 2, 2, "[upsample2d: {factor: [3, 1]}]", SMALL},
    {"bilinear 2", 3, 3, 4, 2, "[upsample2d: {factor: 2, method: bilinear}]", SMALL},
    {"bilinear 3", 2, 4, 3, 2, "[upsample2d: {factor: 3, method: bilinear}]", SMALL},
    {"bilinear one pixel", 2, 1, 3, 2, "[upsample2d: {factor: [4, 2], method: bilinear}]", SMALL},
    {"behind tanh", 2, 3, 3, 2, "[{conv2d: {filters: 3, kernel: 1, activation: tanh, activity_l1: 0.1}}, {upsample2d: {factor: 2, method: nearest}}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"bilinear behind sigmoid", 2, 3, 3, 2, "[{conv2d: {filters: 3, kernel: 1, activation: sigmoid}}, {upsample2d: {factor: 2, method: bilinear}}]", SMALL},
    {"into 3x3 same", 3, 4, 5, 2, "[{upsample2d: {factor: 2}}, {conv2d: {filters: 4, kernel: 3, padding: same, activation: relu}}]", SMALL | FOREIGN},
    {"into 3x3 valid behind tanh", 2, 3, 4, 2, "[{conv2d: {filters: 3, kernel: 1, activation: tanh}}, {upsample2d: {factor: [3, 2]}}, {conv2d: {filters: 5, kernel: [2, 3], padding: valid}}]", SMALL | FOREIGN},
    {"into 4x5 same", 5, 3, 3, 3, "[{upsample2d: {factor: [1, 2]}}, {conv2d: {filters: 2, kernel: [4, 5], padding: same, bias: false}}]", SMALL},
    {"into 1x1, penalty before", 4, 3, 2, 2, "[{conv2d: {filters: 4, kernel: 3, padding: same, activation: sigmoid, activity_l1: 0.1}}, {upsample2d: {factor: 4}}, {conv2d: {filters: 3, kernel: 1}}]", SMALL},
    {"not into more padding", 2, 3, 3, 2, "[{upsample2d: {factor: 2}}, {conv2d: {filters: 2, kernel: 2, padding: 2}}]", SMALL},
    {"twice, and into stride 2", 8, 4, 4, 3, "[{upsample2d: {factor: 2}}, {conv2d: {filters: 16, kernel: 3, activation: relu}}, {upsample2d: {factor: 2}}, {conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}}, {upsample2d: {factor: 2}}, {conv2d: {filters: 4, kernel: 3, stride: 2}}]", 0},
    {"17 to 20 channels", 17, 6, 7, 3, "[{conv2d: {filters: 18, kernel: 1, activation: relu}}, {upsample2d: {factor: 2}}, {conv2d: {filters: 20, kernel: 3, padding: same}}]", 0},
    {"17 channels", 17, 5, 7, 3, "[upsample2d: {factor: 2, method: bilinear}]", 0},
    {"8x14x14", 8, 14, 14, 33, "[upsample2d: {factor: 2}]", BENCH},
    {0},
};

const reference reference_upsample2d = {"upsample2d", shape, forward, backward, cases, NULL, false, VARIANTS_ALL};
