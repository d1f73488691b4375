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
        case HG_ARG_INT: code = clSetKernelArg(l->built, (cl_uint)i, sizeof arg->i, &arg->i); break;
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
            requests[kernels++] = (hg_unit_request){launches[i]->file, macros_of(launches[i]), launches[i]->label, NULL};
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

static bool enqueue(hg_device *dev, const hg_launch *l)
{
    if (l->gemm) return hg_gemm_run(dev, l);
    cl_int code = clEnqueueNDRangeKernel(dev->queue, l->built, (cl_uint)l->dims, NULL, l->global,
                                         l->local[0] ? l->local : NULL, 0, NULL, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueNDRangeKernel", l->label);
}

bool hg_launches_run(hg_device *dev, hg_launch *const *launches, int n)
{
    if (!hg_device_working(dev)) return false;
    for (int i = 0; i < n; i++)
        if (!enqueue(dev, launches[i])) return false;
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
        if (!enqueue(dev, &one) || !hg_device_finish(dev)) return false;
    }
    return true;
}

/* ---- timing */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A chain of launches between two waits: long enough (2 ms and 10 launches or more) that the waiting itself is lost in
 * it. */
static bool time_chain(hg_device *dev, const hg_launch *l, int chain, double *seconds)
{
    double begin = hg_now();
    for (int i = 0; i < chain; i++)
        if (!enqueue(dev, l)) return false;
    if (!hg_device_finish(dev)) return false;
    *seconds = (hg_now() - begin) / chain;
    return true;
}

bool hg_launches_time(hg_device *dev, hg_launch *const *launches, int n, int repeats)
{
    if (repeats < 1) repeats = 1;
    double *times = hg_alloc(dev->ctx, (size_t)repeats, sizeof *times), first;
    bool ok =
        times && hg_launches_run(dev, launches, n) && hg_device_finish(dev); /* code that is made at the first run */
    for (int i = 0; ok && i < n; i++) {
        ok = time_chain(dev, launches[i], 1, &first);
        int chain = ok && first < 2e-3 ? (int)(2e-3 / (first > 2e-5 ? first : 2e-5)) + 1 : 1;
        for (int r = 0; ok && r < repeats; r++) ok = time_chain(dev, launches[i], chain, &times[r]);
        if (!ok) break;
        qsort(times, (size_t)repeats, sizeof *times, compare);
        launches[i]->seconds = times[repeats / 2];
        launches[i]->seconds_min = times[0];
        launches[i]->seconds_max = times[repeats - 1];
    }
    hg_free(times);
    return ok;
}
