/* Per channel over examples and pixels: y = (x - mean) / sqrt(var + epsilon) w + b with the biased variance; running statistics
 * move by `momentum` towards the batch's mean and unbiased variance (Ioffe and Szegedy 2015; PyTorch's BatchNorm2d). */
#include "../harness.h"

#include <math.h>
#include <stdlib.h>

/* Statistics of one channel with their bounds. */
typedef struct statistics { double n, mean, mean_tol, var, var_tol, rstd, rstd_off; } statistics;

enum { RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS };

static bool is_affine(const trial *t) { return option_bool(t->node, "affine"); }
static double weight(const trial *t, size_t c) { return is_affine(t) ? t->w[WEIGHT][c] : 1; }
static double bias(const trial *t, size_t c) { return is_affine(t) ? t->w[BIAS][c] : 0; }

static size_t pixels(const trial *t) { return (size_t)t->in[0].h * (size_t)t->in[0].w; }

typedef struct channel { const trial *t; size_t c, i, n; } channel; /* walks the numbers of one channel */

static bool next(channel *at, size_t *index)
{
    size_t p = pixels(at->t), channels = (size_t)at->t->in[0].c;
    if (at->i == at->n) return false;
    *index = (at->i / p * channels + at->c) * p + at->i % p;
    at->i++;
    return true;
}

static channel begin(const trial *t, size_t c) { return (channel){t, c, 0, pixels(t) * (size_t)t->batch}; }

static statistics measure(const trial *t, size_t c)
{
    double epsilon = option_float(t->node, "epsilon");
    statistics s = {0};
    sum total = {0}, square = {0};
    size_t i;
    if (!t->training) {
        s.mean = t->w[RUNNING_MEAN][c];
        s.var = t->w[RUNNING_VAR][c];
    } else {
        for (channel at = begin(t, c); next(&at, &i);) sum_add(&total, t->x[0][i]);
        s.n = total.n;
        s.mean = total.v / s.n;
        s.mean_tol = bound_of_sum(s.n + 2, total.mag) / s.n;
        for (channel at = begin(t, c); next(&at, &i);) sum_add(&square, (t->x[0][i] - s.mean) * (t->x[0][i] - s.mean));
        s.var = square.v / s.n;
        s.var_tol = bound_of_sum(s.n + 6, square.mag) / s.n + s.mean_tol * s.mean_tol + 2 * s.mean_tol * UNIT * sqrt(s.var);
    }
    s.rstd = 1 / sqrt(s.var + epsilon);
    s.rstd_off = 0.5 * s.var_tol / (s.var + epsilon) + 8 * UNIT;
    return s;
}

static double hat_tol(const statistics *s, double hat)
{
    return s->rstd * s->mean_tol + fabs(hat) * (s->rstd_off + 3 * UNIT) + (s->n ? 0 : 2 * UNIT * s->rstd * fabs(s->mean));
}

static void shape(trial *t) { t->out[0] = t->in[0]; }

static void forward(trial *t)
{
    double momentum = option_float(t->node, "momentum");
    size_t i;
    for (size_t c = 0; c < (size_t)t->in[0].c; c++) {
        statistics s = measure(t, c);
        for (channel at = begin(t, c); next(&at, &i);) {
            double hat = (t->x[0][i] - s.mean) * s.rstd, w = weight(t, c), b = bias(t, c);
            t->y[0].v[i] = hat * w + b;
            t->y[0].tol[i] = fabs(w) * hat_tol(&s, hat) + 4 * UNIT * (fabs(hat * w) + fabs(b)) + 3 * UNIT * fabs(w) * s.rstd * fabs(s.mean);
        }
        if (!t->training) continue;
        double unbiased = s.n > 1 ? s.var * s.n / (s.n - 1) : s.var, grow = s.n > 1 ? s.n / (s.n - 1) : 1;
        t->dw[RUNNING_MEAN].v[c] = (1 - momentum) * t->w[RUNNING_MEAN][c] + momentum * s.mean;
        t->dw[RUNNING_MEAN].tol[c] = momentum * s.mean_tol + 8 * UNIT * (fabs(t->w[RUNNING_MEAN][c]) + fabs(s.mean));
        t->dw[RUNNING_VAR].v[c] = (1 - momentum) * t->w[RUNNING_VAR][c] + momentum * unbiased;
        t->dw[RUNNING_VAR].tol[c] = momentum * grow * s.var_tol + 8 * UNIT * (fabs(t->w[RUNNING_VAR][c]) + unbiased);
    }
}

