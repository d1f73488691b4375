/* Programs: what becomes of kernel files and their macros. */
#include "own_kernels.h"

static void build_wrong(hg_launch launch, const char *part)
{
    hg_launch *list[] = {&launch};
    assert_false(hg_launches_build(dev, list, 1, NULL, NULL));
    hg_launches_release(list, 1);
    assert_int_equal(hg_context_status(ctx), HG_KERNEL_BUILD);
    assert_non_null(strstr(hg_message(ctx), launch.label));
    expect_failure(HG_KERNEL_BUILD, part);
}

static void run_to(int expected, hg_launch launch, hg_buffer *to)
{
    hg_launch *list[] = {&launch};
    int found = 0;
    check(hg_launches_build(dev, list, 1, NULL, NULL) && hg_launches_run(dev, list, 1) && hg_buffer_read(to, 0, &found, sizeof found));
    assert_int_equal(found, expected);
    hg_launches_release(list, 1);
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
        hg_launch launch = plain_launch(to, "");
        launch.file = "c";
        run_to(5 + i, launch, to);
    }
    unlink(at("c.cl"));
    hg_buffer_destroy(to);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_builds), cmocka_unit_test(changed_files), cmocka_unit_test(included_files),
        cmocka_unit_test(other_kernels), cmocka_unit_test(units_together), cmocka_unit_test(unit_alone)};
    return cmocka_run_group_tests(tests, begin_with_kernels, end_with_kernels);
}
