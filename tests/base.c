/* The base room: failures, memory, texts, options, files, random numbers. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/half.h"
#include "base/memory.h"
#include "base/option.h"
#include "base/rng.h"
#include "base/text.h"

static hg_context *ctx;
static char folder[64];
static int logged;

static void count_line(void *user, hg_level level, const char *text)
{
    (void)user;
    if (level == HG_LOG_WARNING && strcmp(text, "7 birds") == 0) logged++;
}

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/hg-base-XXXXXX");
    return !mkdtemp(folder) || !(ctx = hg_context_create(count_line, NULL));
}

static int end(void **state)
{
    (void)state;
    hg_context_destroy(ctx);
    return rmdir(folder);
}

/* The last call must have failed so, with `part` in its message; the failure is cleared. */
static void expect_failure(hg_status status, const char *part)
{
    if (hg_context_status(ctx) != status || !strstr(hg_message(ctx), part))
        fail_msg("status %d with '%s' instead of %d with '%s'", hg_context_status(ctx), hg_message(ctx), status, part);
    hg_context_clear(ctx);
}

/* ---- context */

static void *fail_from_thread(void *arg)
{
    for (int i = 0; i < 1000; i++) hg_fail(ctx, HG_BAD_INPUT, "thread %d", *(int *)arg);
    return NULL;
}

static void first_failure_wins(void **state)
{
    (void)state;
    assert_int_equal(hg_context_status(ctx), HG_OK);
    assert_string_equal(hg_message(ctx), "");
    assert_false(hg_failed(ctx));
    assert_false(hg_fail(ctx, HG_USAGE, "first %d", 1));
    assert_false(hg_fail(ctx, HG_OUTPUT, "second"));
    assert_true(hg_failed(ctx));
    assert_string_equal(hg_message(ctx), "first 1");
    assert_int_equal(hg_context_status(ctx), HG_USAGE);
    hg_context_clear(ctx);
    assert_false(hg_failed(ctx));
    hg_log(ctx, HG_LOG_WARNING, "%d birds", 7);
    assert_int_equal(logged, 1);
    hg_context_destroy(NULL);
}

static void failures_from_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    int numbers[] = {0, 1, 2, 3};
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, fail_from_thread, &numbers[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    expect_failure(HG_BAD_INPUT, "thread ");
}

/* ---- memory */

static void sizes_saturate(void **state)
{
    (void)state;
    assert_true(hg_mul(3, 7) == 21);
    assert_true(hg_mul(0, SIZE_MAX) == 0);
    assert_true(hg_mul(SIZE_MAX / 2, 3) == SIZE_MAX);
    assert_true(hg_add(SIZE_MAX, 1) == SIZE_MAX);
    assert_true(hg_add(2, 3) == 5);
    assert_null(hg_alloc(ctx, SIZE_MAX / 4, 8));
    expect_failure(HG_INTERNAL, "memory");
    char *block = hg_copy_text(ctx, "kept");
    assert_null(hg_resize(ctx, block, SIZE_MAX, 2));
    expect_failure(HG_INTERNAL, "memory");
    assert_string_equal(block, "kept");
    hg_free(block);
    void *empty = hg_alloc(ctx, 0, 8);
    assert_non_null(empty);
    hg_free(empty);
}

static void arenas(void **state)
{
    (void)state;
    hg_arena *arena = hg_arena_create(ctx);
    assert_non_null(arena);
    unsigned char *blocks[400];
    for (int i = 0; i < 400; i++) {
        size_t size = i == 200 ? 100000 : (size_t)(i % 97);
        blocks[i] = hg_arena_alloc(arena, size, 1);
        assert_non_null(blocks[i]);
        assert_true((uintptr_t)blocks[i] % 16 == 0);
        for (size_t k = 0; k < size; k++) assert_true(blocks[i][k] == 0);
        memset(blocks[i], i & 255, size);
    }
    for (int i = 0; i < 400; i++)
        for (int k = 0; k < i % 97; k++) assert_true(blocks[i][k] == (i & 255));
    assert_string_equal(hg_arena_format(arena, "%s-%d", "x", 5), "x-5");
    assert_string_equal(hg_arena_text(arena, "100%"), "100%");
    assert_null(hg_arena_alloc(arena, SIZE_MAX, 2));
    expect_failure(HG_INTERNAL, "memory");
    assert_null(hg_arena_alloc(arena, SIZE_MAX - 8, 1));
    expect_failure(HG_INTERNAL, "memory");
    hg_arena_destroy(arena);
    hg_arena_destroy(NULL);
}

