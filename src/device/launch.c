/* Launches: kernels made, checked and given their arguments once; then enqueued in a loop, or timed one by one. */
#include "device/launch.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "device/device_private.h"
#include "device/gemm.h"

static const char *macros_of(const hg_launch *l) { return l->macros ? l->macros : ""; }

/* ---- building */

static bool set_args(hg_device *dev, hg_launch *l)
{
    for (int i = 0; i < l->n_args; i++) {
        const hg_arg *arg = &l->args[i];
        cl_int code;
        switch (arg->type) {
        case HG_ARG_BUFFER: code = clSetKernelArg(l->built, (cl_uint)i, sizeof(cl_mem), &arg->buffer->mem); break;
        case HG_ARG_INT:
        case HG_ARG_ITEMS: code = clSetKernelArg(l->built, (cl_uint)i, sizeof arg->i, &arg->i); break;
        case HG_ARG_FLOAT: code = clSetKernelArg(l->built, (cl_uint)i, sizeof arg->f, &arg->f); break;
        default: code = clSetKernelArg(l->built, (cl_uint)i, arg->bytes, NULL); break;
        }
        if (code == CL_SUCCESS) continue;
        if (code == CL_OUT_OF_HOST_MEMORY || code == CL_OUT_OF_RESOURCES)
            return hg_cl_fail(dev, code, "clSetKernelArg", l->label);
        return hg_fail(dev->ctx, HG_INTERNAL, "%s: argument %d of kernel %s was refused: %s", l->label, i, l->kernel,
                       hg_cl_error(code));
    }
    return true;
}

/* What the device allows for this kernel may be less than for kernels in general. A limit of exactly one subgroup says
 * nothing: Mesa's rusticl 22.3 gives that for every kernel and runs larger groups all the same. */
static bool check_limits(hg_device *dev, const hg_launch *l)
{
    const char *variant = l->variant && *l->variant ? l->variant : "default";
    size_t group = 1, most = 0, subgroup = 0, arguments = 0;
    cl_ulong local = 0;
    for (int i = 0; i < l->n_args; i++)
        if (l->args[i].type == HG_ARG_LOCAL) arguments = hg_add(arguments, l->args[i].bytes);
    for (int i = 0; l->local[0] && i < l->dims; i++) group *= l->local[i];
    cl_int code = clGetKernelWorkGroupInfo(l->built, dev->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL);
    if (code == CL_SUCCESS)
        code = clGetKernelWorkGroupInfo(l->built, dev->id, CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE,
                                        sizeof subgroup, &subgroup, NULL);
    if (code == CL_SUCCESS)
        code = clGetKernelWorkGroupInfo(l->built, dev->id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    if (code != CL_SUCCESS) return hg_cl_fail(dev, code, "clGetKernelWorkGroupInfo", l->label);
    if (group > most && (most != subgroup || group > dev->info->max_work_group))
        return hg_fail(
            dev->ctx, HG_KERNEL_BUILD,
            "%s: kernel %s (variant %s) needs work-groups of %zu, %s allows %zu for it: force another variant, "
            "e.g. plain",
            l->label, l->kernel, variant, group, dev->info->name, most);
    if (arguments > local) local = arguments; /* not every driver counts them */
    if (local > dev->info->local_memory)
        return hg_fail(
            dev->ctx, HG_KERNEL_BUILD,
            "%s: kernel %s (variant %s) needs %llu bytes of local memory, %s has %llu: force another variant, "
            "e.g. plain",
            l->label, l->kernel, variant, (unsigned long long)local, dev->info->name,
            (unsigned long long)dev->info->local_memory);
    return true;
}

static bool make_kernel(hg_device *dev, hg_launch *l, const hg_unit *unit)
{
    cl_int code;
    l->built = hg_unit_kernel(unit, l->kernel, &code);
    if (!l->built)
        return hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s: kernel %s of %s.cl cannot be made on %s: %s; macros: %s",
                       l->label, l->kernel, l->file, dev->info->name, hg_cl_error(code),
                       l->macros ? l->macros : "none");
    return set_args(dev, l) && check_limits(dev, l);
}

