/* Launches: one kernel with its macros, arguments and range, as data. A list of them is built (programs compiled in
 * parallel, arguments set once) and then run any number of times in one loop. */
#ifndef HG_DEVICE_LAUNCH_H
#define HG_DEVICE_LAUNCH_H

#include "base/memory.h"
#include "device/buffer.h"

enum { HG_MAX_ARGS = 20, HG_MAX_MACROS = 40 };

/* ITEMS: an INT, how many items the work-items take (HG_ITEMS in cl/common.cl). */
typedef enum hg_arg_type { HG_ARG_BUFFER, HG_ARG_INT, HG_ARG_ITEMS, HG_ARG_FLOAT, HG_ARG_LOCAL } hg_arg_type;

typedef struct hg_arg {
    hg_arg_type type;
    hg_buffer *buffer; /* BUFFER */
    int32_t i;         /* INT, ITEMS */
    float f;           /* FLOAT */
    size_t bytes;      /* LOCAL */
} hg_arg;

typedef struct hg_gemm hg_gemm;

typedef struct hg_launch {
    const char *label;   /* "encoder.0 conv2d forward": for messages and `plan` */
    const char *file;    /* stem of the .cl file: "conv2d"; cl/common.cl is always put in front */
    const char *kernel;  /* function name */
    const char *variant; /* "cpu 8x32": for `plan` */
    const char *macros;  /* build options: "-DKH=3 -DKW=3"; launches with the same file and macros share a program */
    hg_arg args[HG_MAX_ARGS];
    int n_args;
    int dims;            /* 1..3 */
    size_t global[3], local[3]; /* local[0] == 0: the driver chooses; else global is a multiple of it */
    const hg_gemm *gemm; /* not NULL: a call of device/gemm.h instead of a kernel; file, kernel, macros and range say nothing then */
    double flops, bytes; /* of one run */
    double seconds, seconds_min, seconds_max; /* filled by hg_launches_time */
    void *built;         /* device/ only: the kernel object */
} hg_launch;

/* Called while programs are built: how many of how many are done. Before the first build with done == 0. */
typedef void hg_build_progress(void *user, int done, int total);

/* Builds every program that the lists need (each once per device, in parallel), makes the kernel objects, sets all
 * arguments. Checks each kernel's limits. Fails with HG_KERNEL_BUILD: file, line, macros, the driver's log. */
bool hg_launches_build(hg_device *dev, hg_launch *const *launches, int n, hg_build_progress *progress, void *user);
/* Releases the kernel objects. */
void hg_launches_release(hg_launch *const *launches, int n);
/* Enqueues all, in order; does not wait. A failure names the launch. */
bool hg_launches_run(hg_device *dev, hg_launch *const *launches, int n);
/* Has drivers that make a kernel's machine code at its first run make it, and keep it in their cache: runs one work-group of each
 * kernel, with one item, from the last launch to the first, of those that the list has several times only the first. What they compute
 * means nothing.
 * `parts` processes may share the work: this one takes every parts-th kernel from number `part` (from 0) on. `wanted` is asked before
 * each kernel; false ends it. Waits. */
bool hg_launches_compile(hg_device *dev, hg_launch *const *launches, int n, int part, int parts, bool (*wanted)(void *user), void *user);
/* Runs the list `repeats` times and puts the median of each launch's own time, as the device's clock has it, into `seconds`, the
 * extremes beside it. `*whole`: their sum, and the median of what lies between launches. Waits. */
bool hg_launches_time(hg_device *dev, hg_launch *const *launches, int n, int repeats, double *whole);

/* The embedded text of cl/STEM.cl, or NULL. (Generated at build time by tools/embed.) */
const char *hg_kernel_source(const char *stem);
/* The i-th stem; NULL past the last. */
const char *hg_kernel_source_at(int i);

#endif
