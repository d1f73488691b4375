/* y[b,o,i*S - P + kh, j*S - P + kw] += x[b,c,i,j] w[c,o,kh,kw], then the bias. `same` gives input x stride and is the adjoint of
 * the `same` convolution that makes the input from the output. */
#include "../harness.h"
#include "../winograd.h"

typedef struct geometry { int k[2], s[2], d[2], p[2]; } geometry;

static geometry read_geometry(const trial *t, int out[2])
{
    geometry g = {.d = {1, 1}};
    int padding[2], extra[2], size[2] = {t->in[0].h, t->in[0].w};
    option_pair(t->node, "kernel", g.k);
    option_pair(t->node, "stride", g.s);
    option_pair(t->node, "padding", padding);
    option_pair(t->node, "output_padding", extra);
    if (option_exists(t->node, "dilation")) option_pair(t->node, "dilation", g.d);
    for (int a = 0; a < 2; a++) {
        int reach = (g.k[a] - 1) * g.d[a] + 1;
        bool same = padding[a] == HG_SAME;
        g.p[a] = same ? (reach > g.s[a] ? (reach - g.s[a]) / 2 : 0) : padding[a];
        out[a] = same ? size[a] * g.s[a] : (size[a] - 1) * g.s[a] - 2 * padding[a] + reach + extra[a];
    }
    return g;
}

static void shape(trial *t)
{
    int out[2];
    read_geometry(t, out);
    t->out[0] = (hg_shape){option_int(t->node, "filters"), out[0], out[1], false};
}

typedef void visit_fn(trial *t, void *data, size_t y, size_t x, size_t w);

