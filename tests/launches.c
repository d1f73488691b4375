/* Programs and launches, and that kernels keep the arithmetic that they are written in. The kernels lie in a folder that the tests write. */
#include "on_device.h"

static const char KERNELS[] =
    "#ifndef ADD\n#define ADD 1\n#endif\n#include \"random.cl\"\n"
    "__kernel void fill(__global int *to, int n, float f, __local int *scratch)\n{\n"
    "    int i = (int)get_global_id(0), l = (int)get_local_id(0);\n"
    "    scratch[l] = i;\n    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    if (i < n) to[i] = scratch[l] * ADD + (int)f;\n}\n"
    "__kernel void plain(__global int *to, int n)\n{\n    for (int i = 0; i < n; i++) to[i] += ADD;\n}\n"
    "__kernel void take(__global int *seen, int items, __global int *taken)\n{\n"
    "    HG_ITEMS(item, items, taken) seen[item] += item + 1;\n}\n"
    "__kernel void sum(__global uint *x, __global const uint *y, __global const uint *z, int i)\n{\n"
    "    x[0] = 3 * x[0] + y[0] + z[0] + (uint)i;\n}\n"
    "__kernel void draw(__global uint4 *to, __global const uint4 *counter, uint key0, uint key1)\n{\n"
    "    int i = (int)get_global_id(0);\n    uint4 c = counter[i];\n    hg_uvec w[4];\n"
    "    hg_philox_lanes(c.x, c.y, c.z, c.w, key0, key1, w);\n    to[i] = (uint4)(w[0], w[1], w[2], w[3]);\n}\n"
    "__kernel void arithmetic(__global float *to, __global const float *x)\n{\n"
    "    to[0] = x[0] * x[1] + x[2];\n    float product = x[0] * x[1];\n    to[1] = product + x[2];\n"
    "    to[2] = HG_MAD(x[0], x[1], x[2]);\n    to[3] = isnan(x[3]) ? 1.0f : 0.0f;\n    to[4] = x[3] != x[3] ? 1.0f : "
    "0.0f;\n"
    "    to[5] = isinf(x[4]) ? 1.0f : 0.0f;\n    to[6] = x[4] - x[4];\n"
    "    float4 a = vload4(0, x + 5), b = vload4(0, x + 9), c = a * b + (float4)(x[2]);\n    vstore4(c, 0, to + "
    "7);\n}\n";

static int begin_with_kernels(void **state)
{
    return begin(state) || !hg_file_write(ctx, at("k.cl"), KERNELS, strlen(KERNELS));
}

static int end_with_kernels(void **state)
{
    unlink(at("k.cl"));
    return end(state);
}

/* ---- launches */

typedef struct steps { int calls, first_done, last_done, total; } steps;

static void note(void *user, int done, int total)
{
    steps *s = user;
    if (s->calls++ == 0) s->first_done = done;
    s->last_done = done;
    s->total = total;
}

static hg_launch fill_launch(hg_buffer *to, const char *macros, int local)
{
    return (hg_launch){.label = "layer fill",
                       .file = "k",
                       .kernel = "fill",
                       .variant = "v",
                       .macros = macros,
                       .n_args = 4,
                       .dims = 1,
                       .global = {64},
                       .local = {(size_t)local},
                       .args = {{.type = HG_ARG_BUFFER, .buffer = to},
                                {.type = HG_ARG_INT, .i = 60},
                                {.type = HG_ARG_FLOAT, .f = 7.5f},
                                {.type = HG_ARG_LOCAL, .bytes = (size_t)(local ? local : 64) * 4}}};
}

