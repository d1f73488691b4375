/* safetensors: what is written is read again, bytes are those of the format, and damaged files are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "files.h"
#include "train/safetensors.h"

static hg_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = hg_context_create(NULL, NULL);
    files_fresh();
    return ctx == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    hg_context_destroy(ctx);
    files_remove();
    return 0;
}

static const float numbers[6] = {0, -0.0f, 1.5f, 3e38f, -1e-42f, 7};
static const hg_safetensor tensors[] = {
    {.name = "encoder.0.weight", .rank = 2, .shape = {2, 3}, .data = numbers},
    {.name = "a \"quoted\" \xc3\xa4", .rank = 0, .data = numbers + 2},
    {.name = "empty", .rank = 2, .shape = {0, 4}, .data = numbers},
    {.name = "decoder.1.bias", .rank = 1, .shape = {4}, .data = numbers + 1},
};
static const hg_metadata metadata[] = {{"model", "name: x\nline \"two\"\t\\"}, {"step", "12"}};

static bool write_file(const char *name) { return hg_safetensors_write(ctx, files_path(name), tensors, 4, metadata, 2); }

static void written_is_read(void **state)
{
    (void)state;
    float out[6];
    assert_true(write_file("a"));
    hg_safetensors *file = hg_safetensors_open(ctx, files_path("a"));
    assert_non_null(file);
    assert_int_equal(hg_safetensors_count(file), 4);
    for (int i = 0; i < 4; i++) {
        const hg_safetensor *tensor = hg_safetensors_find(file, tensors[i].name);
        assert_non_null(tensor);
        assert_int_equal(tensor->rank, tensors[i].rank);
        assert_memory_equal(tensor->shape, tensors[i].shape, sizeof tensor->shape);
        assert_string_equal(tensor->dtype, "F32");
        assert_true(hg_safetensors_read(file, tensor, out));
        assert_memory_equal(out, tensors[i].data, (size_t)tensor->count * sizeof(float));
    }
    assert_string_equal(hg_safetensors_at(file, 0)->name, "encoder.0.weight"); /* in the order of the data */
    assert_null(hg_safetensors_find(file, "decoder"));
    assert_null(hg_safetensors_at(file, 4));
    assert_string_equal(hg_safetensors_meta(file, "model"), metadata[0].value);
    assert_string_equal(hg_safetensors_meta(file, "step"), "12");
    assert_null(hg_safetensors_meta(file, "epoch"));
    hg_safetensors_close(file);
    hg_safetensors_close(NULL);
}

static void bytes_are_the_format_s(void **state)
{
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"k\":\"v\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}";
    const hg_safetensor tensor = {.name = "w", .rank = 2, .shape = {2, 1}, .data = numbers + 2};
    const hg_metadata entry = {"k", "v"};
    size_t length, padded = (sizeof header - 1 + 7) / 8 * 8, again;
    assert_true(hg_safetensors_write(ctx, files_path("a"), &tensor, 1, &entry, 1));
    uint8_t *bytes = files_read(files_path("a"), &length);
    assert_int_equal(length, 8 + padded + 8);
    assert_int_equal(bytes[0], padded);
    for (int i = 1; i < 8; i++)
        assert_int_equal(bytes[i], 0);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++)
        assert_int_equal(bytes[8 + i], ' ');
    assert_memory_equal(bytes + 8 + padded, numbers + 2, 8);
    free(bytes);
    assert_true(write_file("a") && write_file("b")); /* the same bytes twice */
    bytes = files_read(files_path("a"), &length);
    uint8_t *twice = files_read(files_path("b"), &again);
    assert_int_equal(length, again);
    assert_memory_equal(bytes, twice, length);
    free(bytes);
    free(twice);
    assert_true(hg_safetensors_write(ctx, files_path("a"), NULL, 0, NULL, 0));
    hg_safetensors *file = hg_safetensors_open(ctx, files_path("a"));
    assert_int_equal(hg_safetensors_count(file), 0);
    hg_safetensors_close(file);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    const hg_safetensor twice[] = {tensors[0], tensors[0]}, name = {.name = "\xff", .rank = 0, .data = numbers};
    const hg_metadata keys[] = {{"k", "1"}, {"k", "2"}};
    assert_true(write_file("a"));
    assert_false(hg_safetensors_write(ctx, files_path("a"), twice, 2, NULL, 0));
    expect_failure(ctx, HG_INTERNAL, "given twice");
    assert_false(hg_safetensors_write(ctx, files_path("a"), &name, 1, NULL, 0));
    expect_failure(ctx, HG_INTERNAL, "UTF-8");
    assert_false(hg_safetensors_write(ctx, files_path("a"), tensors, 1, keys, 2));
    expect_failure(ctx, HG_INTERNAL, "given twice");
    assert_false(hg_safetensors_write(ctx, files_path("none/a"), tensors, 1, NULL, 0));
    expect_failure(ctx, HG_OUTPUT, "none");
    hg_safetensors *file = hg_safetensors_open(ctx, files_path("a")); /* still the first */
    assert_int_equal(hg_safetensors_count(file), 4);
    hg_safetensors_close(file);
}