/* ---- text */

static void growing_text(void **state)
{
    (void)state;
    hg_text text = {.ctx = ctx};
    for (int i = 0; i < 1000; i++) assert_true(hg_text_add(&text, "%d,", i));
    assert_true(hg_text_add_bytes(&text, "a\0b", 3));
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    assert_memory_equal(text.data + text.length - 7, "999,a\0b", 8); /* with the final zero */
    hg_text_free(&text);
    assert_null(text.data);
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"conv2d", "conv2d_transpose", "dense", "dropout", "lr"};
    assert_string_equal(hg_nearest("conv2", names, 5), "conv2d");
    assert_string_equal(hg_nearest("Dnese", names, 5), "dense");
    assert_string_equal(hg_nearest("conv2d_transposed", names, 5), "conv2d_transpose");
    assert_string_equal(hg_nearest("convtranspose", names, 5), "conv2d_transpose");
    assert_null(hg_nearest("recurrent", names, 5));
    assert_null(hg_nearest("x", names, 5));
    char longest[200] = {0};
    memset(longest, 'a', sizeof longest - 1);
    assert_null(hg_nearest(longest, names, 5));
    assert_true(hg_contains("pthread-AMD EPYC", "amd"));
    assert_true(hg_contains("abc", ""));
    assert_true(hg_contains("aab", "AB"));
    assert_false(hg_contains("abc", "abcd"));
}

/* ---- options */

typedef struct inner_options { int n; } inner_options;
static const hg_option inner_table[] = {
    {.name = "n", .offset = offsetof(inner_options, n), .type = HG_OPTION_INT, .fallback = 4, .min = 1, .max = 9}, {0}};
static const hg_descriptor inner = {"inner", "an inner thing", inner_table, sizeof(inner_options)};
static const hg_descriptor *const kinds[] = {&inner, NULL};
static const char *const colours[] = {"red", "green", NULL};

typedef struct outer_options {
    int units, kernel[2], padding[2], shape[4], colour;
    double rate;
    bool bias;
    hg_choice inner;
} outer_options;
enum { UNITS, KERNEL, PADDING, SHAPE, COLOUR, RATE, BIAS, INNER };
#define AT(field) offsetof(outer_options, field)
static const hg_option outer_table[] = {
    [UNITS] = {.name = "units", .offset = AT(units), .type = HG_OPTION_INT, .fallback = NAN, .min = 1, .max = 64},
    [KERNEL] = {.name = "kernel", .offset = AT(kernel), .type = HG_OPTION_PAIR, .fallback = 3, .min = 1, .max = 99},
    [PADDING] = {.name = "padding", .offset = AT(padding), .type = HG_OPTION_PADDING, .fallback = HG_SAME},
    [SHAPE] = {.name = "shape", .offset = AT(shape), .type = HG_OPTION_SHAPE, .fallback = NAN, .min = 1, .max = 1e6},
    [COLOUR] = {.name = "colour", .offset = AT(colour), .type = HG_OPTION_NAME, .fallback = 1, .names = colours},
    [RATE] = {.name = "rate", .offset = AT(rate), .type = HG_OPTION_FLOAT, .fallback = 0.5, .min = 0, .max = 1},
    [BIAS] = {.name = "bias", .offset = AT(bias), .type = HG_OPTION_BOOL, .fallback = 1},
    [INNER] = {.name = "inner", .offset = AT(inner), .type = HG_OPTION_CHOICE, .kinds = kinds,
               .fallback_kind = "inner"},
    {0}};
