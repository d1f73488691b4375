/* Variants: the ways to compute an operation. An operation lists them with their parameters; a heuristic (later: a tuner's
 * file) picks one; any can be forced by name (hg_device_params.variants). */
#ifndef HG_MODEL_VARIANT_H
#define HG_MODEL_VARIANT_H

#include "model/plan.h"

enum { HG_VARIANT_PARAMS = 6 };

typedef struct hg_variant {
    const char *name;   /* "plain", "cpu", "gpu", "cpu_thin" ... unique within the operation */
    const char *const parameters[HG_VARIANT_PARAMS + 1]; /* names of its numbers, NULL-terminated: "rows", "columns" */
    /* Expected cost of the best parameters for this problem on this device, in arbitrary units; they are written to
     * `parameters`. Negative: does not fit (problem or limits). The smallest wins. Scale: a family on the devices that it
     * was written for costs 1 (more where another variant of the family suits the problem better), the plain one 10, a
     * family on foreign devices 100. */
    double (*fit)(const hg_device_info *limits, const void *problem, int *parameters);
    /* Does a given set of parameters fit? For the tuner and for forced parameters. NULL: there are none. */
    bool (*accepts)(const hg_device_info *limits, const void *problem, const int *parameters);
    void (*emit)(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters);
} hg_variant;

typedef struct hg_operation {
    const char *name; /* "conv_forward", "conv_data", "conv_weight" */
    const hg_variant *const *variants;
    int count;
} hg_operation;

/* Chooses and emits. Variants are forced by a list "NAME" (all operations) or "OPERATION=NAME", separated by commas; the last
 * that speaks of this operation counts. A name stands for the variant called so, else for the best of those whose names
 * begin with "NAME_". Numbers may follow: "gpu:64:64" sets the first parameters, 0 leaves one to the heuristic. A forced name
 * that does not exist in the operation is ignored when it was given for all operations, and an error when it was given for
 * this one; one that does not fit falls back to the heuristic. */
void hg_operate(hg_plan *plan, const hg_node *node, const hg_operation *operation, const void *problem);

#endif