/* A file of this header and n bytes of data. */
static void write_raw(const char *header, const void *data, size_t n)
{
    size_t length = strlen(header);
    uint8_t *bytes = calloc(1, 8 + length + n + 1);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    if (n)
        memcpy(bytes + 8 + length, data, n);
    files_write("a", bytes, 8 + length + n);
    free(bytes);
}

static void other_types_are_converted(void **state)
{
    (void)state;
    const uint16_t half[8] = {0x0000, 0x8000, 0x3c00, 0xc500, 0x0001, 0x03ff, 0x7bff, 0xfc00}, brain[2] = {0x3f80, 0xc2f7};
    const double wide[2] = {0.1, -1e300};
    const float from_half[8] = {0, -0.0f, 1, -5, 0x1p-24f, 1023 * 0x1p-24f, 65504, -INFINITY}, from_brain[2] = {1, -123.5f};
    uint8_t data[16 + 4 + 16 + 8] = {0};
    float out[8];
    memcpy(data, half, 16);
    memcpy(data + 16, brain, 4);
    memcpy(data + 20, wide, 16);
    write_raw("{\"d\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[20,36]},"
              "\"h\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,16]},"
              "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]},"
              "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[36,44]}}  ", data, sizeof data);
    hg_safetensors *file = hg_safetensors_open(ctx, files_path("a"));
    assert_non_null(file);
    assert_true(hg_safetensors_read(file, hg_safetensors_find(file, "h"), out));
    assert_memory_equal(out, from_half, sizeof from_half);
    assert_true(hg_safetensors_read(file, hg_safetensors_find(file, "b"), out));
    assert_memory_equal(out, from_brain, sizeof from_brain);
    assert_true(hg_safetensors_read(file, hg_safetensors_find(file, "d"), out));
    assert_true(out[0] == 0.1f && isinf(out[1]) && out[1] < 0);
    const hg_safetensor *count = hg_safetensors_find(file, "n");
    assert_false(hg_safetensor_readable(count));
    assert_false(hg_safetensors_read(file, count, out));
    expect_failure(ctx, HG_BAD_INPUT, "'n' has dtype I64|F32");
    hg_safetensors_close(file);
}

