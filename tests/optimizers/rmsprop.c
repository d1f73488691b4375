/* v = rho v + (1 - rho) g^2; w -= lr g / (sqrt(v) + epsilon), or (Keras's form) lr g / sqrt(v + epsilon). */
#include "optimizer.h"

#include <math.h>

#define UNIT 0x1p-24

enum { RHO, EPSILON, KERAS };

static void step(const double *p, double lr, long n, cell *c, cell *tol)
{
    (void)n;
    double v = c->m0, g = c->g, w = c->w;
    c->m0 = p[RHO] * v + (1 - p[RHO]) * g * g;
    tol->m0 = 4 * UNIT * c->m0 + UNIT * g * g;
    double inside = c->m0 + (p[KERAS] ? p[EPSILON] : 0), below = sqrt(inside) + (p[KERAS] ? 0 : p[EPSILON]);
    double root_off = inside > 0 ? fmin(sqrt(tol->m0), 0.5 * tol->m0 / sqrt(inside)) : 0, move = g == 0 ? 0 : lr * g / below;
    c->w = w - move;
    tol->w = 4 * UNIT * (fabs(w) + fabs(move)) + fabs(move) * (root_off / below + 12 * UNIT);
}

static const optimizer_case cases[] = {
    {"defaults", "rmsprop: {lr: 0.001}", 0, (const double[]){0.99, 1e-8, 0}},
    {"clipping", "rmsprop: {lr: 0.001, clip_value: 0.3}", 0.3, (const double[]){0.99, 1e-8, 0}},
    {"options", "rmsprop: {lr: 0.001, rho: 0.8, epsilon: 0.001}", 0, (const double[]){0.8, 1e-3, 0}},
    {"keras", "rmsprop: {lr: 0.001, rho: 0.9, epsilon: 0.0000001, epsilon_form: keras}", 0, (const double[]){0.9, 1e-7, 1}},
    {0},
};

int main(int argc, char **argv)
{
    return optimizer_main(argc, argv, &(optimizer_reference){"rmsprop", step, cases});
}
