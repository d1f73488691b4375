/* The device room, on whichever device is the best one here: listing, choice, buffers, staging, programs, launches, and
 * that kernels keep the arithmetic that they are written in. The kernels lie in a folder that the tests write. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "device/device_private.h"
#include "device/launch.h"
#include "device/record.h"

static hg_context *ctx;
static hg_device *dev;
static char folder[64];

static const char KERNELS[] =
    "#ifndef ADD\n#define ADD 1\n#endif\n"
    "__kernel void fill(__global int *to, int n, float f, __local int *scratch)\n{\n"
    "    int i = (int)get_global_id(0), l = (int)get_local_id(0);\n"
    "    scratch[l] = i;\n    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    if (i < n) to[i] = scratch[l] * ADD + (int)f;\n}\n"
    "__kernel void plain(__global int *to, int n)\n{\n    for (int i = 0; i < n; i++) to[i] += ADD;\n}\n"
    "__kernel void draw(__global uint4 *to, __global const uint4 *counter, uint key0, uint key1)\n{\n"
    "    int i = (int)get_global_id(0);\n    to[i] = hg_philox(counter[i], (uint2)(key0, key1));\n}\n"
    "__kernel void arithmetic(__global float *to, __global const float *x)\n{\n"
    "    to[0] = x[0] * x[1] + x[2];\n    float product = x[0] * x[1];\n    to[1] = product + x[2];\n"
    "    to[2] = HG_MAD(x[0], x[1], x[2]);\n    to[3] = isnan(x[3]) ? 1.0f : 0.0f;\n    to[4] = x[3] != x[3] ? 1.0f : "
    "0.0f;\n"
    "    to[5] = isinf(x[4]) ? 1.0f : 0.0f;\n    to[6] = x[4] - x[4];\n"
    "    float4 a = vload4(0, x + 5), b = vload4(0, x + 9), c = a * b + (float4)(x[2]);\n    vstore4(c, 0, to + "
    "7);\n}\n";

static const char *at(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/hg-device-XXXXXX");
    if (!mkdtemp(folder) || !(ctx = hg_context_create(NULL, NULL))) return 1;
    const char *common = hg_kernel_source("common");
    if (!common || !hg_file_write(ctx, at("common.cl"), common, strlen(common)) ||
        !hg_file_write(ctx, at("k.cl"), KERNELS, strlen(KERNELS)))
        return 1;
    hg_device_params params = {.kernel_dir = folder, .variants = "plain"};
    dev = hg_device_open(ctx, &params);
    if (!dev) fprintf(stderr, "skipped: %s\n", hg_message(ctx));
    hg_context_clear(ctx);
    return 0;
}

static int end(void **state)
{
    (void)state;
    hg_device_close(dev);
    hg_device_close(NULL);
    hg_context_destroy(ctx);
    unlink(at("common.cl"));
    unlink(at("k.cl"));
    return rmdir(folder);
}

static void need_device(void)
{
    if (!dev) skip();
}

static void check(bool ok)
{
    if (!ok) fail_msg("%s", hg_message(ctx));
}

static void expect_failure(hg_status status, const char *part)
{
    if (hg_context_status(ctx) != status || !strstr(hg_message(ctx), part))
        fail_msg("status %d with '%s' instead of %d with '%s'", hg_context_status(ctx), hg_message(ctx), status, part);
    hg_context_clear(ctx);
}

/* ---- finding */

static void listing(void **state)
{
    (void)state;
    need_device();
    hg_device_list *list = hg_devices(ctx);
    assert_non_null(list);
    int n = hg_devices_count(list), best = 0;
    assert_true(n >= 1);
    assert_null(hg_devices_at(list, n));
    assert_null(hg_devices_at(list, -1));
    for (int i = 0; i < n; i++) {
        const hg_device_info *info = hg_devices_at(list, i);
        assert_int_equal(info->index, i);
        assert_true(*info->name && *info->platform && *info->driver && strncmp(info->version, "OpenCL", 6) == 0 &&
                    *info->why);
        assert_true(info->compute_units > 0 && info->memory >= info->max_alloc && info->max_alloc > 0 &&
                    info->max_work_group > 0);
        assert_true(info->base_align >= 4 && info->vector_width >= 1);
        if (info->usable) assert_true(info->score > 0);
        if (info->score > hg_devices_at(list, best)->score) best = i;
    }
    assert_int_equal(hg_device_get_info(dev)->index, best);
    assert_ptr_equal(hg_device_context(dev), ctx);
    assert_string_equal(hg_device_variants(dev), "plain");
    /* a CPU driver that does not say a vector width leaves vectors to luck: it must not win over one that does */
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            const hg_device_info *a = hg_devices_at(list, i), *b = hg_devices_at(list, k);
            if (a->type == HG_DEVICE_CPU && b->type == HG_DEVICE_CPU && a->usable && b->usable &&
                a->vector_width == 1 && b->vector_width > 1)
                assert_true(a->score < b->score);
        }
    hg_devices_destroy(list);
    hg_devices_destroy(NULL);
}

