/* An OpenCL layer for the tests (OPENCL_LAYERS=path/to/libhg_cl_layer.so; interface: CL/cl_layer.h). It stands between
 * the program and the loader's drivers, sees every call, and is steered by the environment:
 *
 *   HG_CL_COUNT=FILE            at exit: "KIND N" for each kind of object, N being the references still held
 *   HG_CL_CALLS=FILE            at exit: "FUNCTION N" for each function that was called
 *   HG_CL_FAIL=FUNCTION:N[+][:CODE]  the Nth call (from 1; with + every later one too) fails with CODE, without being made;
 *                               the CODE "abort" ends the process instead, as a driver does that crashes
 *   HG_CL_LIMITS=work_group=N,local=N,alloc=N,no_fp64  a poorer device: queries say so, and what exceeds it fails
 *
 * Objects are counted by reference: created + retained - released. Functions that are not in the table at the end pass
 * through unseen (images, pipes, shared virtual memory: the engine has none). */
#include "layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[KINDS] = {"context", "queue", "buffer", "program", "kernel", "event", "commands"};
atomic_long layer_live[KINDS];

enum { MAX_POINTS = 128 };
static struct point *points[MAX_POINTS];
static int n_points;

const struct _cl_icd_dispatch *layer_next;
static struct _cl_icd_dispatch table;

static struct { char function[64]; long from; bool on; bool given_code, dies; cl_int code; } fail_at;
static struct { size_t work_group, local, alloc; bool no_fp64; } limits;

bool layer_refuse(struct point *point, cl_int *code)
{
    long call = atomic_fetch_add(&point->calls, 1) + 1;
    if (!fail_at.from || strcmp(fail_at.function, point->name) != 0) return false;
    if (fail_at.on ? call < fail_at.from : call != fail_at.from) return false;
    if (fail_at.dies) abort();
    *code = fail_at.given_code ? fail_at.code : point->failure;
    return true;
}

