/* OpenCL errors: names, and which status they mean. */
#include "device/device_private.h"

#include <string.h>

#define NAMED(code) case code: return #code

const char *hg_cl_error(cl_int code)
{
    switch (code) {
    NAMED(CL_SUCCESS); NAMED(CL_DEVICE_NOT_FOUND); NAMED(CL_DEVICE_NOT_AVAILABLE); NAMED(CL_COMPILER_NOT_AVAILABLE);
    NAMED(CL_MEM_OBJECT_ALLOCATION_FAILURE); NAMED(CL_OUT_OF_RESOURCES); NAMED(CL_OUT_OF_HOST_MEMORY);
    NAMED(CL_PROFILING_INFO_NOT_AVAILABLE); NAMED(CL_MEM_COPY_OVERLAP); NAMED(CL_BUILD_PROGRAM_FAILURE);
    NAMED(CL_MAP_FAILURE); NAMED(CL_MISALIGNED_SUB_BUFFER_OFFSET); NAMED(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
    NAMED(CL_INVALID_VALUE); NAMED(CL_INVALID_DEVICE_TYPE); NAMED(CL_INVALID_PLATFORM); NAMED(CL_INVALID_DEVICE);
    NAMED(CL_INVALID_CONTEXT); NAMED(CL_INVALID_QUEUE_PROPERTIES); NAMED(CL_INVALID_COMMAND_QUEUE);
    NAMED(CL_INVALID_HOST_PTR); NAMED(CL_INVALID_MEM_OBJECT); NAMED(CL_INVALID_BINARY); NAMED(CL_INVALID_BUILD_OPTIONS);
    NAMED(CL_INVALID_PROGRAM); NAMED(CL_INVALID_PROGRAM_EXECUTABLE); NAMED(CL_INVALID_KERNEL_NAME);
    NAMED(CL_INVALID_KERNEL_DEFINITION); NAMED(CL_INVALID_KERNEL); NAMED(CL_INVALID_ARG_INDEX);
    NAMED(CL_INVALID_ARG_VALUE); NAMED(CL_INVALID_ARG_SIZE); NAMED(CL_INVALID_KERNEL_ARGS);
    NAMED(CL_INVALID_WORK_DIMENSION); NAMED(CL_INVALID_WORK_GROUP_SIZE); NAMED(CL_INVALID_WORK_ITEM_SIZE);
    NAMED(CL_INVALID_GLOBAL_OFFSET); NAMED(CL_INVALID_EVENT_WAIT_LIST); NAMED(CL_INVALID_EVENT);
    NAMED(CL_INVALID_OPERATION); NAMED(CL_INVALID_BUFFER_SIZE); NAMED(CL_INVALID_GLOBAL_WORK_SIZE);
    NAMED(CL_INVALID_PROPERTY); NAMED(CL_KERNEL_ARG_INFO_NOT_AVAILABLE); NAMED(CL_COMPILE_PROGRAM_FAILURE);
    NAMED(CL_LINKER_NOT_AVAILABLE); NAMED(CL_LINK_PROGRAM_FAILURE); NAMED(CL_DEVICE_PARTITION_FAILED);
    case HG_NO_PLATFORM: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "an unknown OpenCL error";
    }
}

bool hg_cl_fail(hg_device *dev, cl_int code, const char *call, const char *what)
{
    /* CL_OUT_OF_RESOURCES is ambiguous: no memory where something is made, a kernel that crashed where something runs. */
    bool making = strncmp(call, "clCreate", 8) == 0 || strcmp(call, "clEnqueueMapBuffer") == 0;
    bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY ||
                  code == CL_INVALID_BUFFER_SIZE || (making && (code == CL_OUT_OF_RESOURCES || code == CL_MAP_FAILURE));
    if (memory)
        return hg_fail(dev->ctx, HG_DEVICE_MEMORY, "%s: the device %s has no memory left: %s failed with %s (%d) after "
                       "%.1f MiB were handed out: use a smaller --batch", what, dev->info->name, call, hg_cl_error(code),
                       code, (double)dev->used / (1 << 20));
    dev->lost = true;
    return hg_fail(dev->ctx, HG_DEVICE_LOST, "%s: the device %s stopped working: %s failed with %s (%d): try again, or "
                   "another --device", what, dev->info->name, call, hg_cl_error(code), code);
}

bool hg_device_working(hg_device *dev)
{
    if (!dev->lost) return true;
    return hg_fail(dev->ctx, HG_DEVICE_LOST, "the device %s stopped working before: open it again, or another --device",
                   dev->info->name);
}
