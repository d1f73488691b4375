/* Learning rates at given steps. */
#include "model/loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "context.h"

static double rate(const char *schedule, int64_t step, int64_t steps)
{
    char text[512];
    int n = snprintf(text, sizeof text, "input: {channels: 1, height: 2, width: 2}\nencoder: [flatten, {dense: {units: 4}}]\n"
                                        "optimizer: {sgd: {lr: 0.5, schedule: %s}}\n", schedule);
    hg_context_clear(ctx);
    hg_graph *graph = hg_graph_parse_layers(ctx, "schedule", text, (size_t)n);
    if (!graph) fail_msg("%s: %s", schedule, hg_message(ctx));
    const hg_optimizer_common *o = graph->updaters[0].optimizer.options;
    double lr = ((const hg_schedule *)o->schedule.type)->rate(o->schedule.options, o->lr, step, steps);
    hg_model_destroy(graph);
    return lr;
}

static void expect(const char *schedule, int64_t step, int64_t steps, double want)
{
    double have = rate(schedule, step, steps);
    if (!(fabs(have - want) <= 1e-12 * fabs(want))) fail_msg("%s at step %d of %d: %.15g, should be %.15g", schedule, (int)step, (int)steps, have, want);
}

static void test_constant(void **unused)
{
    (void)unused;
    expect("constant", 1, 100, 0.5);
    expect("constant", 100, 100, 0.5);
}

static void test_exponential(void **unused)
{
    (void)unused;
    expect("{exponential: {rate: 0.9}}", 1, 100, 0.5);
    expect("{exponential: {rate: 0.9}}", 11, 100, 0.5 * pow(0.9, 10));
    expect("{exponential: {rate: 0.9, floor: 0.1}}", 11, 100, 0.1 + 0.4 * pow(0.9, 10));
    expect("{exponential: {rate: 0.5, floor: 0.1}}", 1000, 1000, 0.1);
}

static void test_cosine(void **unused)
{
    (void)unused;
    expect("cosine", 1, 101, 0.5);
    expect("cosine", 51, 101, 0.25);
    expect("{cosine: {floor: 0.1}}", 51, 101, 0.3);
    expect("{cosine: {floor: 0.1}}", 101, 101, 0.1);
    expect("{cosine: {floor: 0.1}}", 200, 101, 0.1); /* resumed with fewer steps: stays where it is */
}

/* Linear from 0, then as without; a cosine then spans the steps that are left. */
static void test_warmup(void **unused)
{
    (void)unused;
    expect("{constant: {warmup: 10}}", 1, 100, 0.05);
    expect("{constant: {warmup: 10}}", 9, 100, 0.45);
    expect("{constant: {warmup: 10}}", 10, 100, 0.5);
    expect("{constant: {warmup: 10}}", 90, 100, 0.5);
    expect("{cosine: {warmup: 10}}", 5, 111, 0.25);
    expect("{cosine: {warmup: 10}}", 11, 111, 0.5);
    expect("{cosine: {warmup: 10}}", 61, 111, 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_constant), cmocka_unit_test(test_exponential), cmocka_unit_test(test_cosine), cmocka_unit_test(test_warmup)};
    return cmocka_run_group_tests_name("schedules", tests, set_up, tear_down);
}
