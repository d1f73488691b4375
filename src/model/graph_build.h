/* Building a graph: what the model file's reader calls. */
#ifndef HG_MODEL_GRAPH_BUILD_H
#define HG_MODEL_GRAPH_BUILD_H

#include "model/graph.h"
#include "model/loss.h"

/* The registries, made from the word lists in meson.build. */
extern const hg_descriptor *const hg_layers[];  /* what `encoder` and `decoder` may name */
extern const hg_descriptor *const hg_latents[]; /* what `latent` may name */
extern const hg_descriptor *const hg_corruptions[]; /* what `corrupt` may name */
extern const hg_layer hg_layer_condition;       /* what `condition` stands for */
extern const hg_layer hg_layer_prior;           /* what draws from the prior; its options are an hg_prior */

/* A new tensor; its number, or -1. */
int hg_graph_tensor(hg_graph *graph, const char *name, hg_shape shape, int producer);

/* The target and, in the order given, what makes an input of the shape `input` from it: n corruptions, whose places in the file
 * stand beside them. Without any, target and input are one tensor. Sets graph->target, graph->input and `*current`. */
bool hg_graph_input(hg_graph *graph, hg_shape input, const hg_choice *corruptions, const char *const *places, int n, int *current);

/* graph->condition's node behind `*current`, which moves on. */
bool hg_graph_condition(hg_graph *graph, hg_section section, const char *name, const char *place, int *current);

/* A new node reading `in`; its layer's build has run. NULL on failure. */
hg_node *hg_graph_node(hg_graph *graph, const hg_layer *layer, const void *options, hg_section section, const char *name,
                       const char *place, const int *in, int n_in);
/* The same with the parameters of the node `shares`; NULL: with its own. */
hg_node *hg_graph_sharing_node(hg_graph *graph, const hg_layer *layer, const void *options, hg_section section, const char *name,
                               const char *place, const hg_node *shares, const int *in, int n_in);
/* The node of that name, or NULL. */
const hg_node *hg_graph_find(const hg_graph *graph, const char *name);

/* The chain: adds a layer behind `*current` together with the nodes that its options `activation` and `activity_l1` stand
 * for, and moves `*current` on. Options are the parsed struct of the layer's table. `shares` (NULL: none) is the node whose parameters
 * it has; else its option `share` may name one. */
bool hg_graph_chain(hg_graph *graph, const hg_layer *layer, void *options, hg_section section, const char *name,
                    const char *place, const hg_node *shares, int *current);
/* The latent: two dense heads and the sampling node between `*current` and the decoder. Sets graph->code and graph->latent. */
bool hg_graph_latent(hg_graph *graph, const hg_layer *layer, void *options, const char *place, int *current);

/* Draws from graph->prior: a tensor like the latent. */
bool hg_graph_prior(hg_graph *graph, const char *place, int *current);

/* What the discriminator made of the code or of the prior: its last layer's sigmoid is left to the losses. Sets graph->judged[which]. */
bool hg_graph_judged(hg_graph *graph, hg_judged which, const char *place, int prediction);

/* A loss of a phase. One of the reconstruction reads the output, graph->output as the decoder left it; where it takes the last
 * activation over, the output is split into logits and output. Sets graph->output and graph->loss; only one phase has such a loss. */
bool hg_graph_loss(hg_graph *graph, hg_choice loss, const char *place, int phase);

/* hg_model_parse with another input than the text's. */
enum { HG_MAX_INPUT_SIDE = 65536 };
hg_model *hg_graph_parse_sized(hg_context *ctx, const char *name, const char *text, size_t length, int height, int width);

/* Once the graph has all its nodes: flat tensors between a picture and dense layers may lie as the picture does (order.c). */
void hg_graph_order(hg_graph *graph);

/* ---- phases (phases.c) */

/* A new phase, NULL: there are too many or there is one of that name. */
hg_phase *hg_graph_phase(hg_graph *graph, const char *name, const char *place);
/* The newest phase steps an optimizer of its own for a set, or (`again`) once more that of an earlier phase. */
bool hg_graph_update(hg_graph *graph, hg_set set, hg_choice optimizer, const char *place);
bool hg_graph_update_again(hg_graph *graph, hg_set set, const char *again, const char *place);

/* Offsets of all parameters and, with them, what the phases update; refuses updates that no gradient reaches. Call once at the end. */
bool hg_graph_place(hg_graph *graph);

#endif
