/* Launches, and that kernels keep the arithmetic that they are written in. */
#include "own_kernels.h"

/* ---- launches */

typedef struct steps { int calls, first_done, last_done, total; } steps;

static void note(void *user, int done, int total)
{
    steps *s = user;
    if (s->calls++ == 0) s->first_done = done;
    s->last_done = done;
    s->total = total;
}

static void launching(void **state)
{
    (void)state;
    need_device();
    hg_buffer *to = hg_buffer_create(dev, 64 * sizeof(int), "to");
    check(to != NULL);
    int local = hg_device_get_info(dev)->max_work_group >= 8 ? 8 : 1, found[64];
    hg_launch fill = fill_launch(to, "-DADD=3", local), once = plain_launch(to, "-DADD=3"),
              twice = plain_launch(to, NULL), again = plain_launch(to, "-DADD=3");
    hg_launch *all[] = {&fill, &once, &twice, &again};
    steps s = {0};
    check(hg_launches_build(dev, all, 4, note, &s));
    assert_true(s.calls >= 2 && s.first_done == 0 && s.last_done == 3 && s.total == 3); /* two are of one kernel */
    check(hg_launches_run(dev, all, 3));
    check(hg_buffer_read(to, 0, found, sizeof found));
    for (int i = 0; i < 64; i++) assert_int_equal(found[i], (i < 60 ? i * 3 + 7 : 0) + 3 + 1);
    s.calls = 0;
    check(hg_launches_build(dev, all, 4, note, &s)); /* again: nothing to build, nothing leaks */
    assert_int_equal(s.calls, 0);
    double whole, sum = 0;
    check(hg_launches_time(dev, all, 3, 1, &whole));
    for (int i = 0; i < 3; i++) {
        assert_true(all[i]->seconds > 0 && all[i]->seconds < 1);
        assert_true(all[i]->seconds_min == all[i]->seconds && all[i]->seconds_max == all[i]->seconds);
        sum += all[i]->seconds;
    }
    assert_true(whole >= sum * (1 - 1e-9));
    check(hg_launches_time(dev, all, 3, 5, &whole));
    for (int i = 0; i < 3; i++) assert_true(all[i]->seconds_min <= all[i]->seconds && all[i]->seconds <= all[i]->seconds_max);
    hg_launches_release(all, 4);
    hg_launches_release(all, 4);
    hg_buffer_destroy(to);
}

static bool count_down(void *user)
{
    return (*(int *)user)-- > 0;
}

/* Every item is taken once in every run, whether work-items are many or few; where only code is made, the first one. Behind each run the
 * count is what it was. */
static void taking(void **state)
{
    enum { N = 60, RUNS = 7 };
    static const size_t groups[] = {1, 3, 60, 100};
    (void)state;
    need_device();
    hg_buffer *seen = hg_buffer_create(dev, N * sizeof(int), "seen"), *taken = hg_buffer_create(dev, sizeof(int), "taken");
    check(seen && taken);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        hg_launch take = {.label = "layer take", .file = "k", .kernel = "take", .n_args = 3, .dims = 1, .global = {groups[g]}, .local = {1},
                          .args = {{.type = HG_ARG_BUFFER, .buffer = seen}, {.type = HG_ARG_ITEMS, .i = N}, {.type = HG_ARG_BUFFER, .buffer = taken}}};
        hg_launch *all[] = {&take};
        int found[N], count, once = 1;
        check(hg_buffer_fill(seen, 0) && hg_launches_build(dev, all, 1, NULL, NULL));
        for (int r = 0; r < RUNS; r++) check(hg_launches_run(dev, all, 1));
        check(hg_launches_compile(dev, all, 1, 0, 1, count_down, &once));
        check(hg_launches_run(dev, all, 1));
        check(hg_buffer_read(seen, 0, found, sizeof found) && hg_buffer_read(taken, 0, &count, sizeof count));
        for (int i = 0; i < N; i++) assert_int_equal(found[i], (RUNS + 1 + (i == 0)) * (i + 1));
        assert_int_equal(count, 0);
        hg_launches_release(all, 1);
    }
    hg_buffer_destroy(seen);
    hg_buffer_destroy(taken);
}

