/* y[b,o,i,j] = bias[o] + sum_{c,kh,kw} x[b, c, i*S - P + kh*D, j*S - P + kw*D] w[o,c,kh,kw] */
#include "../harness.h"
#include "../winograd.h"

typedef struct geometry { int k[2], s[2], d[2], p[2]; bool bias; } geometry;

static geometry read_geometry(const trial *t)
{
    geometry g;
    int padding[2], size[2] = {t->in[0].h, t->in[0].w};
    option_pair(t->node, "kernel", g.k);
    option_pair(t->node, "stride", g.s);
    option_pair(t->node, "dilation", g.d);
    option_pair(t->node, "padding", padding);
    for (int a = 0; a < 2; a++) {
        int reach = (g.k[a] - 1) * g.d[a] + 1, out = (size[a] + g.s[a] - 1) / g.s[a];
        int same = (out - 1) * g.s[a] + reach - size[a];
        g.p[a] = padding[a] == HG_SAME ? (same > 0 ? same / 2 : 0) : padding[a];
    }
    g.bias = t->node->n_params > 1;
    return g;
}

static void shape(trial *t)
{
    int k[2], s[2], d[2], p[2], size[2] = {t->in[0].h, t->in[0].w}, out[2];
    option_pair(t->node, "kernel", k);
    option_pair(t->node, "stride", s);
    option_pair(t->node, "dilation", d);
    option_pair(t->node, "padding", p);
    for (int a = 0; a < 2; a++)
        out[a] = p[a] == HG_SAME ? (size[a] + s[a] - 1) / s[a] : (size[a] + 2 * p[a] - (k[a] - 1) * d[a] - 1) / s[a] + 1;
    t->out[0] = (hg_shape){option_int(t->node, "filters"), out[0], out[1], false};
}

/* Walks all products: `visit` gets the flat places in y, x and w. */
typedef void visit_fn(trial *t, void *data, size_t y, size_t x, size_t w);

static void walk(trial *t, visit_fn *visit, void *data)
{
    const geometry g = read_geometry(t);
    const hg_shape in = t->in[0], out = t->out[0];
    for (int b = 0; b < t->batch; b++)
        for (int o = 0; o < out.c; o++)
            for (int i = 0; i < out.h; i++)
                for (int j = 0; j < out.w; j++)
                    for (int c = 0; c < in.c; c++)
                        for (int kh = 0; kh < g.k[0]; kh++)
                            for (int kw = 0; kw < g.k[1]; kw++) {
                                int y = i * g.s[0] - g.p[0] + kh * g.d[0], x = j * g.s[1] - g.p[1] + kw * g.d[1];
                                if (y < 0 || x < 0 || y >= in.h || x >= in.w) continue;
                                visit(t, data, at4(out, b, o, i, j), at4(in, b, c, y, x),
                                      (((size_t)o * (size_t)in.c + (size_t)c) * (size_t)g.k[0] + (size_t)kh) * (size_t)g.k[1] + (size_t)kw);
                            }
}

static void visit_forward(trial *t, void *data, size_t y, size_t x, size_t w)
{
    sum_add((sum *)data + y, t->x[0][x] * t->w[0][w]);
}

static void forward(trial *t)
{
    sum *s = sums_make(t->y[0].n);
    size_t pixels = (size_t)t->out[0].h * (size_t)t->out[0].w;
    walk(t, visit_forward, s);
    for (size_t i = 0; i < t->y[0].n; i++)
        if (read_geometry(t).bias) sum_add(&s[i], t->w[1][i / pixels % (size_t)t->out[0].c]);
    sums_store(s, &t->y[0], 1);
    const geometry g = read_geometry(t);
    const winograd_gather gather = {.batch = t->batch, .k = g.k[0], .s = g.s[0], .p = {g.p[0], g.p[1]}, .from_shape = t->in[0], .to_shape = t->out[0],
        .from = t->x[0], .w = t->w[0], .step_from = (size_t)(g.k[0] * g.k[1]), .step_to = (size_t)(g.k[0] * g.k[1] * t->in[0].c)};
    winograd_widen_gather(t->winograd_y, &gather, &t->y[0]);
}

typedef struct gradients { sum *dx, *dw; } gradients;

static void visit_backward(trial *t, void *data, size_t y, size_t x, size_t w)
{
    gradients *g = data;
    sum_add(&g->dx[x], t->dy[0][y] * t->w[0][w]);
    sum_add(&g->dw[w], t->dy[0][y] * t->x[0][x]);
}

