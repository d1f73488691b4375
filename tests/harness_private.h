/* Shared by the parts of the harness: harness.c (what the references use), harness_rig.c, harness_check.c, harness_main.c. */
#ifndef HG_TESTS_HARNESS_PRIVATE_H
#define HG_TESTS_HARNESS_PRIVATE_H

#include "harness.h"
#include "model/plan_private.h"

void *alloc(size_t count, size_t size);           /* zeroed, never NULL */
hg_context *harness_context_now(void);            /* without clearing its failure */
void harness_close(void);
uint64_t seed_for(const char *name);
size_t tensor_count(const hg_graph *graph, int tensor, int batch);
const reference *reference_for(const hg_node *node); /* ends the test if there is none */

field field_make(size_t n);
void field_free(field *f);
void field_clear(field *f);
void trial_clear(trial *t);

/* Parameters in PyTorch's order: weights about N(0, 1/fan_in) with some zeros; variances positive. */
void draw_param(const hg_param *param, uint64_t *state, double *out);
/* Mostly normal, some zeros, some on a coarse grid so that equal values occur; `flags` of the case. */
void draw_input(uint64_t *state, int flags, double *out, size_t n);

/* Writes a part of a buffer by writing all of it: Oclgrind 21.10 takes a host's write that does not begin at the buffer's start
 * for one that makes everything else uninitialised (and writes past its own tables). */
void write_part(hg_buffer *whole, size_t offset, const void *data, size_t bytes, const char *name);

/* Ends the test with the context's message unless ok. */
void check(bool ok, const char *what);
bool has_grad(const rig *r, int tensor);
/* Is the tensor never made, because its producer makes what pools it (model/conv_pooled.h)? */
bool is_pooled(const rig *r, int tensor);
/* Is it never made, because of that or because its reader computes it along with its own output (model/conv_enlarged.h)? */
bool is_left_out(const rig *r, int tensor);

/* A node's reference against finite differences at random places. */
void finite_node(const hg_graph *graph, const hg_node *node, const reference *ref, int batch, uint64_t *state);
/* Checks every number of a guarded run; returns the largest error in units of its bound. */
double check_run(rig *r, const char *variant, bool with_nan);
/* Ends the test where two runs differ; NaN equals NaN. */
void same_bits(const double *a, const double *b, size_t n, const char *name, const char *why);

#endif
