/* The context that all tests of a program share: set_up and tear_down for cmocka_run_group_tests. */
#ifndef HG_TESTS_CONTEXT_H
#define HG_TESTS_CONTEXT_H

#include "hourglass.h"

static hg_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = hg_context_create(NULL, NULL);
    return ctx == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    hg_context_destroy(ctx);
    return 0;
}

#endif
