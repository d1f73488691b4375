/* m = momentum m + g; w -= lr m (PyTorch's form). */
#include "optimizer.h"

#include <math.h>

#define UNIT 0x1p-24

static void step(const double *numbers, double lr, long step_number, cell *c, cell *tol)
{
    (void)step_number;
    double momentum = numbers[0], old = c->m0, w = c->w;
    c->m0 = momentum * old + c->g;
    tol->m0 = 4 * UNIT * (fabs(momentum * old) + fabs(c->g));
    c->w = w - lr * c->m0;
    tol->w = lr * tol->m0 + 4 * UNIT * (fabs(w) + fabs(lr * c->m0));
    if (momentum == 0) tol->m0 = HUGE_VAL; /* nothing need be kept */
}

static const optimizer_case cases[] = {
    {"plain", "sgd: {lr: 0.1}", 0, (const double[]){0}},
    {"momentum", "sgd: {lr: 0.1, momentum: 0.9}", 0, (const double[]){0.9}},
    {"clip_value", "sgd: {lr: 0.1, momentum: 0.5, clip_value: 0.125}", 0.125, (const double[]){0.5}},
    {0},
};

int main(int argc, char **argv)
{
    return optimizer_main(argc, argv, &(optimizer_reference){"sgd", step, cases});
}