static void expect_bad(const char *words)
{
    assert_null(hg_safetensors_open(ctx, files_path("a")));
    expect_failure(ctx, HG_BAD_INPUT, words);
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
#define ONE(dtype, shape, offsets) "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second) \
    "{\"v\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" first "}," \
    "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" second "}}"
    static const struct { const char *header, *words; } cases[] = {
        {"", "JSON"}, {"{", "JSON"}, {"[]", "not a JSON object"}, {"{} x", "JSON"}, {"null", "JSON"},
        {"{\"w\":1}", "'w': expected exactly"}, {"{\"w\":{}}", "expected exactly"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", "expected exactly"},
        {ONE("F32", "[2]", "[0,8]") "{}", "JSON"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "duplicate"},
        {ONE("F99", "[2]", "[0,8]"), "unknown dtype 'F99'"}, {ONE("F32", "2", "[0,8]"), "`shape` as a list"},
        {ONE("F32", "[2.0]", "[0,8]"), "size 1 of its shape"}, {ONE("F32", "[1,-2]", "[0,8]"), "size 2 of its shape"},
        {ONE("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "at most 8"},
        {ONE("F32", "[4294967296,4294967296]", "[0,8]"), "2^63"},
        {ONE("F32", "[4611686018427387904]", "[0,8]"), "4611686018427387904 elements"},
        {ONE("F32", "[4611686018427387904,3]", "[0,8]"), "2^63"}, {ONE("F32", "[99999999999999999999]", "[0,8]"), "JSON"},
        {ONE("F32", "[3]", "[0,8]"), "8 bytes, but its shape has 3 elements of 4 bytes"}, {ONE("F32", "[2]", "[8,0]"), "[8, 0]"},
        {ONE("F32", "[2]", "[-8,0]"), "[-8, 0]"}, {ONE("F32", "[3]", "[0,12]"), "truncated"},
        {ONE("F32", "[2]", "[0]"), "expected exactly"},
        {ONE("F32", "[2]", "[0,8.0]"), "expected exactly"}, {ONE("F32", "[1]", "[0,4]"), "over-long|need 4 bytes of data, found 8"},
        {ONE("F32", "[1]", "[4,8]"), "begins at byte 4|a gap"}, {TWO("[0,4]", "[0,4]"), "overlap"}, {TWO("[0,4]", "[2,6]"), "overlap"},
        {"{}", "over-long"}, {"{\"__metadata__\":1}", "__metadata__"}, {"{\"__metadata__\":{\"a\":1}}", "'a' is not a text"},
        {"{\"\xff\":1}", "JSON"}, {"{\"a\\u0000b\":1}", "JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_raw(cases[i].header, numbers, 8);
        expect_bad(cases[i].words);
    }
    char deep[100001];
    memset(deep, '[', 100000);
    deep[100000] = 0;
    write_raw(deep, numbers, 8);
    expect_bad("JSON");
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    size_t length;
    assert_true(write_file("good"));
    uint8_t *bytes = files_read(files_path("good"), &length);
    for (size_t n = 0; n < length; n++) { /* every truncation */
        files_write("a", bytes, n);
        expect_bad(n == 0 ? "empty" : n < 8 ? "truncated|8 bytes" : "truncated");
    }
    bytes[4] = 1;
    files_write("a", bytes, length);
    expect_bad("not a safetensors file: header length 429");
    memset(bytes, 0xff, 8);
    files_write("a", bytes, length);
    expect_bad("18446744073709551615");
    files_write("a", "PK\3\4 a zip file of another program", 34);
    expect_bad("not a safetensors file");
    free(bytes);
    remove(files_path("a"));
    expect_bad("cannot be opened");
    files_folder("a");
    expect_bad("is a folder");
}

/* Another implementation, from the format's text, in Python. */
static void python_reads_it(void **state)
{
    (void)state;
    static const char script[] =
        "import json, struct, sys\n"
        "b = open(sys.argv[1], 'rb').read()\n"
        "n, = struct.unpack('<Q', b[:8])\n"
        "assert n % 8 == 0 and b[8:9] == b'{'\n"
        "h = json.loads(b[8:8 + n])\n"
        "d = b[8 + n:]\n"
        "assert h['__metadata__'] == {'model': 'name: x\\nline \"two\"\\t\\\\', 'step': '12'}\n"
        "t = h['encoder.0.weight']\n"
        "assert t['dtype'] == 'F32' and t['shape'] == [2, 3] and t['data_offsets'] == [0, 24]\n"
        "assert struct.unpack('<6f', d[:24])[2] == 1.5\n"
        "assert h['a \"quoted\" \\u00e4']['shape'] == [] and h['empty']['data_offsets'] == [28, 28]\n"
        "assert h['decoder.1.bias']['data_offsets'] == [28, 44] and len(d) == 44\n"
        "try:\n"
        "    from safetensors import safe_open\n"
        "except ImportError:\n"
        "    sys.exit(0)\n"
        "f = safe_open(sys.argv[1], 'np')\n"
        "assert f.metadata()['step'] == '12'\n"
        "assert f.get_tensor('encoder.0.weight')[0, 2] == 1.5\n";
    char command[2048];
    if (system("python3 -c '' >/dev/null 2>&1"))
        skip();
    assert_true(write_file("a"));
    files_write("read.py", script, sizeof script - 1);
    snprintf(command, sizeof command, "python3 '%s' '%s'", files_path("read.py"), files_path("a"));
    assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(written_is_read), TEST(bytes_are_the_format_s), TEST(wrong_arguments_are_refused), TEST(other_types_are_converted),
        TEST(bad_headers_are_refused), TEST(damaged_files_are_refused), TEST(python_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
