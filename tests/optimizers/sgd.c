/* m = momentum m + g; w -= lr m, or with Nesterov's look ahead lr (g + momentum m) (PyTorch's form). */
#include "optimizer.h"

#include <math.h>

#define UNIT 0x1p-24

static void step(const double *numbers, double lr, long step_number, cell *c, cell *tol)
{
    (void)step_number;
    double momentum = numbers[0], old = c->m0, w = c->w;
    c->m0 = momentum * old + c->g;
    tol->m0 = 4 * UNIT * (fabs(momentum * old) + fabs(c->g));
    double move = lr * (numbers[1] ? c->g + momentum * c->m0 : c->m0);
    c->w = w - move;
    tol->w = lr * tol->m0 + 4 * UNIT * (fabs(w) + fabs(move) + lr * fabs(c->g));
    if (momentum == 0) tol->m0 = HUGE_VAL; /* nothing need be kept */
}

static const optimizer_case cases[] = {
    {"plain", "sgd: {lr: 0.1}", 0, (const double[]){0, 0}},
    {"momentum", "sgd: {lr: 0.1, momentum: 0.9}", 0, (const double[]){0.9, 0}},
    {"nesterov", "sgd: {lr: 0.1, momentum: 0.9, nesterov: true}", 0, (const double[]){0.9, 1}},
    {"clipping", "sgd: {lr: 0.1, momentum: 0.5, clip_value: 0.125}", 0.125, (const double[]){0.5, 0}},
    {0},
};

int main(int argc, char **argv)
{
    return optimizer_main(argc, argv, &(optimizer_reference){"sgd", step, cases});
}