static void choose_wrong(const char *select, const char *part)
{
    assert_null(hg_device_open(ctx, &(hg_device_params){.select = select}));
    expect_failure(HG_NO_DEVICE, part);
}

static void choosing(void **state)
{
    (void)state;
    need_device();
    const hg_device_info *info = hg_device_get_info(dev);
    char number[32];
    snprintf(number, sizeof number, "%d", info->index);
    const char *fit[] = {"auto", number, info->name};
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++) {
        hg_device *other = hg_device_open(ctx, &(hg_device_params){.select = fit[i]});
        check(other != NULL);
        assert_int_equal(hg_device_get_info(other)->index, info->index);
        hg_device_close(other);
    }
    choose_wrong("no such device", info->name);
    choose_wrong("4711", "no device 4711");
    choose_wrong("-1", "no device -1");
    hg_device_list *list = hg_devices(ctx);
    int kinds[3] = {0};
    for (int i = 0; i < hg_devices_count(list); i++)
        kinds[hg_devices_at(list, i)->type] += hg_devices_at(list, i)->usable;
    if (!kinds[HG_DEVICE_GPU]) choose_wrong("gpu", "gpu");
    if (!kinds[HG_DEVICE_CPU]) choose_wrong("cpu", "cpu");
    if (hg_devices_count(list) > 1 && hg_contains(hg_devices_at(list, 0)->name, "m") &&
        hg_contains(hg_devices_at(list, 1)->name, "m"))
        choose_wrong("m", hg_devices_at(list, 1)->name); /* fits several: all are listed */
    hg_devices_destroy(list);
}

/* ---- buffers */

static void expect_bytes(hg_buffer *buffer, size_t offset, const char *bytes, size_t n)
{
    char found[256];
    assert_true(n <= sizeof found);
    check(hg_buffer_read(buffer, offset, found, n));
    assert_memory_equal(found, bytes, n);
}

static void buffers(void **state)
{
    (void)state;
    need_device();
    size_t align = hg_device_get_info(dev)->base_align, size = 4 * align;
    hg_buffer *a = hg_buffer_create(dev, size, "a"), *b = hg_buffer_create(dev, size, "b");
    check(a && b);
    assert_int_equal(hg_buffer_size(a), size);
    expect_bytes(a, size - 8, "\0\0\0\0\0\0\0\0", 8);
    check(hg_buffer_write(a, 3, "abcdef", 6) && hg_buffer_write(a, 0, "", 0));
    expect_bytes(a, 2, "\0abcdef\0", 8);
    /* a view in the middle, filled with a word and a bit: its neighbours stay */
    hg_buffer *view = hg_buffer_view(a, align, align + 2), *inner = hg_buffer_view(view, align, 2);
    check(view && inner);
    assert_int_equal(hg_buffer_size(inner), 2);
    check(hg_buffer_fill(view, 0x44434241));
    expect_bytes(a, align - 2, "\0\0ABCDABCD", 10);
    expect_bytes(a, 2 * align - 4, "ABCDAB\0\0", 8);
    expect_bytes(inner, 0, "AB", 2);
    check(hg_buffer_write(inner, 1, "!", 1));
    check(hg_buffer_copy(b, 5, view, align - 2, 4));
    expect_bytes(b, 4, "\0CDA!\0", 6);
    assert_false(hg_buffer_write(view, align, "xyz", 3));
    expect_failure(HG_INTERNAL, "a: 3 bytes");
    assert_false(hg_buffer_read(a, SIZE_MAX, &size, 2));
    expect_failure(HG_INTERNAL, "a");
    assert_null(hg_buffer_view(a, 1, 4));
    expect_failure(HG_INTERNAL, "a");
    assert_null(hg_buffer_view(a, align, size));
    expect_failure(HG_INTERNAL, "a");
    hg_buffer_destroy(inner);
    hg_buffer_destroy(view);
    hg_buffer_destroy(b);
    hg_buffer_destroy(a);
    hg_buffer_destroy(NULL);
}