/* The last kernel runs first, each once and in one work-group, in turns with other processes, as long as it is wanted. */
static void compiling(void **state)
{
    (void)state;
    need_device();
    hg_buffer *to = hg_buffer_create(dev, 64 * sizeof(int), "to"), *other = hg_buffer_create(dev, 64 * sizeof(int), "other");
    check(to && other);
    const int local = hg_device_get_info(dev)->max_work_group >= 8 ? 8 : 1;
    hg_launch fill = fill_launch(to, "-DADD=3", local), three = plain_launch(to, "-DADD=3"), one = plain_launch(to, NULL),
              again = plain_launch(other, "-DADD=3");
    hg_launch *all[] = {&fill, &three, &one, &again};
    check(hg_launches_build(dev, all, 4, NULL, NULL));
    /* which process of how many, how many kernels are wanted; what is then behind the work-group that fills, and what in it */
    static const struct { int part, parts, wanted, behind; bool filled; } tries[] = {
        {0, 1, 9, 4, true}, {0, 1, 3, 4, true}, {0, 1, 2, 4, false}, {0, 1, 1, 1, false}, {0, 1, 0, 0, false},
        {0, 2, 9, 1, true}, {1, 2, 9, 3, false}, {2, 3, 9, 0, true}, {3, 4, 9, 0, false}};
    for (size_t t = 0; t < sizeof tries / sizeof *tries; t++) {
        int found[64], wanted = tries[t].wanted;
        check(hg_buffer_fill(to, 0) && hg_buffer_fill(other, 0));
        check(hg_launches_compile(dev, all, 4, tries[t].part, tries[t].parts, count_down, &wanted));
        check(hg_buffer_read(to, 0, found, sizeof found));
        for (int i = 0; i < 64; i++) assert_int_equal(found[i], tries[t].filled && i < local ? 3 * i + 7 : tries[t].behind);
        check(hg_buffer_read(other, 0, found, sizeof found));
        for (int i = 0; i < 64; i++) assert_int_equal(found[i], 0);
    }
    hg_launches_release(all, 4);
    hg_buffer_destroy(other);
    hg_buffer_destroy(to);
}

/* ---- what kernels compute */

static void same_bits_as_the_host(void **state)
{
    (void)state;
    need_device();
    enum { N = 64 };
    uint32_t counters[N][4], found[N][4];
    const uint32_t key[2] = {0xa4093822, 0x299f31d0};
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t k = 0; k < 4; k++) counters[i][k] = i == 0 ? 0 : i == 1 ? ~0u : i * 0x9E3779B9u + k * 0x85EBCA6Bu;
    hg_buffer *to = hg_buffer_create(dev, sizeof found, "to"), *from = hg_buffer_create(dev, sizeof counters, "from");
    check(to && from && hg_buffer_write(from, 0, counters, sizeof counters));
    hg_launch launch = {.label = "draw",
                        .file = "k",
                        .kernel = "draw",
                        .macros = "",
                        .n_args = 4,
                        .dims = 1,
                        .global = {N},
                        .args = {{.type = HG_ARG_BUFFER, .buffer = to},
                                 {.type = HG_ARG_BUFFER, .buffer = from},
                                 {.type = HG_ARG_INT, .i = (int32_t)key[0]},
                                 {.type = HG_ARG_INT, .i = (int32_t)key[1]}}};
    hg_launch *list[] = {&launch};
    check(hg_launches_build(dev, list, 1, NULL, NULL) && hg_launches_run(dev, list, 1) &&
          hg_buffer_read(to, 0, found, sizeof found));
    for (int i = 0; i < N; i++) {
        uint32_t expected[4];
        hg_philox(counters[i], key, expected);
        assert_memory_equal(found[i], expected, sizeof expected);
    }
    hg_launches_release(list, 1);
    hg_buffer_destroy(from);
    hg_buffer_destroy(to);
}

/* ---- launches that are recorded */

/* 300 runs of x += 3: replayed, enqueued, and as the comparison of the two chooses. */
static void recording(void **state)
{
    (void)state;
    static const char *const forced[] = {"step=replay", "step=enqueue", NULL};
    need_device();
    for (int i = 0; i < 3; i++) {
        hg_device *own = hg_device_open(ctx, &(hg_device_params){.variants = forced[i]});
        hg_buffer *x = own ? hg_buffer_create(own, 4, "x") : NULL;
        check(x != NULL);
        hg_launch add[2];
        for (int k = 0; k < 2; k++)
            add[k] = (hg_launch){.label = "link", .file = "record", .kernel = "record_link", .macros = "", .dims = 1, .global = {1}, .local = {1}, .n_args = 2,
                                 .args = {{.type = HG_ARG_BUFFER, .buffer = x}, {.type = HG_ARG_INT, .i = 5 + k}}};
        hg_launch *list[] = {&add[0], &add[1]};
        check(hg_launches_build(own, list, 2, NULL, NULL));
        hg_record *record = hg_record_create(own, list, 2);
        check(record != NULL);
        uint32_t expected = 0, found;
        for (int run = 0; run < 300; run++) {
            check(hg_record_run(record));
            expected = 3 * (3 * expected + 5) + 6;
        }
        check(hg_buffer_read(x, 0, &found, sizeof found));
        assert_int_equal(found, expected);
        if (i == 1 || !hg_device_get_info(own)->command_buffer) assert_false(hg_record_replays(record));
        if (i == 0 && strstr(hg_device_get_info(own)->platform, "Portable Computing Language")) assert_true(hg_record_replays(record));
        hg_record_destroy(record);
        hg_record_destroy(NULL);
        hg_launches_release(list, 2);
        hg_buffer_destroy(x);
        hg_device_close(own);
    }
}