bool hg_launches_build(hg_device *dev, hg_launch *const *launches, int n, hg_build_progress *progress, void *user)
{
    if (!hg_device_working(dev)) return false;
    hg_launches_release(launches, n);
    hg_unit_request *requests = hg_alloc(dev->ctx, (size_t)n + 1, sizeof *requests);
    bool ok = requests != NULL;
    int kernels = 0;
    for (int i = 0; ok && i < n; i++)
        if (!launches[i]->gemm)
            requests[kernels++] = (hg_unit_request){launches[i]->file, macros_of(launches[i]), launches[i]->kernel, launches[i]->label, NULL};
    ok = ok && hg_units_get(dev, requests, kernels, progress, user);
    for (int i = 0, k = 0; ok && i < n; i++)
        if (!launches[i]->gemm) ok = make_kernel(dev, launches[i], requests[k++].unit);
    hg_free(requests);
    return ok;
}

void hg_launches_release(hg_launch *const *launches, int n)
{
    for (int i = 0; i < n; i++) {
        if (launches[i]->built) clReleaseKernel(launches[i]->built);
        launches[i]->built = NULL;
    }
}

/* ---- running */

static bool enqueue(hg_device *dev, const hg_launch *l, cl_event *event)
{
    if (l->gemm) return hg_gemm_run(dev, l);
    cl_int code = clEnqueueNDRangeKernel(dev->queue, l->built, (cl_uint)l->dims, NULL, l->global,
                                         l->local[0] ? l->local : NULL, 0, NULL, event);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueNDRangeKernel", l->label);
}

bool hg_launches_run(hg_device *dev, hg_launch *const *launches, int n)
{
    if (!hg_device_working(dev)) return false;
    for (int i = 0; i < n; i++)
        if (!enqueue(dev, launches[i], NULL)) return false;
    cl_int code = clFlush(dev->queue); /* some drivers start nothing before */
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clFlush", n ? launches[n - 1]->label : "running");
}

/* ---- machine code */

static bool same_code(const hg_launch *a, const hg_launch *b)
{
    return !a->gemm && strcmp(a->kernel, b->kernel) == 0 && strcmp(a->file, b->file) == 0 && strcmp(macros_of(a), macros_of(b)) == 0 &&
           memcmp(a->local, b->local, sizeof a->local) == 0;
}

static bool comes_before(hg_launch *const *launches, int i)
{
    for (int k = 0; k < i; k++)
        if (same_code(launches[k], launches[i])) return true;
    return false;
}

bool hg_launches_compile(hg_device *dev, hg_launch *const *launches, int n, int part, int parts, bool (*wanted)(void *user), void *user)
{
    if (!hg_device_working(dev)) return false;
    for (int i = n - 1, kernels = 0; i >= 0; i--) {
        hg_launch one = *launches[i];
        if (one.gemm || comes_before(launches, i) || kernels++ % parts != part) continue;
        if (!wanted(user)) return true;
        if (one.local[0]) memcpy(one.global, one.local, sizeof one.global);
        for (int k = 0; k < one.n_args; k++)
            if (one.args[k].type == HG_ARG_ITEMS) one.args[k].i = 1;
        if (!set_args(dev, &one) || !enqueue(dev, &one, NULL) || !hg_device_finish(dev) || !set_args(dev, launches[i])) return false;
    }
    return true;
}

/* ---- timing */

static const double WARM_SECONDS = 0.5;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Enqueued with an event; a gemm, which may be several kernels, is followed by a marker whose end is its own. */
static bool enqueue_timed(hg_device *dev, const hg_launch *l, cl_event *event)
{
    if (!l->gemm) return enqueue(dev, l, event);
    if (!enqueue(dev, l, NULL)) return false;
    cl_int code = clEnqueueMarkerWithWaitList(dev->queue, 0, NULL, event);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueMarkerWithWaitList", l->label);
}

