/* The same model for inputs of another size. Layers that slide over a picture take any size; those with a weight or a word per
 * pixel do not. What fits is found out by building the graph: whether the decoder's output has the picture's size again depends on
 * all strides, paddings and roundings on the way, but on each side for itself. */
#include <stdio.h>
#include <string.h>
#include "model/graph_build.h"

enum { TRIES = 512 /* sizes looked at for one that fits */ };

/* The first node behind the input whose output does not grow with the input; NULL: none. */
static const hg_node *fixing_node(const hg_model *model)
{
    for (int i = 0; i < model->n_nodes; i++) {
        const hg_node *node = model->nodes[i];
        if (node->section == HG_LOSS || node->n_out == 0) continue;
        if (model->tensors[node->out[0]]->shape.flat || strcmp(node->layer->head.name, "reshape") == 0) return node;
    }
    return NULL;
}

static hg_shape input_of(const hg_model *model) { return model->tensors[model->input]->shape; }

static hg_model *build(hg_context *ctx, const hg_model *model, int height, int width)
{
    return hg_graph_parse_sized(ctx, model->file, model->text, strlen(model->text), height, width);
}

static bool fits(const hg_model *model, int height, int width)
{
    hg_context *quiet = hg_context_create(NULL, NULL); /* what does not fit is no failure */
    hg_model *other = quiet ? build(quiet, model, height, width) : NULL;
    hg_model_destroy(other);
    hg_context_destroy(quiet);
    return other != NULL;
}

static bool side_fits(const hg_model *model, bool vertical, int size)
{
    const hg_shape own = input_of(model);
    return vertical ? fits(model, size, own.w) : fits(model, own.h, size);
}

/* The smallest side from `size` on that fits; 0: none near. */
static int next_side(const hg_model *model, bool vertical, int size)
{
    for (int s = size; s < size + TRIES && s <= HG_MAX_INPUT_SIDE; s++)
        if (side_fits(model, vertical, s)) return s;
    return 0;
}

/* "heights that fit are multiples of 8, the next is 32" */
static bool fail_side(const hg_model *model, int height, int width, bool vertical)
{
    const int first = next_side(model, vertical, vertical ? height : width), second = first ? next_side(model, vertical, first + 1) : 0;
    char sizes[96];
    if (!second) snprintf(sizes, sizeof sizes, first ? "nearest is %d" : "none is near", first);
    else if (first % (second - first) == 0) snprintf(sizes, sizeof sizes, "multiples of %d fit, the next is %d", second - first, first);
    else snprintf(sizes, sizeof sizes, "%d, %d and so on fit, %d more each time", first, second, second - first);
    return hg_fail(model->ctx, HG_BAD_INPUT, "%s: an input of %dx%d (height x width) does not fit, as the output would not have the size of the "
                   "picture that it is compared with: of %s, %s", model->file, height, width, vertical ? "heights" : "widths", sizes);
}

static bool check_free(const hg_model *model, int height, int width)
{
    const hg_shape own = input_of(model);
    const hg_node *fixed = fixing_node(model);
    if (!fixed || (height == own.h && width == own.w)) return true;
    return hg_fail(model->ctx, HG_BAD_INPUT, "%s: an input of %dx%d (height x width) does not fit: the layer %s (%s, %s) is made for one size: "
                   "give pictures of %dx%d (--resize %dx%d)", model->file, height, width, fixed->name, fixed->layer->head.name, fixed->place,
                   own.h, own.w, own.h, own.w);
}

static bool check_side(hg_context *ctx, const char *what, int side)
{
    return (side >= 1 && side <= HG_MAX_INPUT_SIDE) || hg_fail(ctx, HG_USAGE, "an input's %s of %d: expected 1 to %d", what, side, HG_MAX_INPUT_SIDE);
}

hg_model *hg_model_resize(const hg_model *model, int height, int width)
{
    hg_context *ctx = model->ctx;
    if (!check_side(ctx, "height", height) || !check_side(ctx, "width", width) || !check_free(model, height, width)) return NULL;
    for (int vertical = 1; vertical >= 0; vertical--)
        if (!side_fits(model, vertical, vertical ? height : width)) {
            fail_side(model, height, width, vertical);
            return NULL;
        }
    return build(ctx, model, height, width);
}

bool hg_model_fit(const hg_model *model, int *height, int *width)
{
    hg_context *ctx = model->ctx;
    if (!check_side(ctx, "height", *height) || !check_side(ctx, "width", *width) || !check_free(model, *height, *width)) return false;
    const int h = next_side(model, true, *height), w = next_side(model, false, *width);
    if (!h || !w) return fail_side(model, *height, *width, !h);
    *height = h, *width = w;
    return true;
}