static void backward(trial *t)
{
    gradients g = {sums_make(t->dx[0].n), sums_make(t->dw[0].n)};
    walk(t, visit_backward, &g);
    sums_store(g.dx, &t->dx[0], 1);
    sums_store(g.dw, &t->dw[0], 1);
    const geometry at = read_geometry(t);
    const size_t taps = (size_t)(at.k[0] * at.k[1]);
    const winograd_gather gather = {.batch = t->batch, .k = at.k[0], .s = at.s[0], .p = {at.p[0], at.p[1]}, .from_shape = t->out[0], .to_shape = t->in[0],
        .from = t->dy[0], .w = t->w[0], .step_from = taps * (size_t)t->in[0].c, .step_to = taps, .data = true};
    const winograd_weight weight = {.batch = t->batch, .k = at.k[0], .s = at.s[0], .p = {at.p[0], at.p[1]}, .large_shape = t->in[0],
        .small_shape = t->out[0], .large = t->x[0], .small = t->dy[0], .step_large = taps, .step_small = taps * (size_t)t->in[0].c};
    winograd_widen_gather(t->winograd_dx, &gather, &t->dx[0]);
    winograd_widen_weight(t->winograd_dw, &weight, &t->dw[0]);
    if (t->node->n_params > 1) bias_gradient(t, &t->dw[1]);
}