static void backward(trial *t)
{
    size_t i;
    for (size_t c = 0; c < (size_t)t->in[0].c; c++) {
        statistics s = measure(t, c);
        sum a = {0}, b = {0};
        double b_extra = 0;
        for (channel at = begin(t, c); next(&at, &i);) {
            double hat = (t->x[0][i] - s.mean) * s.rstd, dy = t->dy[0][i];
            sum_add(&a, dy);
            sum_add(&b, dy * hat);
            b_extra += fabs(dy) * hat_tol(&s, hat);
        }
        double b_tol = bound_of_sum(b.n + 6, b.mag) + b_extra, a_tol = bound_of_sum(a.n + 2, a.mag), w = weight(t, c);
        if (is_affine(t)) {
            t->dw[WEIGHT].v[c] = b.v, t->dw[WEIGHT].tol[c] = b_tol;
            t->dw[BIAS].v[c] = a.v, t->dw[BIAS].tol[c] = a_tol;
        }
        for (channel at = begin(t, c); next(&at, &i);) {
            double hat = (t->x[0][i] - s.mean) * s.rstd, dy = t->dy[0][i], scale = fabs(w) * s.rstd;
            double parts = fabs(dy) + fabs(a.v / s.n) + fabs(hat * b.v / s.n);
            t->dx[0].v[i] = w * s.rstd * (dy - a.v / s.n - hat * b.v / s.n);
            t->dx[0].tol[i] = scale * (a_tol / s.n + fabs(hat) * b_tol / s.n + hat_tol(&s, hat) * fabs(b.v / s.n) + parts * (8 * UNIT + s.rstd_off));
        }
    }
}

static const layer_case cases[] = {
    {"two numbers", 1, 1, 1, 2, "[batch_norm]", SMALL},
    {"pictures", 3, 4, 5, 2, "[batch_norm]", SMALL},
    {"flat", 7, 1, 1, 9, "[flatten, batch_norm]", SMALL},
    {"options", 2, 3, 3, 4, "[batch_norm: {momentum: 0.3, epsilon: 0.01}]", SMALL},
    {"not affine", 3, 4, 5, 2, "[batch_norm: {affine: false}]", SMALL},
    {"behind relu", 2, 5, 4, 3, "[{conv2d: {filters: 5, kernel: 3, padding: same, activation: relu}}, batch_norm, {activation: relu}, {conv2d: {filters: 2, kernel: 1}}]", SMALL},
    {"penalty", 2, 5, 4, 3, "[{conv2d: {filters: 5, kernel: 3, padding: same, activation: tanh, activity_l1: 0.1}}, batch_norm]", SMALL},
    {"evaluation", 3, 4, 5, 2, "[batch_norm]", SMALL | EVALUATE},
    {"evaluation flat", 17, 1, 1, 5, "[flatten, batch_norm]", EVALUATE},
    {"evaluation not affine", 3, 4, 5, 2, "[batch_norm: {affine: false}]", EVALUATE},
    {"large values", 5, 9, 7, 3, "[batch_norm]", LARGE_VALUES},
    {"17 channels", 17, 9, 11, 5, "[batch_norm]", 0},
    {"16x28x28", 16, 28, 28, 33, "[batch_norm]", BENCH},
    {"64x7x7", 64, 7, 7, 65, "[batch_norm]", BENCH},
    {0},
};

const reference reference_batch_norm = {"batch_norm", shape, forward, backward, cases, NULL, false};