static const hg_descriptor outer = {"outer", "a thing", outer_table, sizeof(outer_options)};

static void option_defaults(void **state)
{
    (void)state;
    hg_arena *arena = hg_arena_create(ctx);
    outer_options o;
    memset(&o, 0x55, sizeof o);
    assert_true(hg_option_defaults(arena, &outer, &o));
    assert_true(o.kernel[0] == 3 && o.kernel[1] == 3 && o.padding[0] == HG_SAME && o.padding[1] == HG_SAME);
    assert_true(o.shape[0] == 0);
    assert_true(o.colour == 1 && o.rate == 0.5 && o.bias && o.inner.type == &inner);
    assert_int_equal(((const inner_options *)o.inner.options)->n, 4);
    assert_ptr_equal(hg_option_missing(&outer, 0), &outer_table[UNITS]);
    assert_ptr_equal(hg_option_missing(&outer, 1), &outer_table[SHAPE]);
    assert_null(hg_option_missing(&outer, 1 | 1 << SHAPE));
    assert_int_equal(hg_option_find(&outer, "rate"), RATE);
    assert_int_equal(hg_option_find(&outer, "rat"), -1);
    hg_arena_destroy(arena);
}

static bool set(outer_options *o, int row, const char *a, const char *b, const char *c)
{
    const char *scalars[] = {a, b, c};
    return hg_option_set(ctx, &outer, o, row, scalars, c ? 3 : b ? 2 : a ? 1 : 0, "m.yaml:3:5");
}

static void option_values(void **state)
{
    (void)state;
    outer_options o = {0};
    assert_true(set(&o, UNITS, "64", NULL, NULL) && o.units == 64);
    assert_true(set(&o, KERNEL, "5", NULL, NULL) && o.kernel[0] == 5 && o.kernel[1] == 5);
    assert_true(set(&o, KERNEL, "5", "7", NULL) && o.kernel[0] == 5 && o.kernel[1] == 7);
    assert_true(set(&o, PADDING, "same", NULL, NULL) && o.padding[0] == HG_SAME && o.padding[1] == HG_SAME);
    assert_true(set(&o, PADDING, "valid", NULL, NULL) && o.padding[0] == 0 && o.padding[1] == 0);
    assert_true(set(&o, PADDING, "2", NULL, NULL) && o.padding[0] == 2 && o.padding[1] == 2);
    assert_true(set(&o, PADDING, "0", "1", NULL) && o.padding[0] == 0 && o.padding[1] == 1);
    assert_true(set(&o, SHAPE, "64", "7", "9") && o.shape[0] == 3 && o.shape[1] == 64 && o.shape[3] == 9);
    assert_true(set(&o, COLOUR, "red", NULL, NULL) && o.colour == 0);
    assert_true(set(&o, RATE, "1e-1", NULL, NULL) && o.rate == 0.1);
    assert_true(set(&o, BIAS, "true", NULL, NULL) && o.bias && set(&o, BIAS, "false", NULL, NULL) && !o.bias);
    assert_false(hg_failed(ctx));
}