static hg_launch plain_launch(hg_buffer *to, const char *macros)
{
    return (hg_launch){.label = "layer plain",
                       .file = "k",
                       .kernel = "plain",
                       .macros = macros,
                       .n_args = 2,
                       .dims = 1,
                       .global = {1},
                       .local = {1},
                       .args = {{.type = HG_ARG_BUFFER, .buffer = to}, {.type = HG_ARG_INT, .i = 64}}};
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

static void build_wrong(hg_launch launch, const char *part)
{
    hg_launch *list[] = {&launch};
    assert_false(hg_launches_build(dev, list, 1, NULL, NULL));
    hg_launches_release(list, 1);
    assert_int_equal(hg_context_status(ctx), HG_KERNEL_BUILD);
    assert_non_null(strstr(hg_message(ctx), launch.label));
    expect_failure(HG_KERNEL_BUILD, part);
}

static void failing_builds(void **state)
{
    (void)state;
    need_device();
    if (hg_contains(hg_device_get_info(dev)->platform, "oclgrind"))
        skip(); /* it would report our failures, its report must be empty */
    hg_buffer *to = hg_buffer_create(dev, 64 * sizeof(int), "to");
    check(to != NULL);
    hg_launch wrong = plain_launch(to, "-DADD=nonsense");
    build_wrong(wrong, "k.cl");
    build_wrong(wrong, "-DADD=nonsense"); /* the second time as well */
    if (!strstr(hg_device_get_info(dev)->platform, "rusticl"))
        build_wrong(wrong, "nonsense'"); /* the log itself; rusticl 22 words it otherwise */
    wrong = plain_launch(to, "");
    wrong.kernel = "absent";
    build_wrong(wrong, "absent");
    wrong = fill_launch(to, "", 1);
    wrong.global[0] = wrong.local[0] = (size_t)hg_device_get_info(dev)->max_work_group * 2;
    build_wrong(wrong, "work-groups of");
    wrong = fill_launch(to, "", 1);
    wrong.args[3].bytes = (size_t)hg_device_get_info(dev)->local_memory + 64;
    build_wrong(wrong, "local memory");
    wrong = plain_launch(to, "");
    wrong.file = "absent";
    hg_launch *list[] = {&wrong};
    assert_false(hg_launches_build(dev, list, 1, NULL, NULL));
    expect_failure(HG_BAD_INPUT, "absent.cl");
    /* one wrong among right ones: none is taken for built, and all can be built afterwards */
    hg_launch right = plain_launch(to, "-DADD=11"), bad = plain_launch(to, "-DADD=?"), *both[] = {&bad, &right};
    assert_false(hg_launches_build(dev, both, 2, NULL, NULL));
    expect_failure(HG_KERNEL_BUILD, "-DADD=?");
    check(hg_launches_build(dev, both + 1, 1, NULL, NULL) && hg_launches_run(dev, both + 1, 1));
    hg_launches_release(both, 2);
    int found;
    check(hg_buffer_read(to, 0, &found, sizeof found));
    assert_int_equal(found, 11);
    hg_buffer_destroy(to);
}

static void changed_files(void **state)
{
    (void)state;
    need_device();
    static const char *const texts[] = {"__kernel void plain(__global int *to, int n) { to[0] = 5 + 0 * n; }",
                                        "__kernel void plain(__global int *to, int n) { to[0] = 6 + 0 * n; }"};
    hg_buffer *to = hg_buffer_create(dev, 4, "to");
    check(to != NULL);
    for (int i = 0; i < 2; i++) {
        check(hg_file_write(ctx, at("c.cl"), texts[i], strlen(texts[i])));
        hg_launch launch = plain_launch(to, ""), *list[] = {&launch};
        launch.file = "c";
        int found = 0;
        check(hg_launches_build(dev, list, 1, NULL, NULL) && hg_launches_run(dev, list, 1) &&
              hg_buffer_read(to, 0, &found, sizeof found));
        assert_int_equal(found, 5 + i);
        hg_launches_release(list, 1);
    }
    unlink(at("c.cl"));
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

/* ---- programs of several units */

static void run_to(int expected, hg_launch launch, hg_buffer *to)
{
    hg_launch *list[] = {&launch};
    int found = 0;
    check(hg_launches_build(dev, list, 1, NULL, NULL) && hg_launches_run(dev, list, 1) && hg_buffer_read(to, 0, &found, sizeof found));
    assert_int_equal(found, expected);
    hg_launches_release(list, 1);
}

/* A file stands where its line is; what is wrong in it, and behind it, is told by its own file and line. */
static void included_files(void **state)
{
    (void)state;
    need_device();
    if (hg_contains(hg_device_get_info(dev)->platform, "oclgrind")) skip();
    static const char inner[] = "inline int five(int n)\n{\n    return 5 + WRONG_INSIDE n;\n}\n", absent[] = "\n#include \"absent.cl\"\n",
                      outer[] = "/* a\n * b */\n#include \"inner.cl\"\n\n__kernel void plain(__global int *to, int n)\n{\n"
                                "    to[0] = five(0 * n) WRONG_BEHIND;\n}\n";
    check(hg_file_write(ctx, at("inner.cl"), inner, strlen(inner)) && hg_file_write(ctx, at("outer.cl"), outer, strlen(outer)));
    check(hg_file_write(ctx, at("without.cl"), absent, strlen(absent)));
    hg_buffer *to = hg_buffer_create(dev, 4, "to");
    check(to != NULL);
    hg_launch launch = plain_launch(to, "-DWRONG_INSIDE= -DWRONG_BEHIND="), *list[] = {&launch};
    launch.file = "outer";
    run_to(5, launch, to);
    launch.macros = "-DWRONG_INSIDE=? -DWRONG_BEHIND=";
    build_wrong(launch, "inner.cl:3");
    launch.macros = "-DWRONG_INSIDE= -DWRONG_BEHIND=?";
    build_wrong(launch, "outer.cl:7");
    launch.file = "without";
    assert_false(hg_launches_build(dev, list, 1, NULL, NULL));
    expect_failure(HG_BAD_INPUT, "absent.cl");
    hg_buffer_destroy(to);
    unlink(at("inner.cl")), unlink(at("outer.cl")), unlink(at("without.cl"));
}

/* A program has no kernels that nobody asked for, so these need not build; the lines behind them keep their numbers. */
static void other_kernels(void **state)
{
    (void)state;
    need_device();
    if (hg_contains(hg_device_get_info(dev)->platform, "oclgrind")) skip();
    static const char several[] = "__attribute__((reqd_work_group_size(1, 1, 1)))\n__kernel void before(__global int *to,\n  int n)\n{\n"
                                  "    if (n) {\n        to[0] = NOWHERE;\n    }\n}\n\n"
                                  "__kernel void plain(__global int *to, int n)\n{\n    to[0] = 5 + 0 * n WRONG;\n}\n"
                                  "__kernel void plainer(__global int *to, int n) { to[0] = NOWHERE; }\n";
    check(hg_file_write(ctx, at("several.cl"), several, strlen(several)));
    hg_buffer *to = hg_buffer_create(dev, 4, "to");
    check(to != NULL);
    hg_launch launch = plain_launch(to, "-DWRONG=");
    launch.file = "several";
    run_to(5, launch, to);
    launch.macros = "-DWRONG=?";
    build_wrong(launch, "several.cl:12");
    launch.macros = "-DWRONG=";
    launch.kernel = "before";
    build_wrong(launch, "several.cl:6");
    launch.kernel = "plainer";
    build_wrong(launch, "several.cl:14");
    hg_buffer_destroy(to);
    unlink(at("several.cl"));
}

/* Every kernel file twice, with and without a macro, asked for at once: what one declares is in no other's way. A processor's driver
 * gets them as one program. */
static void units_together(void **state)
{
    (void)state;
    enum { MOST = 128 };
    need_device();
    hg_device *own = hg_device_open(ctx, NULL);
    check(own != NULL);
    hg_unit_request requests[MOST];
    /* spans are for wide vectors alone */
    const char *stem, *macros = hg_has_wide_vectors(hg_device_get_info(own)) ? "-DHG_SPAN=1 -DDX_ADD=1" : "-DDX_ADD=1";
    int n = 0;
    for (int i = 0; (stem = hg_kernel_source_at(i)) && n + 2 <= MOST; i++) {
        if (strcmp(stem, "common") == 0) continue;
        requests[n++] = (hg_unit_request){stem, macros, NULL, stem, NULL};
        requests[n++] = (hg_unit_request){stem, "", NULL, stem, NULL};
    }
    assert_true(n > 40 && n < MOST);
    check(hg_units_get(own, requests, n, NULL, NULL));
    for (int i = 0; i < n; i++) {
        const char *arrays = strstr(requests[i].unit->source, "\n    __local "); /* with arrays in local memory it stays alone */
        const bool together = hg_device_get_info(own)->type == HG_DEVICE_CPU && !arrays;
        assert_true(together == (requests[i].unit->object == requests[n - 1].unit->object || i == n - 1));
        assert_int_equal(requests[i].unit->number >= 0, together);
    }
    hg_device_close(own);
}

/* Options that are no macros cannot stand in a text: such a unit stays alone, beside others that are joined. */
static void unit_alone(void **state)
{
    (void)state;
    need_device();
    hg_unit_request requests[] = {{"k", "-DADD=21", NULL, "a", NULL}, {"k", "-DADD=22 -cl-mad-enable", NULL, "b", NULL}, {"k", "-DADD=23  -DOTHER", NULL, "c", NULL}};
    check(hg_units_get(dev, requests, 3, NULL, NULL));
    assert_int_equal(requests[1].unit->number, -1);
    if (hg_device_get_info(dev)->type == HG_DEVICE_CPU) assert_ptr_equal(requests[0].unit->object, requests[2].unit->object);
    assert_ptr_not_equal(requests[0].unit->object, requests[1].unit->object);
    assert_false(hg_source_joins("-DX=\"a b\"") || hg_source_joins("-cl-opt-disable") || hg_source_joins("-D X"));
    assert_true(hg_source_joins("") && hg_source_joins("-DX") && hg_source_joins(" -DX=(1) -DY=ACT_relu "));
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
        cmocka_unit_test(launching), cmocka_unit_test(taking), cmocka_unit_test(compiling), cmocka_unit_test(failing_builds),
        cmocka_unit_test(changed_files), cmocka_unit_test(included_files), cmocka_unit_test(other_kernels),
        cmocka_unit_test(same_bits_as_the_host), cmocka_unit_test(arithmetic), cmocka_unit_test(units_together),
        cmocka_unit_test(unit_alone), cmocka_unit_test(recording), cmocka_unit_test(lanes)};
    return cmocka_run_group_tests(tests, begin_with_kernels, end_with_kernels);
}
