/* What the files of the layer share. */
#ifndef HG_TESTS_CL_LAYER_H
#define HG_TESTS_CL_LAYER_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_1_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#include <CL/cl_layer.h>
#include <stdatomic.h>
#include <stdbool.h>

enum kind { CONTEXT, QUEUE, BUFFER, PROGRAM, KERNEL, EVENT, COMMANDS, KINDS };
/* References still held, by kind. */
extern atomic_long layer_live[KINDS];

/* One intercepted function, and the code that it fails with unless another is asked for. */
struct point { const char *name; cl_int failure; atomic_long calls; };

/* The driver's functions. */
extern const struct _cl_icd_dispatch *layer_next;

/* Counts the call; true when it is the one that shall fail, with the code in *code. */
bool layer_refuse(struct point *point, cl_int *code);
/* Has the point's calls told at the end. */
void layer_add(struct point *point);
/* commands.c: puts the functions of command buffers into the table. */
void layer_wrap_commands(struct _cl_icd_dispatch *table);

#define WAIT cl_uint n_wait, const cl_event *wait, cl_event *event

#endif
