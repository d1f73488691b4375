/* The graph: what a model file means. Nodes in topological order, tensors with shapes, parameters. hg_model is the graph
 * plus what training needs to know; it knows no device. */
#ifndef HG_MODEL_GRAPH_H
#define HG_MODEL_GRAPH_H

#include "base/option.h"

typedef struct hg_model hg_graph;
typedef struct hg_layer hg_layer;
typedef struct hg_plan hg_plan;

/* Per example. Inside the engine values lie as [H, W, C]; flat ones are C numbers (h = w = 1). */
typedef struct hg_shape { int c, h, w; bool flat; } hg_shape;
size_t hg_shape_count(hg_shape shape); /* c * h * w */
/* "64x7x7" (C x H x W) or "3136": into buf, which is returned. */
const char *hg_shape_text(hg_shape shape, char buf[48]);

/* A tensor. `act` is the activation that its producer applies (type NULL: linear). Every gradient written for a tensor is the
 * gradient with respect to its value BEFORE `act`: writers multiply by act'(value). Only activations whose derivative
 * follows from their output are ever put here. */
typedef struct hg_tensor {
    const char *name;
    hg_shape shape;
    int producer;  /* node, -1 for what is given: the target, and so the input where nothing corrupts it */
    hg_choice act;
    int repeats[2]; /* it is its producer's input with every pixel repeated so often down and across; 0: it is not */
    hg_shape picture; /* flat, but its numbers lie as those of this picture, [H, W, C] (order.c); all 0: in PyTorch's order */
} hg_tensor;

/* A parameter. Files hold it in PyTorch's shape. The engine sees it as `axes` axes, which are those of the shape unless order.c makes
 * three of one, and stores axis order[0] slowest: conv2d [O,I,KH,KW] is stored [KH,KW,I,O], i.e. order {2,3,1,0}. */
typedef enum hg_section { HG_CORRUPT, HG_ENCODER, HG_LATENT, HG_DECODER, HG_DISCRIMINATOR, HG_LOSS } hg_section;

enum { HG_MAX_AXES = 6 };

typedef struct hg_param {
    const char *name; /* "encoder.0.weight" */
    hg_section section;
    int rank, shape[4];
    int axes, size[HG_MAX_AXES], order[HG_MAX_AXES];
    hg_choice init;   /* type NULL: `constant` everywhere */
    double constant;
    int64_t fan_in, fan_out;
    bool trainable;   /* running statistics are not */
    size_t count, offset; /* floats; place in the parameter arena, a multiple of HG_ALIGN bytes */
} hg_param;

enum { HG_ALIGN = 4096, HG_MAX_IO = 4, HG_MAX_PARAMS = 8 };

typedef struct hg_node {
    const hg_layer *layer;
    const void *options;
    const char *name;  /* "encoder.0"; nodes that stand for an option of a layer: "encoder.0.activation" */
    const char *place; /* "file:line:column" */
    hg_section section;
    int index;         /* in the graph; also its random stream */
    int in[HG_MAX_IO], n_in, out[HG_MAX_IO], n_out;
    int params[HG_MAX_PARAMS], n_params;
    const struct hg_node *shares; /* the node whose parameters these are; NULL: its own */
    int phase;         /* a loss: whose */
    void *state;       /* the layer's own geometry, from the graph's arena */
} hg_node;

/* May the values of the tensors that a layer reads and writes be stored as half (model/plan.h)? */
typedef enum hg_halves {
    HG_HALVES_NONE,
    HG_HALVES_EACH, /* each tensor as it comes */
    HG_HALVES_SAME, /* input and output alike: they may be one memory (hg_plan_alias) */
} hg_halves;

/* What a layer's descriptor consists of. See README, "How to add a layer". */
struct hg_layer {
    hg_descriptor head;
    /* Checks the input shapes, adds outputs (hg_node_output) and parameters (hg_node_param). */
    bool (*build)(hg_graph *graph, hg_node *node);
    /* Emit launches (model/plan.h). Failures are sticky in the plan. */
    void (*forward)(hg_plan *plan, const hg_node *node);
    void (*backward)(hg_plan *plan, const hg_node *node);
    hg_halves halves;
};

/* A corruption: a layer between the target and the input. It has no parameters and no backward pass, as nothing before it trains. */
typedef struct hg_corruption {
    hg_layer layer;
    hg_shape (*target)(const void *options, hg_shape input); /* the shape that it makes `input` from */
} hg_corruption;

/* An activation: functions ACT_name(x, p) and ACT_GRAD_name(y, p) (from_output) or ACT_GRAD_name(x, p) in cl/common.cl.
 * Its only option, if any, is one number p (slope, alpha). */
typedef struct hg_activation { hg_descriptor head; bool from_output; } hg_activation;
extern const hg_descriptor *const hg_activations[];
double hg_activation_parameter(hg_choice act); /* p, 0 if it has none */

/* The shape in whose order, [H, W, C], the tensor's numbers lie. */
hg_shape hg_tensor_order(const hg_tensor *tensor);
/* Is the tensor seen from outside: given, asked for, or drawn? */
bool hg_graph_is_outside(const hg_graph *graph, int tensor);
/* The only node that reads the tensor; NULL: none, several, or the tensor is seen from outside. */
const hg_node *hg_graph_only_reader(const hg_graph *graph, int tensor);

/* For layers' build functions. */
const hg_tensor *hg_node_input(const hg_graph *graph, const hg_node *node, int i);
bool hg_node_output(hg_graph *graph, hg_node *node, hg_shape shape);
bool hg_node_param(hg_graph *graph, hg_node *node, const char *name, int rank, const int *shape, const int *order,
                   hg_choice init, double constant, int64_t fan_in, int64_t fan_out, bool trainable);
