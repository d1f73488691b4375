/* The harness of the kernels. Every layer has a plain reference in double precision (tests/layers/STEM.c); the harness
 *   1. checks the reference's gradients against central finite differences of its forward pass, without any device;
 *   2. runs each of the layer's cases on the device in every variant, and checks every tensor, gradient and parameter
 *      gradient against the reference, node by node: the reference of a node starts from the numbers that the device
 *      has for the node's inputs, so that a bound follows from that node alone,
 *      with values stored as float and as half; what is stored as half may be off by half's rounding besides;
 *   3. checks that guard zones are untouched, that nothing is left unwritten (all is NaN before), that a second run gives the
 *      same bits, that the plan with shared memory gives the bits of the guarded one, and that NaN passes through.
 *
 * Bounds are derived: a sum of n terms, each rounded, in any order, is off by at most gamma(n) * sum |terms|; see
 * bound_of_sum. Functions are off by what OpenCL allows them (tests/layers/activation.c). */
#ifndef HG_TESTS_HARNESS_H
#define HG_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/graph.h"
#include "model/plan.h"

/* Half the spacing of floats at 1. */
#define UNIT 0x1p-24

/* Numbers of the reference with the error that the device may have in each. Pictures are [B, C, H, W], parameters in
 * PyTorch's shape. */
typedef struct field { double *v, *tol; size_t n; } field;

/* A sum with what a bound of its error needs. */
typedef struct sum { double v, mag, n; } sum;
static inline void sum_add(sum *s, double term)
{
    s->v += term;
    s->mag += term < 0 ? -term : term;
    s->n += 1;
}
/* With what the device computed a convolution where it was Winograd's filtering (tests/winograd.h): the side of its tiles, else 0; and
 * its stride, which is larger than the layer's where the enlargement in front of it is part of it (model/conv_enlarged.h). */
typedef struct winograd_tiles { int side, stride; } winograd_tiles;

/* One call of a node's reference: what it reads and what it fills. */
typedef struct trial {
    const hg_graph *graph;
    const hg_node *node;
    int batch;
    bool training;
    uint64_t seed, step;              /* of the random draws */
    hg_shape in[HG_MAX_IO], out[HG_MAX_IO];
    const double *x[HG_MAX_IO];       /* inputs */
    const double *w[HG_MAX_PARAMS];   /* parameters, before the run */
    const double *seen[HG_MAX_IO];    /* what the device made of the outputs, for masks drawn at random; NULL without device */
    const double *dy[HG_MAX_IO];      /* gradients of the outputs (backward); NULL for an output without one */
    winograd_tiles winograd_y, winograd_dx, winograd_dw;
    field y[HG_MAX_IO];               /* forward fills these, before any activation that the harness applies itself */
    field dx[HG_MAX_IO];              /* backward fills these; v == NULL: not wanted */
    field dw[HG_MAX_PARAMS];          /* backward; not for running statistics, whose new values forward puts here */
    sum metric[HG_METRIC_PARTS];      /* forward, of nodes that add to the loss: by hg_metric */
    double metric_scale[HG_METRIC_PARTS], metric_rounding[HG_METRIC_PARTS]; /* what the sum is multiplied by; error of each term relative to itself, in UNITs */
    double metric_weight;             /* the part's factor in the total loss, if not 1 */
} trial;

/* When and how a case is used. Every case runs in the ordinary tests. */
enum {
    SMALL = 1,         /* also under --small, and with values stored as halves */
    BENCH = 2,         /* also under --bench */
    EVALUATE = 4,      /* in evaluation mode, forward only */
    LARGE_VALUES = 8,  /* inputs up to +-40 */
    UNIT_VALUES = 16,  /* inputs in [0, 1] */
    GEOMETRY = 32,     /* not as halves: only its geometry is special */
    DIRECT = 64,       /* not by Winograd's filtering, whose kernels take long to compile: other cases have what is special about this one */
    FOREIGN = 128,     /* also in families of variants that were not written for the device, with floats */
};

typedef struct layer_case {
    const char *name;
    int c, h, w, batch;
    const char *layers; /* YAML list of the encoder; or, with several keys, all of the model file but the input */
    int flags;
} layer_case;

typedef struct reference {
    const char *layer;
    /* Sets t->out[] from t->in[] and the options. */
    void (*shape)(trial *t);
    void (*forward)(trial *t);
    void (*backward)(trial *t);
    const layer_case *cases;     /* ends with name NULL */
    const struct extra_test *extras; /* tests of its own, ends with name NULL; may be NULL */
    bool spread_inputs;          /* finite differences need different inputs in (0, 1): max pooling, probabilities */
    /* Which variants of a convolution its cases go through, besides what is picked and `plain`. */
    enum { VARIANTS_NONE, VARIANTS_POOLED, VARIANTS_ALL } variants;
} reference;