/* ---- wrappers. PLAIN: returns a code. EVENT_OUT: also makes an event when asked. CREATE: returns an object of a kind. */
#define PLAIN(name, failure, params, args) \
    static struct point point_##name = {#name, failure, 0}; \
    static cl_int CL_API_CALL my_##name params \
    { \
        cl_int code; \
        return layer_refuse(&point_##name, &code) ? code : layer_next->name args; \
    }

#define EVENT_OUT(name, failure, params, args) \
    static struct point point_##name = {#name, failure, 0}; \
    static cl_int CL_API_CALL my_##name params \
    { \
        cl_int code; \
        if (layer_refuse(&point_##name, &code)) return code; \
        code = layer_next->name args; \
        if (code == CL_SUCCESS && event) layer_live[EVENT]++; \
        return code; \
    }

#define CREATE(type, name, kind, failure, params, args) \
    static struct point point_##name = {#name, failure, 0}; \
    static type CL_API_CALL my_##name params \
    { \
        cl_int code; \
        if (layer_refuse(&point_##name, &code)) { if (errcode_ret) *errcode_ret = code; return NULL; } \
        type object = layer_next->name args; \
        if (object) layer_live[kind]++; \
        return object; \
    }

#define COUNTED(type, what, kind) \
    static struct point point_clRetain##what = {"clRetain" #what, CL_OUT_OF_RESOURCES, 0}; \
    static struct point point_clRelease##what = {"clRelease" #what, CL_OUT_OF_RESOURCES, 0}; \
    static cl_int CL_API_CALL my_clRetain##what(type object) \
    { \
        cl_int code; \
        if (layer_refuse(&point_clRetain##what, &code)) return code; \
        code = layer_next->clRetain##what(object); \
        if (code == CL_SUCCESS) layer_live[kind]++; \
        return code; \
    } \
    static cl_int CL_API_CALL my_clRelease##what(type object) \
    { \
        cl_int code; \
        if (layer_refuse(&point_clRelease##what, &code)) return code; \
        code = layer_next->clRelease##what(object); \
        if (code == CL_SUCCESS) layer_live[kind]--; \
        return code; \
    }

COUNTED(cl_context, Context, CONTEXT)
COUNTED(cl_command_queue, CommandQueue, QUEUE)
COUNTED(cl_mem, MemObject, BUFFER)
COUNTED(cl_program, Program, PROGRAM)
COUNTED(cl_kernel, Kernel, KERNEL)
COUNTED(cl_event, Event, EVENT)

typedef void(CL_CALLBACK *notify_context)(const char *, const void *, size_t, void *);
typedef void(CL_CALLBACK *notify_program)(cl_program, void *);
typedef void(CL_CALLBACK *notify_event)(cl_event, cl_int, void *);
typedef void(CL_CALLBACK *notify_mem)(cl_mem, void *);

PLAIN(clGetPlatformIDs, CL_OUT_OF_HOST_MEMORY, (cl_uint n, cl_platform_id *ids, cl_uint *count), (n, ids, count))
PLAIN(clGetPlatformInfo, CL_OUT_OF_HOST_MEMORY,
      (cl_platform_id p, cl_platform_info what, size_t size, void *value, size_t *needed), (p, what, size, value, needed))
PLAIN(clGetDeviceIDs, CL_OUT_OF_RESOURCES,
      (cl_platform_id p, cl_device_type type, cl_uint n, cl_device_id *ids, cl_uint *count), (p, type, n, ids, count))
CREATE(cl_context, clCreateContext, CONTEXT, CL_OUT_OF_HOST_MEMORY,
       (const cl_context_properties *p, cl_uint n, const cl_device_id *ids, notify_context notify, void *user, cl_int *errcode_ret),
       (p, n, ids, notify, user, errcode_ret))
CREATE(cl_context, clCreateContextFromType, CONTEXT, CL_OUT_OF_HOST_MEMORY,
       (const cl_context_properties *p, cl_device_type type, notify_context notify, void *user, cl_int *errcode_ret),
       (p, type, notify, user, errcode_ret))
PLAIN(clGetContextInfo, CL_OUT_OF_RESOURCES,
      (cl_context c, cl_context_info what, size_t size, void *value, size_t *needed), (c, what, size, value, needed))
CREATE(cl_command_queue, clCreateCommandQueue, QUEUE, CL_OUT_OF_HOST_MEMORY,
       (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *errcode_ret), (c, d, p, errcode_ret))
CREATE(cl_command_queue, clCreateCommandQueueWithProperties, QUEUE, CL_OUT_OF_HOST_MEMORY,
       (cl_context c, cl_device_id d, const cl_queue_properties *p, cl_int *errcode_ret), (c, d, p, errcode_ret))
PLAIN(clGetCommandQueueInfo, CL_OUT_OF_RESOURCES,
      (cl_command_queue q, cl_command_queue_info what, size_t size, void *value, size_t *needed), (q, what, size, value, needed))
CREATE(cl_mem, clCreateSubBuffer, BUFFER, CL_MEM_OBJECT_ALLOCATION_FAILURE,
       (cl_mem m, cl_mem_flags flags, cl_buffer_create_type type, const void *info, cl_int *errcode_ret),
       (m, flags, type, info, errcode_ret))
PLAIN(clGetMemObjectInfo, CL_OUT_OF_RESOURCES,
      (cl_mem m, cl_mem_info what, size_t size, void *value, size_t *needed), (m, what, size, value, needed))
PLAIN(clSetMemObjectDestructorCallback, CL_OUT_OF_RESOURCES, (cl_mem m, notify_mem notify, void *user), (m, notify, user))
CREATE(cl_program, clCreateProgramWithSource, PROGRAM, CL_OUT_OF_HOST_MEMORY,
       (cl_context c, cl_uint n, const char **texts, const size_t *lengths, cl_int *errcode_ret), (c, n, texts, lengths, errcode_ret))
CREATE(cl_program, clCreateProgramWithBinary, PROGRAM, CL_OUT_OF_HOST_MEMORY,
       (cl_context c, cl_uint n, const cl_device_id *ids, const size_t *sizes, const unsigned char **data, cl_int *status,
        cl_int *errcode_ret),
       (c, n, ids, sizes, data, status, errcode_ret))
PLAIN(clBuildProgram, CL_BUILD_PROGRAM_FAILURE,
      (cl_program p, cl_uint n, const cl_device_id *ids, const char *options, notify_program notify, void *user),
      (p, n, ids, options, notify, user))
PLAIN(clCompileProgram, CL_COMPILE_PROGRAM_FAILURE,
      (cl_program p, cl_uint n, const cl_device_id *ids, const char *options, cl_uint nh, const cl_program *headers, const char **names,
       notify_program notify, void *user),
      (p, n, ids, options, nh, headers, names, notify, user))
CREATE(cl_program, clLinkProgram, PROGRAM, CL_LINK_PROGRAM_FAILURE,
       (cl_context c, cl_uint n, const cl_device_id *ids, const char *options, cl_uint np, const cl_program *programs,
        notify_program notify, void *user, cl_int *errcode_ret),
       (c, n, ids, options, np, programs, notify, user, errcode_ret))
PLAIN(clUnloadPlatformCompiler, CL_OUT_OF_RESOURCES, (cl_platform_id p), (p))
PLAIN(clGetProgramInfo, CL_OUT_OF_RESOURCES,
      (cl_program p, cl_program_info what, size_t size, void *value, size_t *needed), (p, what, size, value, needed))
PLAIN(clGetProgramBuildInfo, CL_OUT_OF_RESOURCES,
      (cl_program p, cl_device_id d, cl_program_build_info what, size_t size, void *value, size_t *needed),
      (p, d, what, size, value, needed))
CREATE(cl_kernel, clCreateKernel, KERNEL, CL_OUT_OF_HOST_MEMORY,
       (cl_program p, const char *name, cl_int *errcode_ret), (p, name, errcode_ret))
CREATE(cl_kernel, clCloneKernel, KERNEL, CL_OUT_OF_HOST_MEMORY, (cl_kernel k, cl_int *errcode_ret), (k, errcode_ret))
PLAIN(clGetKernelInfo, CL_OUT_OF_RESOURCES,
      (cl_kernel k, cl_kernel_info what, size_t size, void *value, size_t *needed), (k, what, size, value, needed))
PLAIN(clGetKernelArgInfo, CL_OUT_OF_RESOURCES,
      (cl_kernel k, cl_uint i, cl_kernel_arg_info what, size_t size, void *value, size_t *needed), (k, i, what, size, value, needed))
PLAIN(clSetKernelArg, CL_OUT_OF_RESOURCES, (cl_kernel k, cl_uint i, size_t size, const void *value), (k, i, size, value))
PLAIN(clWaitForEvents, CL_OUT_OF_RESOURCES, (cl_uint n, const cl_event *events), (n, events))
CREATE(cl_event, clCreateUserEvent, EVENT, CL_OUT_OF_HOST_MEMORY, (cl_context c, cl_int *errcode_ret), (c, errcode_ret))
PLAIN(clSetUserEventStatus, CL_OUT_OF_RESOURCES, (cl_event event, cl_int status), (event, status))
PLAIN(clSetEventCallback, CL_OUT_OF_RESOURCES,
      (cl_event event, cl_int type, notify_event notify, void *user), (event, type, notify, user))
PLAIN(clGetEventInfo, CL_OUT_OF_RESOURCES,
      (cl_event event, cl_event_info what, size_t size, void *value, size_t *needed), (event, what, size, value, needed))
PLAIN(clGetEventProfilingInfo, CL_OUT_OF_RESOURCES,
      (cl_event event, cl_profiling_info what, size_t size, void *value, size_t *needed), (event, what, size, value, needed))
PLAIN(clFlush, CL_OUT_OF_RESOURCES, (cl_command_queue q), (q))
PLAIN(clFinish, CL_OUT_OF_RESOURCES, (cl_command_queue q), (q))
EVENT_OUT(clEnqueueReadBuffer, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem m, cl_bool block, size_t at, size_t size, void *data, WAIT),
          (q, m, block, at, size, data, n_wait, wait, event))
EVENT_OUT(clEnqueueWriteBuffer, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem m, cl_bool block, size_t at, size_t size, const void *data, WAIT),
          (q, m, block, at, size, data, n_wait, wait, event))
EVENT_OUT(clEnqueueReadBufferRect, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem m, cl_bool block, const size_t *bo, const size_t *ho, const size_t *region, size_t br, size_t bs,
           size_t hr, size_t hs, void *data, WAIT),
          (q, m, block, bo, ho, region, br, bs, hr, hs, data, n_wait, wait, event))
EVENT_OUT(clEnqueueWriteBufferRect, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem m, cl_bool block, const size_t *bo, const size_t *ho, const size_t *region, size_t br, size_t bs,
           size_t hr, size_t hs, const void *data, WAIT),
          (q, m, block, bo, ho, region, br, bs, hr, hs, data, n_wait, wait, event))
EVENT_OUT(clEnqueueCopyBuffer, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem from, cl_mem to, size_t from_at, size_t to_at, size_t size, WAIT),
          (q, from, to, from_at, to_at, size, n_wait, wait, event))
EVENT_OUT(clEnqueueCopyBufferRect, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem from, cl_mem to, const size_t *fo, const size_t *too, const size_t *region, size_t fr, size_t fs,
           size_t tr, size_t ts, WAIT),
          (q, from, to, fo, too, region, fr, fs, tr, ts, n_wait, wait, event))
EVENT_OUT(clEnqueueFillBuffer, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem m, const void *pattern, size_t length, size_t at, size_t size, WAIT),
          (q, m, pattern, length, at, size, n_wait, wait, event))
EVENT_OUT(clEnqueueUnmapMemObject, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_mem m, void *data, WAIT), (q, m, data, n_wait, wait, event))
EVENT_OUT(clEnqueueMigrateMemObjects, CL_OUT_OF_RESOURCES,
          (cl_command_queue q, cl_uint n, const cl_mem *m, cl_mem_migration_flags flags, WAIT), (q, n, m, flags, n_wait, wait, event))
EVENT_OUT(clEnqueueTask, CL_OUT_OF_RESOURCES, (cl_command_queue q, cl_kernel k, WAIT), (q, k, n_wait, wait, event))
EVENT_OUT(clEnqueueMarker, CL_OUT_OF_RESOURCES, (cl_command_queue q, cl_event *event), (q, event))
EVENT_OUT(clEnqueueMarkerWithWaitList, CL_OUT_OF_RESOURCES, (cl_command_queue q, WAIT), (q, n_wait, wait, event))
EVENT_OUT(clEnqueueBarrierWithWaitList, CL_OUT_OF_RESOURCES, (cl_command_queue q, WAIT), (q, n_wait, wait, event))

/* ---- functions with a part of their own */

static struct point point_clCreateBuffer = {"clCreateBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE, 0};
static cl_mem CL_API_CALL my_clCreateBuffer(cl_context c, cl_mem_flags flags, size_t size, void *host, cl_int *errcode_ret)
{
    cl_int code;
    bool refused = layer_refuse(&point_clCreateBuffer, &code);
    if (!refused && limits.alloc && size > limits.alloc) {
        refused = true;
        code = CL_INVALID_BUFFER_SIZE;
    }
    if (refused) {
        if (errcode_ret) *errcode_ret = code;
        return NULL;
    }
    cl_mem object = layer_next->clCreateBuffer(c, flags, size, host, errcode_ret);
    if (object) layer_live[BUFFER]++;
    return object;
}

static struct point point_clEnqueueMapBuffer = {"clEnqueueMapBuffer", CL_MAP_FAILURE, 0};
static void *CL_API_CALL my_clEnqueueMapBuffer(cl_command_queue q, cl_mem m, cl_bool block, cl_map_flags flags, size_t at,
                                               size_t size, WAIT, cl_int *errcode_ret)
{
    cl_int code;
    if (layer_refuse(&point_clEnqueueMapBuffer, &code)) {
        if (errcode_ret) *errcode_ret = code;
        return NULL;
    }
    void *data = layer_next->clEnqueueMapBuffer(q, m, block, flags, at, size, n_wait, wait, event, errcode_ret);
    if (data && event) layer_live[EVENT]++;
    return data;
}

static struct point point_clCreateKernelsInProgram = {"clCreateKernelsInProgram", CL_OUT_OF_HOST_MEMORY, 0};
static cl_int CL_API_CALL my_clCreateKernelsInProgram(cl_program p, cl_uint n, cl_kernel *kernels, cl_uint *count)
{
    cl_int code;
    cl_uint made = 0;
    if (layer_refuse(&point_clCreateKernelsInProgram, &code)) return code;
    code = layer_next->clCreateKernelsInProgram(p, n, kernels, &made);
    if (code == CL_SUCCESS && kernels) layer_live[KERNEL] += (long)made;
    if (count) *count = made;
    return code;
}

static void at_most(size_t *value, size_t limit)
{
    if (limit && *value > limit) *value = limit;
}

/* Blanks the extension's name, keeping the length. */
static void hide(char *text, const char *word)
{
    for (char *at; (at = strstr(text, word)); ) memset(at, ' ', strlen(word));
}

static struct point point_clGetDeviceInfo = {"clGetDeviceInfo", CL_OUT_OF_RESOURCES, 0};
static cl_int CL_API_CALL my_clGetDeviceInfo(cl_device_id d, cl_device_info what, size_t size, void *value, size_t *needed)
{
    cl_int code;
    if (layer_refuse(&point_clGetDeviceInfo, &code)) return code;
    code = layer_next->clGetDeviceInfo(d, what, size, value, needed);
    if (code != CL_SUCCESS || !value) return code;
    if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE) at_most(value, limits.work_group);
    if (what == CL_DEVICE_MAX_WORK_ITEM_SIZES) {
        for (size_t i = 0; i < 3 && (i + 1) * sizeof(size_t) <= size; i++) at_most((size_t *)value + i, limits.work_group);
    }
    if (what == CL_DEVICE_LOCAL_MEM_SIZE && limits.local && *(cl_ulong *)value > limits.local) *(cl_ulong *)value = limits.local;
    if (what == CL_DEVICE_MAX_MEM_ALLOC_SIZE && limits.alloc && *(cl_ulong *)value > limits.alloc) *(cl_ulong *)value = limits.alloc;
    if (limits.no_fp64) {
        if (what == CL_DEVICE_DOUBLE_FP_CONFIG) *(cl_device_fp_config *)value = 0;
        if (what == CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE || what == CL_DEVICE_PREFERRED_VECTOR_WIDTH_DOUBLE) *(cl_uint *)value = 0;
        if (what == CL_DEVICE_EXTENSIONS) hide(value, "cl_khr_fp64");
    }
    return code;
}

static struct point point_clGetKernelWorkGroupInfo = {"clGetKernelWorkGroupInfo", CL_OUT_OF_RESOURCES, 0};
static cl_int CL_API_CALL my_clGetKernelWorkGroupInfo(cl_kernel k, cl_device_id d, cl_kernel_work_group_info what, size_t size,
                                                      void *value, size_t *needed)
{
    cl_int code;
    if (layer_refuse(&point_clGetKernelWorkGroupInfo, &code)) return code;
    code = layer_next->clGetKernelWorkGroupInfo(k, d, what, size, value, needed);
    if (code == CL_SUCCESS && value && what == CL_KERNEL_WORK_GROUP_SIZE) at_most(value, limits.work_group);
    return code;
}

/* Would the poorer device take this launch? */
static cl_int check_launch(cl_command_queue q, cl_kernel k, cl_uint dims, const size_t *local)
{
    size_t items = 1;
    for (cl_uint i = 0; local && i < dims; i++) items *= local[i];
    if (limits.work_group && items > limits.work_group) return CL_INVALID_WORK_GROUP_SIZE;
    cl_device_id device;
    cl_ulong used = 0;
    if (limits.local && layer_next->clGetCommandQueueInfo(q, CL_QUEUE_DEVICE, sizeof device, &device, NULL) == CL_SUCCESS &&
        layer_next->clGetKernelWorkGroupInfo(k, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof used, &used, NULL) == CL_SUCCESS &&
        used > limits.local) return CL_OUT_OF_RESOURCES;
    return CL_SUCCESS;
}

static struct point point_clEnqueueNDRangeKernel = {"clEnqueueNDRangeKernel", CL_OUT_OF_RESOURCES, 0};
static cl_int CL_API_CALL my_clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint dims, const size_t *offset,
                                                    const size_t *global, const size_t *local, WAIT)
{
    cl_int code;
    if (layer_refuse(&point_clEnqueueNDRangeKernel, &code)) return code;
    if ((code = check_launch(q, k, dims, local)) != CL_SUCCESS) return code;
    /* The driver chooses by its own limits, so a limited device must choose for it. */
    static const size_t one[3] = {1, 1, 1};
    if (!local && limits.work_group == 1) local = one;
    code = layer_next->clEnqueueNDRangeKernel(q, k, dims, offset, global, local, n_wait, wait, event);
    if (code == CL_SUCCESS && event) layer_live[EVENT]++;
    return code;
}