/* HG_BAD_INPUT with place, node name and layer in front. */
bool hg_node_fail(hg_graph *graph, const hg_node *node, const char *format, ...) HG_PRINTF(3, 4);
void *hg_node_state(hg_graph *graph, hg_node *node, size_t size); /* zeroed; also stored in node->state */

/* The options that weighted layers share, as table rows. The struct must have the members of the same names:
 * hg_choice activation; double activity_l1; hg_choice initializer; int share; bool bias. The graph looks them up by name: it fuses
 * the activation or adds a node for it, adds a penalty node, and lets the layer have another one's parameters. */
#define HG_OPTION_ACTIVATION(S) \
    {"activation", "applied to the output", \
     offsetof(S, activation), HG_OPTION_CHOICE, .kinds = hg_activations, .fallback_kind = "linear"}
#define HG_OPTION_ACTIVITY_L1(S) \
    {"activity_l1", "weight of the penalty on the sum of absolute outputs, mean over the batch", \
     offsetof(S, activity_l1), HG_OPTION_FLOAT, 0, 0, 1e6}
#define HG_OPTION_INITIALIZER(S) \
    {"initializer", "of the weights; biases start at 0 (uniform_fan_in draws them too)", \
     offsetof(S, initializer), HG_OPTION_CHOICE, .kinds = hg_initializers}
#define HG_OPTION_SHARE(S) \
    {"share", "use the weights of that entry of the same list, counted from 0; -1: weights of its own", \
     offsetof(S, share), HG_OPTION_INT, -1, -1, 1e6}
#define HG_OPTION_BIAS(S) \
    {"bias", "add a bias per output channel", offsetof(S, bias), HG_OPTION_BOOL, 1, 0, 1}

extern const hg_descriptor *const hg_initializers[]; /* model/initializer.h */

/* TensorFlow's "same": output = ceil(in / stride), the odd zero at the end. Returns the zeros in front. */
int hg_same_before(int in, int kernel, int stride, int dilation);

/* ---- phases: what a training step consists of */

/* The parameters that an optimizer may be given: the encoder's and latent's, the decoder's, the discriminator's, or all. */
typedef enum hg_set { HG_SET_ENCODER, HG_SET_DECODER, HG_SET_DISCRIMINATOR, HG_SET_ALL, HG_SETS = HG_SET_ALL } hg_set;
extern const char *const hg_set_names[HG_SETS];

enum { HG_MAX_PHASES = 8, HG_MAX_UPDATERS = HG_MAX_PHASES * HG_SETS };

/* An optimizer with moments of its own. */
typedef struct hg_updater {
    hg_choice optimizer;
    const char *phase;   /* the phase that brought it; NULL: the model has no other */
    hg_set set;
    size_t begin, end;   /* the set in the parameter arena, floats */
    int slot;            /* where its moments are: updaters of common parameters have different slots */
    int per_step;        /* how many of its steps a training step has */
} hg_updater;

/* A step of an updater: its nth (from 1) in a training step. */
typedef struct hg_update { int updater, nth; const char *place; } hg_update;

/* Forward from the input, backward from the phase's losses, then its updates. Without `phases` in the model file there is one. */
typedef struct hg_phase {
    const char *name, *place; /* NULL: the file does not speak of it */
    bool detach_code;    /* the layers up to the code run as outside training and receive no gradient */
    bool keep_gradients; /* those of the phase before are still there and are added to */
    hg_update updates[HG_SETS];
    int n_updates;
} hg_phase;

/* The prior of an adversarial model's codes, N(0, std^2): the options of the layer that draws from it. */
typedef struct hg_prior { double std; } hg_prior;

/* What a discriminator judges. */
typedef enum hg_judged { HG_JUDGED_CODE, HG_JUDGED_PRIOR, HG_JUDGED } hg_judged;

/* The graph as plans and tests see it. */
struct hg_model {
    hg_context *ctx;
    hg_arena *arena;
    const char *name, *file, *text;
    hg_node **nodes; int n_nodes;
    hg_tensor **tensors; int n_tensors;
    hg_param **params; int n_params;
    size_t trainable, total;  /* floats of the parameter arena, padding counted: [0, trainable) is optimized, the rest not */
    int input, target; /* tensors; one and the same unless `corrupt` makes the input from the target */
    int code, latent;  /* the code, and what the decoder reads: another tensor if a sample is drawn between them */
    int output;
    int judged[HG_JUDGED];    /* the discriminator's logits for the code and for draws from the prior; -1: there is no discriminator */
    hg_prior prior;
    int loss;                 /* the node of the reconstruction's loss, -1: none */
    bool loss_from_logits;    /* it reads the tensor before the last activation, which only the output then needs */
    hg_phase phases[HG_MAX_PHASES]; int n_phases;
    hg_updater updaters[HG_MAX_UPDATERS]; int n_updaters;
    int n_updates, n_slots;   /* updates of all phases; slots of the moments */
    hg_choice condition;      /* type NULL: none */
    int labels;               /* its, 0: none */
    hg_choice initializer;    /* of layers that name none; type NULL: glorot_uniform */
    int batch, epochs;
    bool drop_last;           /* an epoch's last batch is left out where it is smaller */
};

/* Reads a model file's `input`, `encoder`, `latent` and `decoder` without asking for a loss that fits: for tests of layers.
 * The result's output is the last layer's. */
hg_graph *hg_graph_parse_layers(hg_context *ctx, const char *name, const char *text, size_t length);

#endif