typedef struct extra_test { const char *name; void (*run)(void **state); } extra_test;

/* The reference of a layer, NULL if there is none. */
const reference *reference_of(const char *layer);

/* ---- options of a node, by the table's names. They end the test if there is no such option. */
int option_int(const hg_node *node, const char *name);
double option_float(const hg_node *node, const char *name);
bool option_bool(const hg_node *node, const char *name);
void option_pair(const hg_node *node, const char *name, int out[2]);
/* The chosen word of a NAME option. */
const char *option_name(const hg_node *node, const char *name);
hg_choice option_choice(const hg_node *node, const char *name);
bool option_exists(const hg_node *node, const char *name);

/* ---- bounds */

/* How far a sum of n products may be off when each operation rounds: the smaller of the certain bound gamma_n =
 * n u / (1 - n u) and Higham and Mary's probabilistic one, exp(6 sqrt(n) u + n u^2 / (1 - u)) - 1 (SIAM J. Sci. Comput. 41,
 * 2019), times the sum of magnitudes; and what denormals may lose. */
double bound_of_sum(double n, double magnitude);

/* The sum and its bound; `extra` counts roundings behind it. */
void sum_store(const sum *s, field *f, size_t i, int extra);
/* The same for a whole field; sums_store frees the sums. */
sum *sums_make(size_t n);
void sums_store(sum *s, field *f, int extra);
/* The sum of dy[0] over examples and pixels, per channel. */
void bias_gradient(const trial *t, field *db);

static inline size_t at4(hg_shape s, int b, int c, int y, int x)
{
    return (((size_t)b * (size_t)s.c + (size_t)c) * (size_t)s.h + (size_t)y) * (size_t)s.w + (size_t)x;
}

/* ---- activations (tests/layers/activation.c) */
double act_value(hg_choice act, double x);
double act_value_error(hg_choice act, double x);      /* of act(x) computed from an exact x */
double act_lipschitz(hg_choice act);
double act_slope(hg_choice act, double x, double y);  /* from whichever of the two the engine uses */
double act_slope_error(hg_choice act, double x, double y);
bool act_is_linear(hg_choice act);

/* ---- for tests of their own */

typedef struct harness_options { const char *device, *variant, *only; bool small, bench; uint64_t seed; } harness_options;
extern harness_options harness;

/* The test device, whose plans from now on use these variants (NULL: what it picks); skips the test when there is none. */
hg_device *harness_device(const char *variants);
hg_context *harness_context(void);

/* Numbers for a test, the same for the same seed. */
uint64_t random_bits(uint64_t *state);
double random_uniform(uint64_t *state, double low, double high);
double random_normal(uint64_t *state);

/* The number in its dataset of the rig's example b: not b, and not in order. */
static inline uint32_t harness_example(int b) { return 1000003u - 7u * (uint32_t)b; }
/* Its label where there are n: not in order, and sometimes n itself, which is none. */
static inline uint32_t harness_label(int b, int n) { return (5u * (uint32_t)b + 2u) % ((uint32_t)n + 1u); }

/* `between`: the layers with a copy before and behind them, so that all that they read and write lies between layers. */
hg_graph *harness_graph(const layer_case *c, bool between);
/* The number of the first node of that layer; ends the test if there is none. */
int harness_node(const hg_graph *graph, const char *layer);

/* A graph on the device with random parameters and input: run it and look at the numbers. Tensors are [B, C, H, W]. */
typedef struct rig {
    const layer_case *c;
    hg_graph *graph;
    hg_arenas *arenas;
    hg_plan *plan;
    double **value, **grad; /* per tensor; NULL where there is none */
    double **param, **dparam, **param_after; /* per parameter, PyTorch's order */
    double *given;          /* the gradient put into the output */
    double metrics[1 + HG_METRIC_PARTS]; /* -, then the parts as the plan summed them */
    uint64_t seed;
} rig;
enum { RIG_GUARDED = 1, RIG_NAN = 2 /* one number of the input is NaN */, RIG_MIXED = 4 /* values stored as half */ };
void rig_create(rig *r, hg_device *dev, const layer_case *c, int flags);
void rig_run(rig *r, int flags);
void rig_destroy(rig *r);

/* A reference call for a node of the rig: trial_make with all fields allocated, trial_free. */
void trial_make(trial *t, const hg_graph *graph, const hg_node *node, int batch, bool training);
void trial_free(trial *t);

#endif
