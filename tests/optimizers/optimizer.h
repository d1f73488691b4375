/* What the tests of optimizers share: the kernel `update` is run over small arenas, and every number is compared with a step
 * in double precision that starts from what the device had before. */
#ifndef HG_TESTS_OPTIMIZER_H
#define HG_TESTS_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>

/* One number's state. `tol` of the results is filled by the reference. */
typedef struct cell { double w, g, m0, m1; } cell;

typedef struct optimizer_case {
    const char *name;
    const char *yaml;      /* "adam: {lr: 0.01}" */
    double clip_value;     /* as in the yaml; 0: none */
    const double *numbers; /* for the reference */
} optimizer_case;

typedef struct optimizer_reference {
    const char *name;
    /* Makes step `step` (from 1) at rate lr in place, and tells how far the device may be off in each of w, m0, m1. */
    void (*step)(const double *numbers, double lr, long step, cell *c, cell *tol);
    const optimizer_case *cases; /* ends with name NULL */
} optimizer_reference;

int optimizer_main(int argc, char **argv, const optimizer_reference *reference);

#endif