/* The device's clock, in ns. */
static bool stamp(hg_device *dev, const hg_launch *l, cl_event event, cl_profiling_info which, cl_ulong *at)
{
    cl_int code = clGetEventProfilingInfo(event, which, sizeof *at, at, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clGetEventProfilingInfo", l->label);
}

/* The list once, in order: each launch from its begin (a gemm: from the end of what was before) to its end; seconds[n]: what lies
 * between them. */
static bool time_list(hg_device *dev, hg_launch *const *launches, int n, cl_event *events, double *seconds)
{
    cl_ulong begin = 0, end = 0;
    bool ok = true;
    seconds[n] = 0;
    for (int i = 0; i < n; i++) events[i] = NULL;
    for (int i = 0; ok && i < n; i++) ok = enqueue_timed(dev, launches[i], &events[i]);
    ok = ok && hg_device_finish(dev);
    for (int i = 0; ok && i < n; i++) {
        const cl_ulong before = end;
        ok = stamp(dev, launches[i], events[i], CL_PROFILING_COMMAND_START, &begin) &&
             stamp(dev, launches[i], events[i], CL_PROFILING_COMMAND_END, &end);
        if (i && (begin < before || launches[i]->gemm)) begin = before; /* the queue is in order, whatever the driver says */
        if (end < begin) end = begin;
        seconds[i] = 1e-9 * (double)(end - begin);
        if (i) seconds[n] += 1e-9 * (double)(begin - before);
    }
    for (int i = 0; i < n; i++)
        if (events[i]) clReleaseEvent(events[i]);
    return ok;
}

/* The same by the computer's clock, waiting for each launch. */
static bool time_list_by_host(hg_device *dev, hg_launch *const *launches, int n, double *seconds)
{
    double last = hg_now();
    seconds[n] = 0;
    for (int i = 0; i < n; i++) {
        if (!enqueue(dev, launches[i], NULL) || !hg_device_finish(dev)) return false;
        const double now = hg_now();
        seconds[i] = now - last;
        last = now;
    }
    return true;
}

static double sum(const double *numbers, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += numbers[i];
    return s;
}

static bool time_lists(hg_device *dev, hg_launch *const *launches, int n, int repeats, double *whole)
{
    const size_t columns = (size_t)n + 1;
    double *times = hg_alloc(dev->ctx, hg_mul(columns, (size_t)repeats), sizeof *times); /* [launches, between][repeats] */
    double *row = hg_alloc(dev->ctx, columns, sizeof *row);
    cl_event *events = hg_alloc(dev->ctx, columns, sizeof *events);
    bool ok = times && row && events, by_host = false;
    for (int r = 0; ok && r < repeats; r++) {
        const double begin = hg_now();
        if (!by_host) ok = time_list(dev, launches, n, events, row);
        if (!r) by_host = sum(row, columns) < (hg_now() - begin) / 4; /* a driver without a clock: Mesa's rusticl 22.3 on a CPU */
        if (ok && by_host) ok = time_list_by_host(dev, launches, n, row);
        for (size_t i = 0; ok && i < columns; i++) times[i * (size_t)repeats + (size_t)r] = row[i];
    }
    for (size_t i = 0; ok && i < columns; i++) {
        double *sorted = times + i * (size_t)repeats, median;
        qsort(sorted, (size_t)repeats, sizeof *sorted, compare);
        *whole += median = sorted[repeats / 2];
        if (i == (size_t)n) break;
        launches[i]->seconds = median;
        launches[i]->seconds_min = sorted[0];
        launches[i]->seconds_max = sorted[repeats - 1];
    }
    hg_free(times);
    hg_free(row);
    hg_free(events);
    return ok;
}

/* Code is made at the first run; and a system may run all threads of a CPU's driver on one processor for some tenths of a second before
 * it spreads them. */
static bool warm_up(hg_device *dev, hg_launch *const *launches, int n)
{
    const double begin = hg_now();
    do {
        if (!hg_launches_run(dev, launches, n) || !hg_device_finish(dev)) return false;
    } while (hg_now() - begin < WARM_SECONDS);
    return true;
}

bool hg_launches_time(hg_device *dev, hg_launch *const *launches, int n, int repeats, double *whole)
{
    *whole = 0;
    if (!warm_up(dev, launches, n)) return false;
    cl_int code;
    cl_command_queue usual = dev->queue, timed = clCreateCommandQueue(dev->context, dev->id, CL_QUEUE_PROFILING_ENABLE, &code);
    if (!timed) return hg_cl_fail(dev, code, "clCreateCommandQueue", "timing");
    dev->queue = timed;
    const bool ok = time_lists(dev, launches, n, repeats < 1 ? 1 : repeats, whole);
    dev->queue = usual;
    clReleaseCommandQueue(timed);
    return ok;
}
