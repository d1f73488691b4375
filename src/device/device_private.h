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
#include "base/text.h"
#include "device/buffer.h"
#include "device/device.h"

typedef struct hg_unit hg_unit;

struct hg_device {
    hg_context *ctx;
    hg_device_list *list;     /* the entry's strings live here */
    const hg_device_info *info;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    bool lost;
    char *kernel_dir, *variants;
    hg_unit *units;           /* asked for so far */
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

/* A unit: a kernel of a file, with macros. Several may share a program: their kernels' names then end with the unit's number. */
struct hg_unit {
    hg_unit *next;
    char *file, *macros, *kernel, *source; /* kernel NULL: all of the file */
    uint64_t text;     /* hash of the whole source: with kernel_dir a file may change between two builds */
    cl_program object;
    bool owner;        /* releases the object; the others of its program only use it */
    int number;        /* in a program of several; -1: it has one of its own */
    bool built;        /* or tried: `code` says how it went */
    cl_int code;
};
#define HG_UNIT_SUFFIX "_unit%d"

/* The units of kernels (NULL: all of the file), built where they are new. All requested at once are built together (see program.c). */
typedef struct hg_unit_request { const char *file, *macros, *kernel, *label; hg_unit *unit; } hg_unit_request;
bool hg_units_get(hg_device *dev, hg_unit_request *requests, int n,
                  void (*progress)(void *user, int done, int total), void *user);
cl_kernel hg_unit_kernel(const hg_unit *unit, const char *name, cl_int *code);
void hg_units_release(hg_device *dev);

/* The text of cl/STEM.cl, or of that file in the device's kernel_dir, with what it includes and without all kernels but one; kernel NULL:
 * with all (hg_free). NULL with a failure recorded. */
char *hg_source_read(hg_device *dev, const char *stem, const char *kernel);
/* Can macros be written into the text of a program of several units? False for options other than -D. */
bool hg_source_joins(const char *macros);
/* Appends the text of a program: of one unit, whose macros are then build options, or of several that can be joined. */
void hg_source_program(hg_text *out, const char *common, hg_unit *const *units, int n);

#endif