/* Sums of what other sums were before, 300 times: in two lanes and in one. The second is needed by nobody but the last, so that it may run
 * beside the others; the next run's first writes what it reads. */
static void lanes(void **state)
{
    (void)state;
    enum { SUMS = 7, RUNS = 300 };
    static const int from[SUMS][2] = {{6, 6}, {0, 0}, {0, 0}, {2, 2}, {3, 3}, {4, 4}, {5, 1}};
    static const char *const forced[] = {"step=lanes", "step=enqueue"};
    need_device();
    for (int way = 0; way < 2; way++) {
        hg_device *own = hg_device_open(ctx, &(hg_device_params){.variants = forced[way], .kernel_dir = folder});
        check(own != NULL);
        hg_buffer *x[SUMS];
        hg_launch add[SUMS], *list[SUMS];
        uint32_t expected[SUMS] = {0}, found;
        for (int k = 0; k < SUMS; k++) {
            x[k] = hg_buffer_create(own, 4, "sum");
            check(x[k] && hg_buffer_fill(x[k], 0));
        }
        for (int k = 0; k < SUMS; k++) {
            add[k] = (hg_launch){.label = "sum", .file = "k", .kernel = "sum", .macros = "", .dims = 1, .global = {1}, .local = {1}, .n_args = 4,
                                 .flops = k == 1 ? 1e8 : 0,
                                 .args = {{.type = HG_ARG_BUFFER, .buffer = x[k]}, {.type = HG_ARG_BUFFER, .buffer = x[from[k][0]]},
                                          {.type = HG_ARG_BUFFER, .buffer = x[from[k][1]]}, {.type = HG_ARG_INT, .i = k + 1}}};
            list[k] = &add[k];
        }
        check(hg_launches_build(own, list, SUMS, NULL, NULL));
        hg_record *record = hg_record_create(own, list, SUMS);
        check(record != NULL);
        for (int run = 0; run < RUNS; run++) {
            check(hg_record_run(record));
            for (int k = 0; k < SUMS; k++) expected[k] = 3 * expected[k] + expected[from[k][0]] + expected[from[k][1]] + (uint32_t)k + 1;
        }
        for (int k = 0; k < SUMS; k++) {
            check(hg_buffer_read(x[k], 0, &found, sizeof found));
            assert_int_equal(found, expected[k]);
        }
        assert_int_equal(hg_record_beside(record), way == 0 && hg_has_wide_vectors(hg_device_get_info(own)) ? 1 : 0);
        hg_record_destroy(record);
        hg_launches_release(list, SUMS);
        for (int k = 0; k < SUMS; k++) hg_buffer_destroy(x[k]);
        hg_device_close(own);
    }
}

/* (1 + 2^-13)(1 - 2^-13) - 1 is -2^-26: lost when the product is rounded first, kept by a fused multiply-add. With
 * FP_CONTRACT OFF a * b + c must round, whatever -cl-mad-enable allows; and NaN and infinity must be seen. */
static void arithmetic(void **state)
{
    (void)state;
    need_device();
    const float a = 1 + 0x1p-13f, b = 1 - 0x1p-13f, x[16] = {a, b, -1, NAN, INFINITY, a, a, a, a, b, b, b, b};
    float found[11];
    hg_buffer *to = hg_buffer_create(dev, sizeof found, "to"), *from = hg_buffer_create(dev, sizeof x, "from");
    check(to && from && hg_buffer_write(from, 0, x, sizeof x));
    hg_launch launch = {.label = "arithmetic",
                        .file = "k",
                        .kernel = "arithmetic",
                        .macros = "",
                        .n_args = 2,
                        .dims = 1,
                        .global = {1},
                        .local = {1},
                        .args = {{.type = HG_ARG_BUFFER, .buffer = to}, {.type = HG_ARG_BUFFER, .buffer = from}}};
    hg_launch *list[] = {&launch};
    check(hg_launches_build(dev, list, 1, NULL, NULL) && hg_launches_run(dev, list, 1) &&
          hg_buffer_read(to, 0, found, sizeof found));
    assert_true(found[0] == 0 && found[1] == 0);
    assert_true(found[2] == -0x1p-26f || found[2] == 0);
    assert_true(found[3] == 1 && found[4] == 1 && found[5] == 1 && isnan(found[6]));
    for (int i = 7; i < 11; i++) assert_true(found[i] == 0);
    hg_launches_release(list, 1);
    hg_buffer_destroy(from);
    hg_buffer_destroy(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launching), cmocka_unit_test(taking), cmocka_unit_test(compiling), cmocka_unit_test(same_bits_as_the_host),
        cmocka_unit_test(arithmetic), cmocka_unit_test(recording), cmocka_unit_test(lanes)};
    return cmocka_run_group_tests(tests, begin_with_kernels, end_with_kernels);
}