static void option_errors(void **state)
{
    (void)state;
    static const struct { int row; const char *a, *b, *c, *part; } cases[] = {
        {UNITS, "65", NULL, NULL, "1 to 64"}, {UNITS, "0", NULL, NULL, "'0'"}, {UNITS, "10abc", NULL, NULL, "10abc"},
        {UNITS, "3.0", NULL, NULL, "3.0"}, {UNITS, "", NULL, NULL, "units"},
        {UNITS, "99999999999999999999", NULL, NULL, "units"}, {UNITS, "1", "2", NULL, "units"},
        {UNITS, NULL, NULL, NULL, "units"}, {KERNEL, "3", "0", NULL, "kernel"}, {KERNEL, "1", "2", "3", "kernel"},
        {PADDING, "-1", NULL, NULL, "same"}, {PADDING, "sam", NULL, NULL, "sam"},
        {PADDING, "same", "1", NULL, "padding"}, {SHAPE, "1", "x", NULL, "shape"}, {SHAPE, "1", "0", NULL, "shape"},
        {COLOUR, "gren", NULL, NULL, "did you mean 'green'"}, {RATE, "1.5", NULL, NULL, "0 to 1"},
        {RATE, "nan", NULL, NULL, "nan"}, {RATE, ".inf", NULL, NULL, "inf"}, {RATE, "0x1", NULL, NULL, "0x1"},
        {BIAS, "yes", NULL, NULL, "true or false"}, {BIAS, "1", NULL, NULL, "true"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outer_options o = {0};
        assert_false(set(&o, cases[i].row, cases[i].a, cases[i].b, cases[i].c));
        assert_non_null(strstr(hg_message(ctx), "m.yaml:3:5"));
        assert_non_null(strstr(hg_message(ctx), "outer"));
        assert_non_null(strstr(hg_message(ctx), outer_table[cases[i].row].name));
        expect_failure(HG_BAD_INPUT, cases[i].part);
    }
    assert_ptr_equal(hg_descriptor_find(kinds, "inner"), &inner);
    assert_null(hg_descriptor_find(kinds, "inne"));
    assert_false(hg_descriptor_unknown(ctx, kinds, "layer", "iner", "m.yaml:1:2"));
    assert_non_null(strstr(hg_message(ctx), "m.yaml:1:2"));
    expect_failure(HG_BAD_INPUT, "unknown layer 'iner', did you mean 'inner'");
}

static void numbers(void **state)
{
    (void)state;
    int64_t i;
    double f;
    bool b;
    assert_true(hg_parse_int("-12", &i) && i == -12);
    assert_true(hg_parse_int("9223372036854775807", &i) && i == INT64_MAX);
    static const char *const no_int[] = {"", "-", " 1", "1 ", "1.", "0x10", "1e3", "9223372036854775808"};
    for (size_t k = 0; k < sizeof no_int / sizeof *no_int; k++) assert_false(hg_parse_int(no_int[k], &i));
    assert_true(hg_parse_float("-1.5e-3", &f) && f == -1.5e-3);
    assert_true(hg_parse_float("7", &f) && f == 7);
    assert_true(hg_parse_float("1e-310", &f) && f > 0);
    static const char *const no_float[] = {"", "1e999", "nan", "inf", "0x1p3", "1 ", " 1", "1e", "--1", "1,5", "e5"};
    for (size_t k = 0; k < sizeof no_float / sizeof *no_float; k++) assert_false(hg_parse_float(no_float[k], &f));
    assert_true(hg_parse_bool("true", &b) && b && hg_parse_bool("false", &b) && !b);
    assert_false(hg_parse_bool("True", &b));
}

/* ---- files */

static const char *at(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void expect_content(const char *path, const char *text)
{
    uint8_t *data;
    size_t length;
    assert_true(hg_file_read(ctx, path, 1000000, &data, &length));
    assert_int_equal(length, strlen(text));
    assert_string_equal((char *)data, text);
    hg_free(data);
}

static void reading(void **state)
{
    (void)state;
    uint8_t *data;
    size_t length;
    assert_false(hg_file_read(ctx, at("none"), 10, &data, &length));
    expect_failure(HG_BAD_INPUT, "none");
    assert_false(hg_file_read(ctx, folder, 10, &data, &length));
    expect_failure(HG_BAD_INPUT, "folder");
    assert_true(hg_file_write(ctx, at("x"), "12345", 5));
    expect_content(at("x"), "12345");
    assert_true(hg_file_read(ctx, at("x"), 5, &data, &length));
    hg_free(data);
    assert_false(hg_file_read(ctx, at("x"), 4, &data, &length));
    expect_failure(HG_BAD_INPUT, "4 bytes");
    assert_true(hg_path_exists(at("x")) && !hg_path_is_dir(at("x")) && hg_path_is_dir(folder));
    char *joined = hg_path_join(ctx, "a/", "b"), *root = hg_path_join(ctx, "/", "b");
    char *bare = hg_path_join(ctx, "", "b");
    assert_string_equal(joined, "a/b");
    assert_string_equal(root, "/b");
    assert_string_equal(bare, "b");
    hg_free(joined);
    hg_free(root);
    hg_free(bare);
    unlink(at("x"));
}

static void gzip(void **state)
{
    (void)state;
    enum { N = 3000000 };
    char *zeros = calloc(1, N);
    gzFile out = gzopen(at("z.gz"), "wb");
    assert_int_equal(gzwrite(out, zeros, N), N);
    gzclose(out);
    free(zeros);
    uint8_t *data;
    size_t length;
    assert_true(hg_file_read_gz(ctx, at("z.gz"), N, &data, &length));
    assert_int_equal(length, N);
    assert_true(data[0] == 0 && data[N - 1] == 0);
    hg_free(data);
    assert_false(hg_file_read_gz(ctx, at("z.gz"), N - 1, &data, &length));
    expect_failure(HG_BAD_INPUT, "more than");
    assert_true(hg_file_read(ctx, at("z.gz"), N, &data, &length));
    assert_true(hg_file_write(ctx, at("cut.gz"), data, length - 9));
    data[length / 2] ^= 0x55;
    assert_true(hg_file_write(ctx, at("bad.gz"), data, length));
    hg_free(data);
    assert_false(hg_file_read_gz(ctx, at("cut.gz"), N, &data, &length));
    expect_failure(HG_BAD_INPUT, "cut.gz");
    assert_false(hg_file_read_gz(ctx, at("bad.gz"), N, &data, &length));
    expect_failure(HG_BAD_INPUT, "bad.gz");
    assert_true(hg_file_write(ctx, at("plain"), "abc", 3));
    assert_true(hg_file_read_gz(ctx, at("plain"), 10, &data, &length));
    assert_string_equal((char *)data, "abc");
    hg_free(data);
    unlink(at("z.gz"));
    unlink(at("cut.gz"));
    unlink(at("bad.gz"));
    unlink(at("plain"));
}

static void writing(void **state)
{
    (void)state;
    assert_true(hg_file_write(ctx, at("w"), "old", 3));
    hg_writer *w = hg_writer_open(ctx, at("w"));
    assert_true(hg_writer_put(w, "ne", 2));
    expect_content(at("w"), "old");
    assert_true(hg_path_exists(at("w.partial")));
    hg_writer_abort(w);
    hg_writer_abort(NULL);
    expect_content(at("w"), "old");
    assert_false(hg_path_exists(at("w.partial")));
    w = hg_writer_open(ctx, at("w"));
    assert_true(hg_writer_put(w, "ne", 2) && hg_writer_put(w, "wer", 3) && hg_writer_put(w, "", 0));
    assert_true(hg_writer_commit(w));
    expect_content(at("w"), "newer");
    assert_false(hg_path_exists(at("w.partial")));
    unlink(at("w"));
    assert_null(hg_writer_open(ctx, at("missing/w")));
    expect_failure(HG_OUTPUT, "missing/w");
    assert_null(hg_writer_open(ctx, folder));
    expect_failure(HG_OUTPUT, "folder");
    assert_null(hg_writer_open(ctx, "/dev/null")); /* must not be renamed over */
    expect_failure(HG_OUTPUT, "/dev/null");
}

/* ---- random numbers */

/* The known answers of Random123's kat_vectors for philox4x32-10. */
static void philox(void **state)
{
    (void)state;
    static const struct { uint32_t counter[4], key[2], expected[4]; } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t out[4];
        hg_philox(cases[i].counter, cases[i].key, out);
        assert_memory_equal(out, cases[i].expected, sizeof out);
    }
}

static void sequences(void **state)
{
    (void)state;
    hg_rng a = hg_rng_make(5, HG_STREAM_INIT, 2), b = a, other = hg_rng_make(5, HG_STREAM_INIT, 3);
    uint32_t counter[4] = {1, 0, 2, HG_STREAM_INIT}, key[2] = {5, 0}, block[4];
    hg_philox(counter, key, block);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t draw = hg_rng_u32(&a);
        if (i >= 4 && i < 8) assert_true(draw == block[i - 4]);
        assert_true(draw == hg_rng_u32(&b));
        same += draw == hg_rng_u32(&other);
    }
    assert_int_equal(same, 0);
    int counts[6] = {0};
    for (int i = 0; i < 60000; i++) counts[hg_rng_below(&a, 6)]++;
    for (int i = 0; i < 6; i++) assert_true(abs(counts[i] - 10000) < 500); /* 5.5 standard deviations */
    for (int i = 0; i < 100; i++) assert_true(hg_rng_below(&a, 1) == 0);
    assert_true(hg_rng_below(&a, UINT64_MAX) < UINT64_MAX);
}

