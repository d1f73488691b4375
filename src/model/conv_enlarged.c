#include "model/conv_enlarged.h"

#include "model/plan_private.h"

extern const hg_layer hg_layer_conv2d;

/* Beyond this factor summing the weights would cost too much. */
enum { MOST = 4 };

bool hg_conv_enlarged(hg_plan *plan, int tensor, hg_conv *conv)
{
    const hg_graph *graph = hg_plan_graph(plan);
    const hg_tensor *t = graph->tensors[tensor];
    const int h = t->repeats[0], w = t->repeats[1];
    if (h < 1 || h > MOST || w > MOST || h * w == 1) return false;
    const hg_node *reader = hg_graph_only_reader(graph, tensor);
    if (!reader || reader->layer != &hg_layer_conv2d) return false;
    const hg_conv *c = reader->state;
    if (c->sh > 1 || c->sw > 1 || c->dh > 1 || c->dw > 1 || c->ph >= c->kh || c->pw >= c->kw) return false;
    *conv = (hg_conv){.cl = c->cs, .hl = c->hs, .wl = c->ws, .cs = c->cl, .hs = c->hl / h, .ws = c->wl / w, .kh = c->kh + h - 1, .kw = c->kw + w - 1,
                      .sh = h, .sw = w, .dh = 1, .dw = 1, .ph = c->kh - 1 - c->ph, .pw = c->kw - 1 - c->pw, .transposed = true, .enlarged = true};
    hg_plan_alias(plan, tensor, graph->nodes[t->producer]->in[0]);
    return true;
}

hg_block hg_conv_enlarged_weights(hg_plan *plan, const hg_node *node, const hg_conv *conv)
{
    const size_t taps = (size_t)conv->kh * (size_t)conv->kw, channels = hg_mul((size_t)conv->cs, (size_t)conv->cl), count = hg_mul(taps, channels);
    const bool made = plan->note[node->index] >= 0;
    const hg_block summed = hg_plan_note(plan, node, hg_mul(count, sizeof(float)));
    if (made) return summed;
    hg_launch *launch = hg_emit(plan, node, "weights summed", "conv_pack", "conv_enlarge");
    hg_emit_read(plan, launch, hg_plan_param(plan, node, 0));
    hg_emit_write(plan, launch, summed);
    hg_emit_int(plan, launch, (int64_t)channels);
    hg_conv_define_taps(plan, launch, conv);
    hg_emit_rows(plan, launch, hg_mul(taps, (channels + 15) / 16), (size_t)(16 * conv->sh * conv->sw));
    hg_emit_cost(plan, launch, (double)count * conv->sh * conv->sw, 2.0 * (double)count * sizeof(float));
    return summed;
}
