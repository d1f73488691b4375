/* Kernels for tests of the device room, in a folder that they write: k.cl, and launches of it. */
#ifndef HG_TESTS_OWN_KERNELS_H
#define HG_TESTS_OWN_KERNELS_H

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

static inline int begin_with_kernels(void **state)
{
    return begin(state) || !hg_file_write(ctx, at("k.cl"), KERNELS, strlen(KERNELS));
}

static inline int end_with_kernels(void **state)
{
    unlink(at("k.cl"));
    return end(state);
}

static inline hg_launch fill_launch(hg_buffer *to, const char *macros, int local)
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

static inline hg_launch plain_launch(hg_buffer *to, const char *macros)
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

#endif
