/* What the device room shares: the OpenCL objects behind the opaque types. */
#ifndef HG_DEVICE_PRIVATE_H
#define HG_DEVICE_PRIVATE_H

#define CL_TARGET_OPENCL_VERSION 120
#ifdef __APPLE__
#include <OpenCL/cl.h>
#else
#include <CL/cl.h>
#endif
#include <pthread.h>
#include "base/memory.h"
#include "device/buffer.h"
#include "device/device.h"

typedef struct hg_program hg_program;

struct hg_device {
    hg_context *ctx;
    hg_device_list *list;     /* the entry's strings live here */
    const hg_device_info *info;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    bool profile, lost;
    char *kernel_dir, *variants;
    hg_program *programs;     /* built so far */
    uint64_t used;            /* bytes handed out */
};

struct hg_buffer {
    hg_device *dev;
    cl_mem mem;   /* for kernels: the buffer, or a sub-buffer */
    cl_mem whole; /* for transfers: the buffer that a view lies in, from `begin` on; a buffer's own is `mem` */
    size_t begin, bytes;
    char label[32];
};

enum { HG_NO_PLATFORM = -1001 }; /* CL_PLATFORM_NOT_FOUND_KHR of cl_ext.h */

const char *hg_cl_error(cl_int code); /* "CL_OUT_OF_RESOURCES" */

/* Records the failure of an OpenCL call: lack of memory is HG_DEVICE_MEMORY, everything else HG_DEVICE_LOST, which
 * sticks to the device. Returns false. */
bool hg_cl_fail(hg_device *dev, cl_int code, const char *call, const char *what);
/* False, with HG_DEVICE_LOST recorded, after such a loss: first thing in whatever would touch the device. */
bool hg_device_working(hg_device *dev);

cl_device_id hg_devices_id(const hg_device_list *list, int index);

/* The program of file and macros, built if it is new. All requested at once are built in parallel. */
typedef struct hg_program_request { const char *file, *macros, *label; hg_program *program; } hg_program_request;
bool hg_programs_get(hg_device *dev, hg_program_request *requests, int n,
                     void (*progress)(void *user, int done, int total), void *user);
cl_program hg_program_object(const hg_program *program);
void hg_programs_release(hg_device *dev);

#endif
