/* v = rho v + (1 - rho) g^2; d = sqrt(u + epsilon) / sqrt(v + epsilon) g; u = rho u + (1 - rho) d^2; w -= lr d (Zeiler 2012). */
#include "optimizer.h"

#include <math.h>

#define UNIT 0x1p-24

enum { RHO, EPSILON };

static void step(const double *p, double lr, long n, cell *c, cell *tol)
{
    (void)n;
    double v = c->m0, u = c->m1, g = c->g, w = c->w;
    c->m0 = p[RHO] * v + (1 - p[RHO]) * g * g;
    tol->m0 = 4 * UNIT * c->m0 + UNIT * g * g;
    double d = sqrt(u + p[EPSILON]) / sqrt(c->m0 + p[EPSILON]) * g, d_off = fabs(d) * (0.5 * tol->m0 / (c->m0 + p[EPSILON]) + 16 * UNIT);
    c->m1 = p[RHO] * u + (1 - p[RHO]) * d * d;
    tol->m1 = 4 * UNIT * c->m1 + UNIT * d * d + 2 * fabs(d) * d_off;
    c->w = w - lr * d;
    tol->w = 4 * UNIT * (fabs(w) + fabs(lr * d)) + lr * d_off;
}

static const optimizer_case cases[] = {
    {"defaults", "adadelta: {lr: 1.0}", 0, (const double[]){0.9, 1e-6}},
    {"clipping", "adadelta: {lr: 1.0, clip_value: 0.3}", 0.3, (const double[]){0.9, 1e-6}},
    {"options", "adadelta: {lr: 1.0, rho: 0.95, epsilon: 0.0001}", 0, (const double[]){0.95, 1e-4}},
    {0},
};

int main(int argc, char **argv)
{
    return optimizer_main(argc, argv, &(optimizer_reference){"adadelta", step, cases});
}
