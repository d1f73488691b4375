/* Variants: the ways to compute an operation. An operation lists them with their parameters. Which one computes a problem is decided
 * where it is emitted, in this order: what is forced by name (hg_device_params.variants), what was chosen for it by timing
 * (model/tuning.h), what the variants themselves expect to cost. */
#ifndef HG_MODEL_VARIANT_H
#define HG_MODEL_VARIANT_H

#include "model/plan.h"

enum { HG_VARIANT_PARAMS = 6, HG_VARIANT_FOREIGN = 50, HG_PICK_TEXT = 96, HG_KEY_TEXT = 256 };

typedef struct hg_variant {
    const char *name;   /* "plain", "cpu", "gpu", "cpu_thin" ... unique within the operation */
    const char *const parameters[HG_VARIANT_PARAMS + 1]; /* names of its numbers, NULL-terminated: "rows", "columns" */
    /* Expected cost of the best parameters for this problem on this device, in arbitrary units; they are written to
     * `parameters`. Negative: does not fit (problem or limits). The smallest wins. Scale: a family on the devices that it
     * was written for costs 1 (more where another variant of the family suits the problem better), the plain one 10, a
     * family on foreign devices 100: from HG_VARIANT_FOREIGN on the tuner leaves it out. */
    double (*fit)(const hg_device_info *limits, const void *problem, int *parameters);
    /* Does a given set of parameters fit? For the tuner and for forced parameters. NULL: there are none. */
    bool (*accepts)(const hg_device_info *limits, const void *problem, const int *parameters);
    void (*emit)(hg_plan *plan, const hg_node *node, const void *problem, const int *parameters);
    /* Sets of parameters from which the tuner sets out beside fit's, `n_starts` of them; may be none. */
    const int (*starts)[HG_VARIANT_PARAMS];
    int n_starts;
    bool pooled;         /* its kernels know a max pooling behind a convolution; else it does not fit problems that have one */
    bool half;           /* its kernels know values that are stored as half; else it does not fit problems that have some */
} hg_variant;

typedef struct hg_operation {
    const char *name; /* "conv_forward", "conv_data", "conv_weight" */
    const hg_variant *const *variants;
    int count;
    /* What the problem is, in words that are equal where the same choice serves: "1x28x28 16x28x28 k3x3 b128". */
    void (*describe)(const void *problem, char text[HG_KEY_TEXT]);
    bool (*has_halves)(const void *problem); /* is something that it reads or writes stored as half? */
    bool (*is_pooled)(const void *problem);  /* is a max pooling computed with it? */
} hg_operation;

/* What hg_variant.fit says, for one of the operation's variants; negative also where it does not know the problem's halves or pooling. */
double hg_variant_cost(const hg_operation *operation, const hg_variant *variant, const hg_device_info *limits, const void *problem, int *parameters);

/* A variant with its parameters; as text "cpu:16:2:1:14:2". */
typedef struct hg_pick { const hg_variant *variant; int parameters[HG_VARIANT_PARAMS]; } hg_pick;
void hg_pick_text(const hg_pick *pick, char text[HG_PICK_TEXT]);
bool hg_pick_same(const hg_pick *a, const hg_pick *b);
/* False: no such variant, or one that does not fit the problem with these numbers on this device. */
bool hg_pick_parse(const hg_operation *operation, const hg_device_info *limits, const void *problem, const char *text, hg_pick *pick);

/* Decides and emits; the plan remembers what was decided (hg_plan_decision). Variants are forced by a list "NAME" (all operations)
 * or "OPERATION=NAME", separated by commas; the last that speaks of this operation counts. A name stands for the variant called so,
 * else for the best of those whose names begin with "NAME_". Numbers may follow: "gpu:64:64" sets the first parameters, 0 leaves
 * one to the heuristic. A forced name that does not exist in the operation is ignored when it was given for all operations, and an
 * error when it was given for this one; one that does not fit is passed over, and so is a tuned one. */
void hg_operate(hg_plan *plan, const hg_node *node, const hg_operation *operation, const void *problem);
/* False, with HG_USAGE recorded, where that list names an operation that does not exist, or for all a variant that none has. */
bool hg_variants_check(hg_device *dev);

/* Would the problem be computed by a variant that fits it and, if one is forced by name, is called so? Not by one that is foreign to the
 * device unless something is forced for all operations. */
bool hg_can_operate(const hg_plan *plan, const hg_operation *operation, const void *problem);

/* ---- trials: one operation of a model alone, computed by a given pick, for timing it and for looking at its result */

/* What a trial plan contains: `key` (operation and problem, as in hg_decision) out of the forward or backward pass of node number
 * `node`. `pick` is called where the operation is emitted and says by which variant (false: none, the plan then fails);
 * the launches [first, first + count) of the plan are then the operation's. */
typedef struct hg_trial {
    int node;
    bool backward;
    const char *key;
    bool (*pick)(void *user, const hg_operation *operation, const hg_device_info *limits, const void *problem, hg_pick *pick);
    void *user;
    int first, count;
} hg_trial;

#endif
