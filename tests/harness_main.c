/* The tests of one layer or loss, and its benchmark. */
#include "harness_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/conv.h"
#include "model/variant.h"

static const reference *current; /* the layer under test */

static bool chosen(const layer_case *c, bool finite)
{
    if (harness.only && strcmp(harness.only, c->name) != 0) return false;
    return !(harness.small || finite) || (c->flags & SMALL);
}

static void test_finite_differences(void **unused)
{
    (void)unused;
    for (const layer_case *c = current->cases; c->name; c++) {
        if (!chosen(c, true) || (c->flags & EVALUATE)) continue;
        uint64_t state = seed_for(c->name);
        hg_graph *graph = harness_graph(c, false);
        for (int i = 0; i < graph->n_nodes; i++) {
            const reference *ref = reference_for(graph->nodes[i]);
            if (ref == current && ref->backward && ref->forward) finite_node(graph, graph->nodes[i], ref, c->batch, &state);
        }
        hg_model_destroy(graph);
    }
}

/* ---- the tests of a layer on the device */

enum { MAX_VARIANTS = 32 };
static const char *variants[MAX_VARIANTS]; /* NULL: what the heuristic picks */
static int n_variants;

static void add_variant(const char *name)
{
    for (int i = 0; i < n_variants; i++)
        if (variants[i] && name && strcmp(variants[i], name) == 0) return;
    assert_true(n_variants < MAX_VARIANTS);
    variants[n_variants++] = name;
}

static void list_variants(void)
{
    const hg_operation *const operations[] = {&hg_conv_forward, &hg_conv_data, &hg_conv_weight};
    add_variant(harness.variant);
    if (harness.variant) return;
    add_variant("plain");
    for (int i = 0; i < 3 && current->variants; i++)
        for (int k = 0; k < operations[i]->count; k++) {
            const hg_variant *variant = operations[i]->variants[k];
            if (current->variants == VARIANTS_ALL || variant->pooled) add_variant(variant->name);
        }
}

/* What would be launched: two variants with the same text are the same thing. */
static uint64_t signature(const hg_plan *plan)
{
    int n;
    hg_launch *const *launches = hg_plan_launches(plan, &n);
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < n; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%s|%s|%s|%zu %zu %zu|%zu %zu %zu\n", launches[i]->file, launches[i]->kernel, launches[i]->macros, launches[i]->global[0],
                 launches[i]->global[1], launches[i]->global[2], launches[i]->local[0], launches[i]->local[1], launches[i]->local[2]);
        for (const char *p = text; *p; p++) h = (h ^ (uint8_t)*p) * 1099511628211u;
    }
    return h;
}

static void compare_runs(const rig *a, const rig *b, const char *why)
{
    for (int i = 0; i < a->graph->n_tensors; i++) {
        size_t n = tensor_count(a->graph, i, a->c->batch);
        same_bits(a->value[i], b->value[i], n, a->graph->tensors[i]->name, why);
        same_bits(a->grad[i], b->grad[i], n, a->graph->tensors[i]->name, why);
    }
    for (int i = 0; i < a->graph->n_params; i++) {
        same_bits(a->dparam[i], b->dparam[i], a->graph->params[i]->count, a->graph->params[i]->name, why);
        same_bits(a->param_after[i], b->param_after[i], a->graph->params[i]->count, a->graph->params[i]->name, why);
    }
}

/* Moves the numbers of one rig into another that shares its shape. */
static void take_numbers(rig *from, rig *to)
{
    rig swap = *from;
    from->value = to->value, from->grad = to->grad, from->param = to->param, from->dparam = to->dparam, from->param_after = to->param_after;
    to->value = swap.value, to->grad = swap.grad, to->param = swap.param, to->dparam = swap.dparam, to->param_after = swap.param_after;
}

static void test_case(const layer_case *c, const char *variant, int storage, uint64_t *seen, int *n_seen)
{
    hg_device *dev = harness_device(variant);
    rig guarded, shared;
    rig_create(&guarded, dev, c, RIG_GUARDED | storage);
    uint64_t sign = signature(guarded.plan);
    for (int i = 0; i < *n_seen; i++) {
        if (seen[i] != sign) continue;
        rig_destroy(&guarded);
        return;
    }
    seen[(*n_seen)++] = sign;
    rig_run(&guarded, RIG_GUARDED);
    double worst = check_run(&guarded, variant, false);

    rig_create(&shared, dev, c, storage);
    take_numbers(&guarded, &shared);
    rig_run(&guarded, RIG_GUARDED);
    compare_runs(&shared, &guarded, "a second run gives other bits");
    rig_run(&shared, 0);
    compare_runs(&guarded, &shared, "the plan with shared memory gives other bits than the guarded one");
    rig_destroy(&shared);

    if (!(c->flags & EVALUATE)) {
        rig_run(&guarded, RIG_GUARDED | RIG_NAN);
        check_run(&guarded, variant, true);
    }
    rig_destroy(&guarded);
    print_message("    %s, %s%s: largest error %.2f of its bound\n", c->name, variant ? variant : "heuristic", storage ? ", halves" : "", worst);
}