static const layer_case cases[] = {
    {"one pixel", 1, 1, 1, 1, "[conv2d: {filters: 1, kernel: 1}]", SMALL | GEOMETRY},
    {"3x3 on one pixel", 9, 1, 1, 4, "[conv2d: {filters: 8, kernel: 3, padding: same}]", SMALL | GEOMETRY | DIRECT},
    {"3x3 same", 2, 5, 4, 2, "[conv2d: {filters: 3, kernel: 3, padding: same}]", SMALL},
    {"3x3 valid relu", 3, 6, 7, 2, "[conv2d: {filters: 2, kernel: 3, padding: valid, activation: relu}]", SMALL | GEOMETRY},
    {"stride 2 same odd", 2, 7, 5, 3, "[conv2d: {filters: 5, kernel: 3, stride: 2, padding: same, activation: tanh}]", SMALL | FOREIGN},
    {"stride 2 number", 3, 7, 6, 2, "[conv2d: {filters: 4, kernel: [3, 2], stride: [2, 1], padding: [1, 0]}]", SMALL | GEOMETRY},
    {"dilation", 2, 9, 8, 1, "[conv2d: {filters: 3, kernel: [2, 3], dilation: [3, 2], padding: same}]", SMALL},
    {"no bias", 3, 5, 5, 2, "[conv2d: {filters: 2, kernel: 2, padding: same, bias: false}]", SMALL | GEOMETRY},
    {"stride beyond kernel", 2, 8, 7, 2, "[conv2d: {filters: 3, kernel: 1, stride: 3, padding: valid}]", SMALL | GEOMETRY},
    {"kernel beyond picture", 2, 3, 2, 2, "[conv2d: {filters: 2, kernel: 7, padding: same, activation: sigmoid}]", SMALL | GEOMETRY},
    {"behind tanh", 3, 6, 5, 2, "[{conv2d: {filters: 4, kernel: 1, activation: tanh}}, {conv2d: {filters: 3, kernel: 3, stride: 2, padding: same, activation: elu}}]", SMALL | FOREIGN},
    {"penalty between", 2, 5, 5, 2, "[{conv2d: {filters: 3, kernel: 1, activation: sigmoid, activity_l1: 0.3}}, {conv2d: {filters: 2, kernel: 3, padding: same}}]", SMALL | GEOMETRY},
    {"relu chain", 1, 9, 9, 3, "[{conv2d: {filters: 8, kernel: 3, stride: 2, padding: same, activation: relu}}, {conv2d: {filters: 16, kernel: 3, stride: 2, padding: same, activation: leaky_relu}}]", SMALL},
    {"gelu chain", 2, 5, 6, 2, "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: gelu}}, {conv2d: {filters: 3, kernel: 3, padding: same, activation: silu}}]", SMALL | GEOMETRY},
    {"16 to 8, 5x14", 16, 5, 14, 2, "[conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}]", SMALL | FOREIGN},
    {"5 to 4, 6x17, dilated", 5, 6, 17, 2, "[conv2d: {filters: 4, kernel: [2, 3], padding: 1, dilation: [1, 2]}]", SMALL | GEOMETRY},
    {"32 to 2, 37x20", 32, 37, 20, 3, "[conv2d: {filters: 2, kernel: 5, padding: 2, activation: tanh}]", 0},
    {"chain of few channels", 8, 16, 16, 3, "[{conv2d: {filters: 8, kernel: 3, activation: relu}}, {conv2d: {filters: 4, kernel: 3, padding: same, activation: elu}}, {conv2d: {filters: 2, kernel: 1, activation: relu}}]", DIRECT},
    {"3 to 40, 4x4 stride 2", 3, 20, 18, 5, "[conv2d: {filters: 40, kernel: 4, stride: 2, padding: 1}]", 0},
    {"2 to 70, 4x4 stride 2", 2, 12, 18, 3, "[{conv2d: {filters: 2, kernel: 1, activation: relu}}, {conv2d: {filters: 70, kernel: 4, stride: 2, padding: 1, activation: relu}}]", 0},
    {"17 to 19 channels", 17, 6, 5, 3, "[conv2d: {filters: 19, kernel: 3, padding: same, activation: relu}]", 0},
    {"33 channels stride 2", 33, 11, 9, 5, "[conv2d: {filters: 35, kernel: 3, stride: 2, padding: same}]", DIRECT},
    {"5x5 stride 3 dilated", 7, 17, 16, 2, "[conv2d: {filters: 9, kernel: 5, stride: 3, dilation: 2, padding: 3}]", 0},
    {"4x4 stride 2 padding 1", 16, 14, 14, 9, "[conv2d: {filters: 32, kernel: 4, stride: 2, padding: 1, activation: relu}]", DIRECT},
    {"8 to 8, 5x6", 8, 5, 6, 3, "[conv2d: {filters: 8, kernel: 3, padding: [2, 0], activation: tanh}]", SMALL | DIRECT},
    {"2 to 3, 4x5, 18 pictures", 2, 4, 5, 18, "[conv2d: {filters: 3, kernel: 3, padding: same, activation: relu}]", SMALL},
    {"2 to 3, stride 2, 17 pictures", 2, 5, 4, 17, "[{conv2d: {filters: 2, kernel: 1, activation: tanh}}, {conv2d: {filters: 3, kernel: [4, 3], stride: 2, padding: [1, 2]}}]", SMALL | FOREIGN},
    {"8 to 8, 9x7, 35 pictures", 8, 9, 7, 35, "[{conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}}, {conv2d: {filters: 6, kernel: 3, dilation: [2, 1]}}]", DIRECT},
    {"9 to 12, 4x5 twice", 9, 4, 5, 2, "[{conv2d: {filters: 12, kernel: 3, padding: [0, 2], activation: relu}}, {conv2d: {filters: 10, kernel: 3, padding: 1}}]", SMALL | FOREIGN},
    {"9 to 12, 11x10 twice", 9, 11, 10, 2, "[{conv2d: {filters: 12, kernel: 3, padding: [0, 2], activation: relu}}, {conv2d: {filters: 10, kernel: 3, padding: 1}}]", 0},
    {"35 to 37, 13x19", 35, 13, 19, 3, "[conv2d: {filters: 37, kernel: 3, padding: 2, bias: false}]", 0},
    {"penalty between wide ones", 24, 9, 12, 4, "[{conv2d: {filters: 40, kernel: 1, activation: leaky_relu, activity_l1: 0.1}}, {conv2d: {filters: 72, kernel: 3, padding: valid}}]", 0},
    {"35 to 37, 13x10, stride 2", 35, 13, 10, 3, "[{conv2d: {filters: 37, kernel: 4, stride: 2, padding: [2, 0], activation: relu}}, {conv2d: {filters: 40, kernel: 3, stride: 2, padding: [0, 2]}}]", 0},
    {"80 to 72, 9x8", 80, 9, 8, 5, "[conv2d: {filters: 72, kernel: 3, padding: same, activation: relu}]", DIRECT},
    {"1 to 16, 28x28", 1, 28, 28, 16, "[conv2d: {filters: 16, kernel: 3, padding: same, activation: relu}]", BENCH},
    {"16 to 1, 28x28", 16, 28, 28, 16, "[{conv2d: {filters: 16, kernel: 1, activation: relu}}, {conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}}]", BENCH},
    {"32 to 64 stride 2", 32, 14, 14, 17, "[conv2d: {filters: 64, kernel: 3, stride: 2, padding: same, activation: relu}]", BENCH | DIRECT},
    {0},
};

const reference reference_conv2d = {"conv2d", shape, forward, backward, cases, NULL, false, VARIANTS_ALL};