static void distributions(void **state)
{
    (void)state;
    enum { N = 100000 };
    hg_rng rng = hg_rng_make(1, HG_STREAM_SAMPLE, 0);
    double sum = 0, square = 0, mean = 0;
    for (int i = 0; i < N; i++) {
        float u = hg_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1 && u * 16777216.0f == floorf(u * 16777216.0f));
        mean += (double)u / N;
        double z = hg_rng_normal(&rng);
        sum += z / N;
        square += z * z / N;
    }
    assert_true(fabs(mean - 0.5) < 5 * 0.2887 / sqrt(N));
    assert_true(fabs(sum) < 5 / sqrt(N));
    assert_true(fabs(square - 1) < 5 * sqrt(2.0 / N));
    uint32_t order[257], seen[257] = {0};
    int fixed = 0;
    hg_rng_shuffle(&rng, order, 257);
    for (uint32_t i = 0; i < 257; i++) {
        assert_true(order[i] < 257 && !seen[order[i]]++);
        fixed += order[i] == i;
    }
    assert_true(fixed < 10);
    hg_rng_shuffle(&rng, order, 0);
}

/* ---- half precision */

static void halves(void **unused)
{
    (void)unused;
    assert_true(hg_half_to_float(0x3c00) == 1 && hg_half_to_float(0xc000) == -2 && hg_half_to_float(0x7bff) == 65504);
    assert_true(hg_half_to_float(0x0001) == 0x1p-24f && hg_half_to_float(0x0400) == 0x1p-14f && hg_half_to_float(0x3555) == 0x1.554p-2f);
    assert_true(isnan(hg_half_to_float(0x7e01)) && isinf(hg_half_to_float(0xfc00)) && signbit(hg_half_to_float(0x8000)));
    assert_true(hg_half_from_float(NAN) > 0x7c00 && hg_half_from_float(INFINITY) == 0x7c00 && hg_half_from_float(-65520) == 0xfc00);
    /* every half comes back; between neighbours the middle goes to the even one, what is beside it to the nearer */
    for (uint32_t h = 0; h < 0x7c00; h++) {
        const float a = hg_half_to_float((uint16_t)h), b = h + 1 < 0x7c00 ? hg_half_to_float((uint16_t)(h + 1)) : 65536, middle = (a + b) / 2;
        assert_true(a < b);
        assert_int_equal(hg_half_from_float(a), h);
        assert_int_equal(hg_half_from_float(-a), h | 0x8000);
        assert_int_equal(hg_half_from_float(middle), h % 2 ? h + 1 : h);
        assert_int_equal(hg_half_from_float(nextafterf(middle, 0)), h);
        assert_int_equal(hg_half_from_float(nextafterf(middle, INFINITY)), h + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins), cmocka_unit_test(failures_from_threads),
        cmocka_unit_test(sizes_saturate), cmocka_unit_test(arenas), cmocka_unit_test(growing_text),
        cmocka_unit_test(nearest_names), cmocka_unit_test(option_defaults), cmocka_unit_test(option_values),
        cmocka_unit_test(option_errors), cmocka_unit_test(numbers), cmocka_unit_test(reading), cmocka_unit_test(gzip),
        cmocka_unit_test(writing), cmocka_unit_test(philox), cmocka_unit_test(sequences),
        cmocka_unit_test(distributions), cmocka_unit_test(halves)};
    return cmocka_run_group_tests(tests, begin, end);
}