/* Does the case go through the variant? Few do in a family that was not written for the device and is never chosen there. */
static bool is_for(const layer_case *c, const char *variant, int storage)
{
    if (!variant || harness.variant) return true;
    const bool wide = hg_has_wide_vectors(hg_device_get_info(harness_device(NULL)));
    const bool foreign = strncmp(variant, wide ? "gpu" : "cpu", 3) == 0;
    if (foreign && (storage || !(c->flags & FOREIGN))) return false;
    return !(c->flags & DIRECT) || strncmp(variant, "winograd", 8) != 0;
}

/* The small cases, or the others. */
static void test_cases(int storage, bool small)
{
    harness_device(NULL);
    for (const layer_case *c = current->cases; c->name; c++) {
        uint64_t seen[MAX_VARIANTS];
        int n_seen = 0;
        if (!chosen(c, false) || small != !!(c->flags & SMALL) || (storage && (c->flags & GEOMETRY))) continue;
        for (int v = 0; v < n_variants; v++)
            if (is_for(c, variants[v], storage)) test_case(c, variants[v], storage, seen, &n_seen);
    }
}

static void test_small(void **unused)
{
    (void)unused;
    test_cases(0, true);
}

/* Sizes make no difference to how numbers are stored. */
static void test_halves(void **unused)
{
    (void)unused;
    test_cases(RIG_MIXED, true);
}

static void test_others(void **unused)
{
    (void)unused;
    test_cases(0, false);
}

/* ---- benchmark */

static void bench_case(const layer_case *c, const char *variant)
{
    hg_device *dev = harness_device(variant);
    rig r;
    rig_create(&r, dev, c, 0);
    rig_run(&r, 0);
    int n;
    hg_launch *const *launches = hg_plan_launches(r.plan, &n);
    double whole;
    check(hg_launches_time(dev, launches, n, 20, &whole), "timing");
    for (int i = 0; i < n; i++) {
        const hg_launch *l = launches[i];
        printf("%-16s %-10s %-36s %-20s %9.4f ms %8.1f GFLOP/s %7.1f GB/s\n", c->name, variant ? variant : "heuristic", l->label,
               l->variant ? l->variant : "", l->seconds * 1e3, l->flops / l->seconds * 1e-9, l->bytes / l->seconds * 1e-9);
    }
    rig_destroy(&r);
}

static void test_bench(void **unused)
{
    (void)unused;
    for (const layer_case *c = current->cases; c->name; c++)
        for (int v = 0; (c->flags & BENCH) && chosen(c, false) && v < n_variants; v++) bench_case(c, variants[v]);
}

/* ---- main */

static bool parse_arguments(int argc, char **argv, const char **layer)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--small") == 0) harness.small = true;
        else if (strcmp(argv[i], "--bench") == 0) harness.bench = true;
        else if (argv[i][0] != '-' && !*layer) *layer = argv[i];
        else if (!value) return false;
        else if (strcmp(argv[i], "--device") == 0) harness.device = argv[++i];
        else if (strcmp(argv[i], "--variant") == 0) harness.variant = argv[++i];
        else if (strcmp(argv[i], "--case") == 0) harness.only = argv[++i];
        else if (strcmp(argv[i], "--seed") == 0) harness.seed = strtoull(argv[++i], NULL, 10);
        else return false;
    }
    return *layer != NULL;
}

/* A name that no case has would pass without testing anything. */
static bool case_exists(void)
{
    for (const layer_case *c = current->cases; c->name; c++)
        if (!harness.only || strcmp(harness.only, c->name) == 0) return true;
    fprintf(stderr, "%s has no case named \"%s\"; its cases:\n", current->layer, harness.only);
    for (const layer_case *c = current->cases; c->name; c++) fprintf(stderr, "  %s\n", c->name);
    return false;
}

int main(int argc, char **argv)
{
    const char *layer = NULL;
    if (!parse_arguments(argc, argv, &layer) || !(current = reference_of(layer))) {
        fprintf(stderr, "usage: %s LAYER [--device SEL] [--variant NAME] [--case NAME] [--small] [--bench] [--seed N]\n", argv[0]);
        return 2;
    }
    if (!case_exists()) return 2;
    list_variants();
    printf("%s, seed %llu\n", layer, (unsigned long long)harness.seed);
    struct CMUnitTest tests[16] = {0};
    size_t n = 0;
    if (harness.bench) {
        tests[n++] = (struct CMUnitTest){"benchmark", test_bench, NULL, NULL, NULL};
    } else {
        tests[n++] = (struct CMUnitTest){"reference against finite differences", test_finite_differences, NULL, NULL, NULL};
        /* what --small does comes first: a driver that keeps what it compiles has it for a run that does no more than that */
        tests[n++] = (struct CMUnitTest){"device against reference in every variant", test_small, NULL, NULL, NULL};
        tests[n++] = (struct CMUnitTest){"the same with values stored as half", test_halves, NULL, NULL, NULL};
        if (!harness.small) tests[n++] = (struct CMUnitTest){"larger cases", test_others, NULL, NULL, NULL};
        for (const extra_test *e = current->extras; e && e->name; e++) tests[n++] = (struct CMUnitTest){e->name, e->run, NULL, NULL, NULL};
    }
    int failed = _cmocka_run_group_tests(layer, tests, n, NULL, NULL);
    harness_close();
    return failed;
}
