/* The roofs of a device: the most that probe kernels reach of what they are made for. */
#include "base/clock.h"
#include "device/device_private.h"

#include <math.h>
#include <stdio.h>
#include "device/launch.h"

enum { GROUP = 64, SHAPES = 3, TRIES = 4, ROUNDS = 2048, MOST_ITEMS = 1 << 26 };
static const double TRY_SECONDS = 5e-3;          /* long enough for drivers whose threads wake up slowly */
static const size_t COPY_BYTES = (size_t)64 << 20; /* each way: more than caches hold */

/* Waits by reading what the launch's first argument holds: Mesa's rusticl 22.3 comes back from clFinish before the work is done. */
static bool time_once(hg_device *dev, hg_launch *launch, double *seconds)
{
    double begin = hg_now();
    float word;
    if (!hg_launches_run(dev, &launch, 1) || !hg_buffer_read(launch->args[0].buffer, 0, &word, sizeof word)) return false;
    *seconds = hg_now() - begin;
    return true;
}

/* The best of a few runs, as a rate: what disturbs them only ever makes them slower. Long ones need no repetition. */
static bool best_rate(hg_device *dev, hg_launch *launch, double work, double *best)
{
    double seconds;
    for (int i = 0; i < TRIES; i++) {
        if (!time_once(dev, launch, &seconds)) return false;
        if (seconds > 0 && work / seconds > *best) *best = work / seconds;
        if (seconds > 20 * TRY_SECONDS) break;
    }
    return true;
}

static size_t group_size(const hg_device_info *info)
{
    return hg_has_wide_vectors(info) ? 1 : info->max_work_group < GROUP ? info->max_work_group : GROUP;
}

static size_t units(const hg_device_info *info) { return info->compute_units ? info->compute_units : 1; }

/* ---- arithmetic */

typedef struct shape { int vector, chains, fused; } shape;

/* Where kernels go along vectors: a vector a chain. 12 chains suffice for two units of latency 5 or 6, and fit 16 registers beside
 * the two factors; 16 for four units where there are 32 registers; 6 where multiplication and addition are two instructions. Elsewhere
 * work-items are the vectors. */
static shape shape_at(const hg_device_info *info, int i)
{
    const int width = (int)info->vector_width;
    const shape wide[SHAPES] = {{width, 12, 1}, {width, 16, 1}, {width, 6, 0}}, narrow[SHAPES] = {{1, 8, 0}, {1, 16, 0}, {4, 4, 0}};
    return hg_has_wide_vectors(info) ? wide[i] : narrow[i];
}

/* As many work-items as take TRY_SECONDS, found by doubling, which also is the warming up. */
static bool choose_items(hg_device *dev, hg_launch *launch)
{
    for (double seconds = 0; launch->global[0] < MOST_ITEMS; launch->global[0] *= 2) {
        bool first = seconds <= 0; /* in which the driver may have made the machine's code */
        if (!time_once(dev, launch, &seconds)) return false;
        if (seconds >= TRY_SECONDS && !first) break;
    }
    return true;
}

static bool probe_shape(hg_device *dev, hg_buffer *out, shape s, double *best)
{
    const size_t group = group_size(dev->info);
    char macros[64];
    snprintf(macros, sizeof macros, "-DHG_VEC=%d -DCHAINS=%d -DFUSED=%d", s.vector, s.chains, s.fused);
    hg_launch launch = {.label = "probe of the arithmetic", .file = "probe", .kernel = "probe_fma", .macros = macros, .dims = 1, .n_args = 5,
                        .global = {hg_mul(units(dev->info), group), 1, 1}, .local = {group, 1, 1},
                        .args = {{.type = HG_ARG_BUFFER, .buffer = out}, {.type = HG_ARG_FLOAT, .f = 0.999f}, {.type = HG_ARG_FLOAT, .f = 0.001f},
                                 {.type = HG_ARG_FLOAT, .f = NAN}, {.type = HG_ARG_INT, .i = ROUNDS}}};
    hg_launch *list[] = {&launch};
    bool ok = hg_launches_build(dev, list, 1, NULL, NULL) && choose_items(dev, &launch) &&
              best_rate(dev, &launch, 2.0 * s.vector * s.chains * ROUNDS * (double)launch.global[0], best);
    hg_launches_release(list, 1);
    return ok;
}

static bool probe_arithmetic(hg_device *dev, double *best)
{
    hg_buffer *out = hg_buffer_create(dev, 16 * sizeof(float), "probe");
    bool ok = out != NULL;
    for (int i = 0; ok && i < SHAPES; i++) ok = probe_shape(dev, out, shape_at(dev->info, i), best);
    hg_buffer_destroy(out);
    return ok;
}

/* ---- memory */

static size_t copy_bytes(const hg_device_info *info)
{
    size_t bytes = COPY_BYTES;
    if (bytes > info->max_alloc) bytes = (size_t)info->max_alloc;
    if (bytes > info->memory / 16) bytes = (size_t)info->memory / 16;
    return bytes / GROUP * GROUP; /* whole vectors of 16 floats */
}

static bool probe_copy(hg_device *dev, hg_buffer *to, hg_buffer *from, int vector, double *best)
{
    const bool wide = hg_has_wide_vectors(dev->info);
    const size_t group = group_size(dev->info), n = hg_buffer_size(to) / ((size_t)vector * sizeof(float));
    char macros[64];
    snprintf(macros, sizeof macros, wide ? "-DHG_VEC=%d -DHG_SPAN=1" : "-DHG_VEC=%d", vector);
    hg_launch launch = {.label = "probe of the memory", .file = "probe", .kernel = "probe_copy", .macros = macros, .dims = 1, .n_args = 3,
                        .global = {wide ? units(dev->info) * 8 : hg_mul(units(dev->info), 32 * group), 1, 1}, .local = {group, 1, 1},
                        .args = {{.type = HG_ARG_BUFFER, .buffer = to}, {.type = HG_ARG_BUFFER, .buffer = from},
                                 {.type = HG_ARG_INT, .i = (int32_t)n}}};
    hg_launch *list[] = {&launch};
    double warming;
    bool ok = hg_launches_build(dev, list, 1, NULL, NULL) && time_once(dev, &launch, &warming) &&
              best_rate(dev, &launch, 2.0 * (double)hg_buffer_size(to), best);
    hg_launches_release(list, 1);
    return ok;
}

static bool probe_memory(hg_device *dev, double *best)
{
    const bool wide = hg_has_wide_vectors(dev->info);
    const size_t bytes = copy_bytes(dev->info);
    hg_buffer *from = hg_buffer_create(dev, bytes, "probe"), *to = from ? hg_buffer_create(dev, bytes, "probe") : NULL;
    bool ok = to && probe_copy(dev, to, from, wide ? 16 : 1, best) && (wide || probe_copy(dev, to, from, 4, best));
    hg_buffer_destroy(from);
    hg_buffer_destroy(to);
    return ok;
}

bool hg_device_probe(hg_device *dev, hg_roofs *roofs)
{
    *roofs = (hg_roofs){0};
    return probe_arithmetic(dev, &roofs->flops) && probe_memory(dev, &roofs->bytes);
}