static void too_large(void **state)
{
    (void)state;
    need_device();
    const hg_device_info *info = hg_device_get_info(dev);
    assert_null(hg_buffer_create(dev, SIZE_MAX, "activations"));
    expect_failure(HG_DEVICE_MEMORY, "activations");
    assert_null(hg_buffer_create(dev, info->max_alloc + 4096, "activations"));
    expect_failure(HG_DEVICE_MEMORY, info->name);
    hg_buffer *small = hg_buffer_create(dev, 0, "nothing"); /* the device is not lost by it */
    check(small && hg_device_finish(dev));
    hg_buffer_destroy(small);
}

static void staging(void **state)
{
    (void)state;
    need_device();
    enum { N = 100, WORDS = 64 };
    hg_buffer *to = hg_buffer_create(dev, N * WORDS * sizeof(int), "to");
    hg_stage *stage = hg_stage_create(dev, WORDS * sizeof(int), 3);
    check(to && stage);
    for (int i = 0; i < N; i++) {
        int *block = hg_stage_next(stage);
        check(block != NULL);
        for (int k = 0; k < WORDS; k++) block[k] = i * 1000 + k;
        check(hg_stage_upload(stage, to, (size_t)i * WORDS * sizeof(int), WORDS * sizeof(int)));
    }
    static int found[N * WORDS];
    check(hg_buffer_read(to, 0, found, sizeof found));
    for (int i = 0; i < N * WORDS; i++) assert_int_equal(found[i], i / WORDS * 1000 + i % WORDS);
    check(hg_stage_next(stage) != NULL);
    assert_false(hg_stage_upload(stage, to, hg_buffer_size(to) - 4, 8));
    expect_failure(HG_INTERNAL, "to");
    hg_stage_destroy(stage);
    hg_stage_destroy(NULL);
    hg_buffer_destroy(to);
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
              twice = plain_launch(to, NULL);
    hg_launch *all[] = {&fill, &once, &twice};
    steps s = {0};
    check(hg_launches_build(dev, all, 3, note, &s));
    assert_true(s.calls >= 2 && s.first_done == 0 && s.last_done == 2 && s.total == 2); /* two share a program */
    check(hg_launches_run(dev, all, 3));
    check(hg_buffer_read(to, 0, found, sizeof found));
    for (int i = 0; i < 64; i++) assert_int_equal(found[i], (i < 60 ? i * 3 + 7 : 0) + 3 + 1);
    s.calls = 0;
    check(hg_launches_build(dev, all, 3, note, &s)); /* again: nothing to build, nothing leaks */
    assert_int_equal(s.calls, 0);
    check(hg_launches_time(dev, all, 3, 3));
    for (int i = 0; i < 3; i++) assert_true(all[i]->seconds > 0 && all[i]->seconds < 1);
    hg_launches_release(all, 3);
    hg_launches_release(all, 3);
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
        requests[n++] = (hg_unit_request){stem, macros, stem, NULL};
        requests[n++] = (hg_unit_request){stem, "", stem, NULL};
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
    hg_unit_request requests[] = {{"k", "-DADD=21", "a", NULL}, {"k", "-DADD=22 -cl-mad-enable", "b", NULL}, {"k", "-DADD=23  -DOTHER", "c", NULL}};
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

/* The device of the other tests has its kernels from a folder; the probes are built in. */
static void probing(void **state)
{
    (void)state;
    need_device();
    if (hg_contains(hg_device_get_info(dev)->platform, "oclgrind"))
        skip(); /* it would copy 64 MiB number by number, and report our failure */
    hg_roofs roofs = {0};
    hg_device *own = hg_device_open(ctx, NULL);
    check(own != NULL);
    for (int i = 0; i < 2; i++) { /* the second time the programs are there */
        check(hg_device_probe(own, &roofs));
        assert_true(isfinite(roofs.flops) && roofs.flops > 1e3 && roofs.flops < 1e18);
        assert_true(isfinite(roofs.bytes) && roofs.bytes > 1e3 && roofs.bytes < 1e18);
    }
    hg_device_close(own);
    assert_false(hg_device_probe(dev, &roofs)); /* no probe.cl in its folder */
    expect_failure(HG_BAD_INPUT, "probe.cl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing),        cmocka_unit_test(choosing),      cmocka_unit_test(buffers),
        cmocka_unit_test(too_large),      cmocka_unit_test(staging),       cmocka_unit_test(launching),
        cmocka_unit_test(failing_builds), cmocka_unit_test(changed_files), cmocka_unit_test(same_bits_as_the_host),
        cmocka_unit_test(arithmetic),     cmocka_unit_test(probing),
        cmocka_unit_test(units_together), cmocka_unit_test(unit_alone),    cmocka_unit_test(recording)};
    return cmocka_run_group_tests(tests, begin, end);
}
