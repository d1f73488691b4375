/* Command buffers: functions of an extension, which the driver gives by name. */
#include "layer.h"

#include <string.h>

static clCreateCommandBufferKHR_fn real_create;
static clReleaseCommandBufferKHR_fn real_release;
static clFinalizeCommandBufferKHR_fn real_finalize;
static clCommandNDRangeKernelKHR_fn real_command;
static clEnqueueCommandBufferKHR_fn real_enqueue;
static struct point point_create = {"clCreateCommandBufferKHR", CL_OUT_OF_RESOURCES, 0},
                    point_release = {"clReleaseCommandBufferKHR", CL_OUT_OF_RESOURCES, 0},
                    point_finalize = {"clFinalizeCommandBufferKHR", CL_OUT_OF_RESOURCES, 0},
                    point_command = {"clCommandNDRangeKernelKHR", CL_OUT_OF_RESOURCES, 0},
                    point_enqueue = {"clEnqueueCommandBufferKHR", CL_OUT_OF_RESOURCES, 0},
                    point_address = {"clGetExtensionFunctionAddressForPlatform", 0, 0};

static cl_command_buffer_khr CL_API_CALL my_create(cl_uint n, const cl_command_queue *queues,
                                                   const cl_command_buffer_properties_khr *properties, cl_int *errcode_ret)
{
    cl_int code;
    if (layer_refuse(&point_create, &code)) {
        if (errcode_ret) *errcode_ret = code;
        return NULL;
    }
    cl_command_buffer_khr object = real_create(n, queues, properties, errcode_ret);
    if (object) layer_live[COMMANDS]++;
    return object;
}

static cl_int CL_API_CALL my_release(cl_command_buffer_khr object)
{
    cl_int code;
    if (layer_refuse(&point_release, &code)) return code;
    code = real_release(object);
    if (code == CL_SUCCESS) layer_live[COMMANDS]--;
    return code;
}

static cl_int CL_API_CALL my_finalize(cl_command_buffer_khr object)
{
    cl_int code;
    return layer_refuse(&point_finalize, &code) ? code : real_finalize(object);
}

static cl_int CL_API_CALL my_command(cl_command_buffer_khr object, cl_command_queue q,
                                     const cl_ndrange_kernel_command_properties_khr *properties, cl_kernel k, cl_uint dims,
                                     const size_t *offset, const size_t *global, const size_t *local, cl_uint n,
                                     const cl_sync_point_khr *wait, cl_sync_point_khr *sync, cl_mutable_command_khr *handle)
{
    cl_int code;
    if (layer_refuse(&point_command, &code)) return code;
    return real_command(object, q, properties, k, dims, offset, global, local, n, wait, sync, handle);
}

static cl_int CL_API_CALL my_enqueue(cl_uint n, cl_command_queue *queues, cl_command_buffer_khr object, WAIT)
{
    cl_int code;
    return layer_refuse(&point_enqueue, &code) ? code : real_enqueue(n, queues, object, n_wait, wait, event);
}

static void *CL_API_CALL my_clGetExtensionFunctionAddressForPlatform(cl_platform_id p, const char *name)
{
    typedef void (*function)(void);
    const struct { struct point *point; function mine; void *real; } all[] = {
        {&point_create, (function)my_create, &real_create}, {&point_release, (function)my_release, &real_release},
        {&point_finalize, (function)my_finalize, &real_finalize}, {&point_command, (function)my_command, &real_command},
        {&point_enqueue, (function)my_enqueue, &real_enqueue}};
    cl_int code;
    if (layer_refuse(&point_address, &code)) return NULL;
    void *found = layer_next->clGetExtensionFunctionAddressForPlatform(p, name);
    for (size_t i = 0; found && i < sizeof all / sizeof *all; i++) {
        if (strcmp(name, all[i].point->name) != 0) continue;
        memcpy(all[i].real, &found, sizeof found);
        memcpy(&found, &all[i].mine, sizeof found);
        break;
    }
    return found;
}

void layer_wrap_commands(struct _cl_icd_dispatch *table)
{
    struct point *const all[] = {&point_address, &point_create, &point_release, &point_finalize, &point_command, &point_enqueue};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) layer_add(all[i]);
    table->clGetExtensionFunctionAddressForPlatform = my_clGetExtensionFunctionAddressForPlatform;
}
