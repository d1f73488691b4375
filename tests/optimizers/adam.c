/* m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, with both divided by 1 - b^step: w -= lr m / (sqrt(v) + epsilon), or (Keras's
 * form) epsilon added before the correction: w -= lr sqrt(1 - b2^step) / (1 - b1^step) m / (sqrt(v) + epsilon). Kingma and Ba 2014. */
#include "optimizer.h"

#include <math.h>

#define UNIT 0x1p-24

enum { B1, B2, EPSILON, KERAS };

static void step(const double *p, double lr, long n, cell *c, cell *tol)
{
    double m = c->m0, v = c->m1, g = c->g, w = c->w, c1 = 1 - pow(p[B1], (double)n), c2 = 1 - pow(p[B2], (double)n);
    c->m0 = p[B1] * m + (1 - p[B1]) * g;
    c->m1 = p[B2] * v + (1 - p[B2]) * g * g;
    /* 1 - b is held as a float or computed from one: off by UNIT of b */
    tol->m0 = 4 * UNIT * (fabs(p[B1] * m) + fabs((1 - p[B1]) * g)) + UNIT * fabs(g);
    tol->m1 = 4 * UNIT * c->m1 + UNIT * g * g;
    double root = sqrt(c->m1), below = p[KERAS] ? root / sqrt(c2) + p[EPSILON] / sqrt(c2) : root / sqrt(c2) + p[EPSILON];
    double move = lr * c->m0 / c1 / below;
    /* the root of a small v: d sqrt(v) = dv / (2 sqrt(v)) */
    double root_off = c->m1 > 0 ? fmin(sqrt(tol->m1), 0.5 * tol->m1 / root) / sqrt(c2) : sqrt(1.2e-38);
    c->w = w - move;
    tol->w = 4 * UNIT * (fabs(w) + fabs(move)) + lr / c1 * tol->m0 / below + fabs(move) * (root_off / below + 16 * UNIT);
}

static const optimizer_case cases[] = {
    {"defaults", "adam: {lr: 0.001}", 0, (const double[]){0.9, 0.999, 1e-8, 0}},
    {"options", "adam: {lr: 0.001, beta1: 0.5, beta2: 0.9, epsilon: 0.001}", 0, (const double[]){0.5, 0.9, 1e-3, 0}},
    {"keras", "adam: {lr: 0.001, epsilon: 0.001, epsilon_form: keras}", 0, (const double[]){0.9, 0.999, 1e-3, 1}},
    {"clipping", "adam: {lr: 0.001, clip_value: 0.3}", 0.3, (const double[]){0.9, 0.999, 1e-8, 0}},
    {0},
};

int main(int argc, char **argv)
{
    return optimizer_main(argc, argv, &(optimizer_reference){"adam", step, cases});
}