static void walk(trial *t, visit_fn *visit, void *data)
{
    int size[2];
    const geometry g = read_geometry(t, size);
    const hg_shape in = t->in[0], out = t->out[0];
    for (int b = 0; b < t->batch; b++)
        for (int c = 0; c < in.c; c++)
            for (int i = 0; i < in.h; i++)
                for (int j = 0; j < in.w; j++)
                    for (int o = 0; o < out.c; o++)
                        for (int kh = 0; kh < g.k[0]; kh++)
                            for (int kw = 0; kw < g.k[1]; kw++) {
                                int y = i * g.s[0] - g.p[0] + kh * g.d[0], x = j * g.s[1] - g.p[1] + kw * g.d[1];
                                if (y < 0 || x < 0 || y >= out.h || x >= out.w) continue;
                                visit(t, data, at4(out, b, o, y, x), at4(in, b, c, i, j),
                                      (((size_t)c * (size_t)out.c + (size_t)o) * (size_t)g.k[0] + (size_t)kh) * (size_t)g.k[1] + (size_t)kw);
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
    for (size_t i = 0; i < t->y[0].n && t->node->n_params > 1; i++) sum_add(&s[i], t->w[1][i / pixels % (size_t)t->out[0].c]);
    sums_store(s, &t->y[0], 1);
    int size[2];
    const geometry g = read_geometry(t, size);
    const winograd_gather gather = {.batch = t->batch, .k = g.k[0], .s = g.s[0], .p = {g.p[0], g.p[1]}, .from_shape = t->in[0], .to_shape = t->out[0],
        .from = t->x[0], .w = t->w[0], .step_from = (size_t)(g.k[0] * g.k[1] * t->out[0].c), .step_to = (size_t)(g.k[0] * g.k[1]), .data = true};
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
    int size[2];
    const geometry at = read_geometry(t, size);
    const size_t taps = (size_t)(at.k[0] * at.k[1]);
    const winograd_gather gather = {.batch = t->batch, .k = at.k[0], .s = at.s[0], .p = {at.p[0], at.p[1]}, .from_shape = t->out[0], .to_shape = t->in[0],
        .from = t->dy[0], .w = t->w[0], .step_from = taps, .step_to = taps * (size_t)t->out[0].c};
    const winograd_weight weight = {.batch = t->batch, .k = at.k[0], .s = at.s[0], .p = {at.p[0], at.p[1]}, .large_shape = t->out[0],
        .small_shape = t->in[0], .large = t->dy[0], .small = t->x[0], .step_large = taps, .step_small = taps * (size_t)t->out[0].c};
    winograd_widen_gather(t->winograd_dx, &gather, &t->dx[0]);
    winograd_widen_weight(t->winograd_dw, &weight, &t->dw[0]);
    if (t->node->n_params > 1) bias_gradient(t, &t->dw[1]);
}

static const layer_case cases[] = {
    {"one pixel", 1, 1, 1, 1, "[conv2d_transpose: {filters: 1, kernel: 1}]", SMALL | GEOMETRY},
    {"3x3 stride 2 same", 3, 4, 3, 2, "[conv2d_transpose: {filters: 2, kernel: 3, stride: 2, padding: same}]", SMALL | FOREIGN},
    {"3x3 stride 1 same", 2, 5, 4, 2, "[conv2d_transpose: {filters: 3, kernel: 3, padding: same, activation: sigmoid}]", SMALL | GEOMETRY},
    {"kernel 2 stride 2", 2, 3, 4, 2, "[conv2d_transpose: {filters: 3, kernel: 2, stride: 2, padding: valid, activation: relu}]", SMALL},
    {"output padding", 2, 4, 3, 3, "[conv2d_transpose: {filters: 3, kernel: 3, stride: 2, padding: 1, output_padding: 1}]", SMALL | GEOMETRY},
    {"mixed", 3, 3, 5, 1, "[conv2d_transpose: {filters: 2, kernel: [4, 3], stride: [3, 2], padding: [1, 0], output_padding: [2, 0], activation: tanh}]", SMALL | GEOMETRY},
    {"kernel below stride", 2, 3, 3, 2, "[conv2d_transpose: {filters: 2, kernel: 2, stride: 3, padding: same, activation: elu}]", SMALL | GEOMETRY},
    {"kernel 5 stride 2 same", 2, 3, 4, 2, "[conv2d_transpose: {filters: 2, kernel: 5, stride: 2, padding: same, bias: false}]", SMALL | GEOMETRY},
    {"behind leaky_relu", 2, 3, 3, 2, "[{conv2d_transpose: {filters: 3, kernel: 1, activation: leaky_relu}}, {conv2d_transpose: {filters: 2, kernel: 4, stride: 2, padding: 1, activation: relu}}]", SMALL | FOREIGN},
    {"penalty between", 2, 3, 3, 2, "[{conv2d_transpose: {filters: 3, kernel: 2, activation: tanh, activity_l1: 0.2}}, {conv2d_transpose: {filters: 2, kernel: 3, stride: 2, padding: same}}]", SMALL | GEOMETRY},
    {"to 16 behind relu", 2, 3, 5, 2, "[{conv2d_transpose: {filters: 8, kernel: 1, activation: relu}}, {conv2d_transpose: {filters: 16, kernel: 3, stride: 2, padding: same}}]", SMALL | FOREIGN},
    {"8 to 4, stride 1", 8, 6, 14, 2, "[conv2d_transpose: {filters: 4, kernel: 3, padding: valid, activation: relu}]", SMALL | DIRECT},
    {"8 to 12, stride 1", 8, 7, 9, 2, "[conv2d_transpose: {filters: 12, kernel: 3, padding: [2, 1], activation: relu}]", SMALL},
    {"35 to 40 to 33, stride 1", 35, 9, 14, 3, "[{conv2d_transpose: {filters: 40, kernel: 3, padding: same, activation: leaky_relu}}, {conv2d_transpose: {filters: 33, kernel: 3, padding: 0}}]", 0},
    {"35 to 37 to 40, stride 2", 35, 5, 4, 3, "[{conv2d_transpose: {filters: 37, kernel: 4, stride: 2, padding: [1, 0], activation: relu}}, {conv2d_transpose: {filters: 40, kernel: 3, stride: 2, padding: [1, 2], output_padding: 1}}]", 0},
    {"40 to 3, stride 2", 40, 7, 9, 5, "[conv2d_transpose: {filters: 3, kernel: 4, stride: 2, padding: 1}]", 0},
    {"32 to 1, stride 1", 32, 19, 20, 3, "[conv2d_transpose: {filters: 1, kernel: 3, padding: same, activation: sigmoid}]", 0},
    {"4 to 4, stride 2, 18 pictures", 4, 2, 3, 18, "[{conv2d_transpose: {filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}}, {conv2d_transpose: {filters: 1, kernel: 2, stride: [3, 1], padding: 0}}]", SMALL | FOREIGN},
    {"16 to 1, stride 2", 16, 20, 21, 3, "[conv2d_transpose: {filters: 1, kernel: 3, stride: 2, padding: same, activation: sigmoid}]", 0},
    {"20 to 3, 19x18", 20, 19, 18, 2, "[conv2d_transpose: {filters: 3, kernel: [5, 3], padding: same, activation: tanh}]", 0},
    {"17 to 19 channels", 17, 5, 4, 3, "[conv2d_transpose: {filters: 19, kernel: 3, stride: 2, padding: same, activation: relu}]", 0},
    {"5x5 stride 3", 9, 6, 7, 2, "[conv2d_transpose: {filters: 7, kernel: 5, stride: 3, padding: 2, output_padding: 1}]", 0},
    {"16 to 20, padding 1 and 0", 16, 5, 6, 3, "[conv2d_transpose: {filters: 20, kernel: 3, stride: 2, padding: [1, 0], output_padding: 1, activation: relu}]", DIRECT},
    {"64 to 32, 14x14", 64, 14, 14, 5, "[conv2d_transpose: {filters: 32, kernel: 3, stride: 2, padding: same, activation: relu}]", BENCH | DIRECT},
    {"32 to 1, 28x28", 32, 28, 28, 5, "[{conv2d_transpose: {filters: 32, kernel: 1, activation: relu}}, {conv2d_transpose: {filters: 1, kernel: 3, padding: same, activation: sigmoid}}]", BENCH},
    {0},
};

const reference reference_conv2d_transpose = {"conv2d_transpose", shape, forward, backward, cases, NULL, false, VARIANTS_ALL};