/* ---- start and end */

static void read_failure(const char *text)
{
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon || (size_t)(colon - text) >= sizeof fail_at.function) return;
    memcpy(fail_at.function, text, (size_t)(colon - text));
    char *end;
    fail_at.from = strtol(colon + 1, &end, 10);
    if (*end == '+') {
        fail_at.on = true;
        end++;
    }
    if (strcmp(end, ":abort") == 0) fail_at.dies = true;
    else if (*end == ':') {
        fail_at.given_code = true;
        fail_at.code = (cl_int)strtol(end + 1, NULL, 10);
    }
}

static size_t read_limit(const char *text, const char *name)
{
    const char *at = text ? strstr(text, name) : NULL;
    return at && at[strlen(name)] == '=' ? strtoul(at + strlen(name) + 1, NULL, 10) : 0;
}

void layer_add(struct point *point) { points[n_points++] = point; }

#define WRAP(name) (table.name = my_##name, layer_add(&point_##name))
#define WRAP_COUNTED(what) (WRAP(clRetain##what), WRAP(clRelease##what))

static void wrap_all(void)
{
    WRAP_COUNTED(Context), WRAP_COUNTED(CommandQueue), WRAP_COUNTED(MemObject);
    WRAP_COUNTED(Program), WRAP_COUNTED(Kernel), WRAP_COUNTED(Event);
    WRAP(clGetPlatformIDs), WRAP(clGetPlatformInfo), WRAP(clGetDeviceIDs), WRAP(clGetDeviceInfo);
    WRAP(clCreateContext), WRAP(clCreateContextFromType), WRAP(clGetContextInfo);
    WRAP(clCreateCommandQueue), WRAP(clCreateCommandQueueWithProperties), WRAP(clGetCommandQueueInfo);
    WRAP(clCreateBuffer), WRAP(clCreateSubBuffer), WRAP(clGetMemObjectInfo), WRAP(clSetMemObjectDestructorCallback);
    WRAP(clCreateProgramWithSource), WRAP(clCreateProgramWithBinary), WRAP(clBuildProgram), WRAP(clCompileProgram), WRAP(clLinkProgram);
    WRAP(clUnloadPlatformCompiler), WRAP(clGetProgramInfo), WRAP(clGetProgramBuildInfo);
    WRAP(clCreateKernel), WRAP(clCreateKernelsInProgram), WRAP(clCloneKernel), WRAP(clGetKernelInfo), WRAP(clGetKernelArgInfo);
    WRAP(clGetKernelWorkGroupInfo), WRAP(clSetKernelArg);
    WRAP(clWaitForEvents), WRAP(clCreateUserEvent), WRAP(clSetUserEventStatus), WRAP(clSetEventCallback);
    WRAP(clGetEventInfo), WRAP(clGetEventProfilingInfo);
    WRAP(clFlush), WRAP(clFinish);
    WRAP(clEnqueueReadBuffer), WRAP(clEnqueueWriteBuffer), WRAP(clEnqueueReadBufferRect), WRAP(clEnqueueWriteBufferRect);
    WRAP(clEnqueueCopyBuffer), WRAP(clEnqueueCopyBufferRect), WRAP(clEnqueueFillBuffer);
    WRAP(clEnqueueMapBuffer), WRAP(clEnqueueUnmapMemObject);
    WRAP(clEnqueueMigrateMemObjects), WRAP(clEnqueueNDRangeKernel), WRAP(clEnqueueTask);
    layer_wrap_commands(&table);
    WRAP(clEnqueueMarker), WRAP(clEnqueueMarkerWithWaitList), WRAP(clEnqueueBarrierWithWaitList);
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value, size_t *needed)
{
    static const char name[] = "Hourglass test layer";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *answer = what == CL_LAYER_API_VERSION ? (const void *)&version : (const void *)name;
    size_t length = what == CL_LAYER_API_VERSION ? sizeof version : sizeof name;
    if (what != CL_LAYER_API_VERSION && what != CL_LAYER_NAME) return CL_INVALID_VALUE;
    if (value && size < length) return CL_INVALID_VALUE;
    if (value) memcpy(value, answer, length);
    if (needed) *needed = length;
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint n, const cl_icd_dispatch *target, cl_uint *count, const cl_icd_dispatch **out)
{
    if (!target || !count || !out) return CL_INVALID_VALUE;
    const char *limit = getenv("HG_CL_LIMITS");
    size_t size = n * sizeof(void *);
    layer_next = target;
    memcpy(&table, target, size < sizeof table ? size : sizeof table);
    wrap_all();
    read_failure(getenv("HG_CL_FAIL"));
    limits.work_group = read_limit(limit, "work_group");
    limits.local = read_limit(limit, "local");
    limits.alloc = read_limit(limit, "alloc");
    limits.no_fp64 = limit && strstr(limit, "no_fp64");
    *out = &table;
    *count = (cl_uint)(sizeof table / sizeof(void *));
    return CL_SUCCESS;
}

/* Runs after exit handlers and static destructors, so that whoever releases late still counts. */
__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("HG_CL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        for (int i = 0; i < KINDS; i++) fprintf(file, "%s %ld\n", kind_names[i], layer_live[i]);
        fclose(file);
    }
    path = getenv("HG_CL_CALLS");
    file = path ? fopen(path, "w") : NULL;
    if (file) {
        for (int i = 0; i < n_points; i++) {
            if (points[i]->calls) fprintf(file, "%s %ld\n", points[i]->name, points[i]->calls);
        }
        fclose(file);
    }
}
