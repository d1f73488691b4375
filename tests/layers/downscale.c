/* Sides divided by the factor. average: the mean of the factor's pixels; bilinear: the value at (i + 1/2) factor - 1/2 between pixel
 * centres, as PyTorch's interpolate without antialiasing; nearest: pixel i factor, as PyTorch's. */
#include "../harness.h"

#include <math.h>
#include <string.h>

static void shape(trial *t)
{
    int f[2];
    option_pair(t->node, "factor", f);
    t->out[0] = (hg_shape){t->in[0].c, t->in[0].h / f[0], t->in[0].w / f[1], false};
}

/* The weight of input pixel k in output i along one side. */
static double weight(const char *method, int i, int k, int factor)
{
    if (strcmp(method, "average") == 0) return k / factor == i ? 1.0 / factor : 0;
    if (strcmp(method, "nearest") == 0) return k == i * factor;
    return fmax(1 - fabs((i + 0.5) * factor - 0.5 - k), 0);
}

static void forward(trial *t)
{
    const char *method = option_name(t->node, "method");
    const hg_shape in = t->in[0], out = t->out[0];
    int f[2];
    option_pair(t->node, "factor", f);
    sum *s = sums_make(t->y[0].n);
    for (int b = 0; b < t->batch; b++)
        for (int c = 0; c < out.c; c++)
            for (int i = 0; i < out.h; i++)
                for (int j = 0; j < out.w; j++)
                    for (int k = i * f[0]; k < (i + 1) * f[0]; k++)
                        for (int l = j * f[1]; l < (j + 1) * f[1]; l++) {
                            const double share = weight(method, i, k, f[0]) * weight(method, j, l, f[1]);
                            if (share > 0) sum_add(&s[at4(out, b, c, i, j)], share * t->x[0][at4(in, b, c, k, l)]);
                        }
    sums_store(s, &t->y[0], 4);
}

#define DOWNSCALE(text) "corrupt: {downscale: {" text "}}\nencoder: "
static const layer_case cases[] = {
    {"one pixel", 1, 1, 1, 1, DOWNSCALE("factor: 2") "[]", SMALL},
    {"average 2", 3, 3, 4, 2, DOWNSCALE("factor: 2") "[]", SMALL},
    {"average 3x1", 2, 3, 4, 2, DOWNSCALE("factor: [3, 1]") "[]", SMALL},
    {"bilinear 2", 3, 3, 4, 2, DOWNSCALE("factor: 2, method: bilinear") "[]", SMALL},
    {"bilinear 3x4", 1, 3, 4, 2, DOWNSCALE("factor: [3, 4], method: bilinear") "[]", SMALL},
    {"nearest 4", 3, 3, 2, 2, DOWNSCALE("factor: 4, method: nearest") "[]", SMALL},
    {"factor 1", 2, 3, 3, 2, DOWNSCALE("factor: 1") "[]", SMALL},
    {"whole", 2, 4, 3, 3, DOWNSCALE("factor: 2") "[{conv2d: {filters: 3, kernel: 3, padding: same, activation: relu}}]\nloss: mse\n"
     "decoder: [{conv2d_transpose: {filters: 2, kernel: 4, stride: 2, padding: 1}}]", SMALL},
    {"twice, and noise", 1, 3, 3, 2, "corrupt: [{downscale: {factor: 2}}, noise, {downscale: {factor: 3, method: nearest}}]\nencoder: [{conv2d: {filters: 2, kernel: 3}}]", SMALL},
    {"evaluation", 3, 3, 4, 2, DOWNSCALE("factor: 2") "[{conv2d: {filters: 2, kernel: 1}}]", SMALL | EVALUATE},
    {"17 channels", 17, 5, 7, 3, DOWNSCALE("factor: 2") "[]", 0},
    {"3x128x128", 3, 128, 128, 4, DOWNSCALE("factor: 2") "[]", BENCH},
    {0},
};

const reference reference_downscale = {"downscale", shape, forward, NULL, cases, NULL, false};
