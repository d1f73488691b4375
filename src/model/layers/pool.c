#include "model/layers/pool.h"

#include "model/conv.h"
#include "model/ranges.h"

/* One axis as PyTorch: floor or ceil of (in + 2 p - k) / s, plus 1; with ceil the last window must begin inside the input or the
 * zeros in front of it. */
static int pool_size(int in, int k, int s, int p, bool ceil_mode)
{
    int64_t room = (int64_t)in + 2 * (int64_t)p - k;
    if (room < 0) return 0;
    int64_t out = (ceil_mode ? room + s - 1 : room) / s + 1;
    if (ceil_mode && (out - 1) * s >= (int64_t)in + p) out--;
    return (int)out;
}

bool hg_pool_build(hg_graph *graph, hg_node *node)
{
    const hg_pool_options *o = node->options;
    hg_shape in = hg_node_input(graph, node, 0)->shape;
    char text[48];
    if (in.flat) return hg_node_fail(graph, node, "needs a picture but gets %s numbers: put `reshape` before it", hg_shape_text(in, text));
    hg_pool *p = hg_node_state(graph, node, sizeof *p);
    if (!p) return false;
    *p = (hg_pool){.c = in.c, .h = in.h, .w = in.w, .kh = o->size[0], .kw = o->size[1],
                   .sh = o->stride[0] ? o->stride[0] : o->size[0], .sw = o->stride[1] ? o->stride[1] : o->size[1], .same = o->padding[0] == HG_SAME};
    if (p->same) {
        p->oh = (p->h + p->sh - 1) / p->sh;
        p->ow = (p->w + p->sw - 1) / p->sw;
        p->ph = hg_same_before(p->h, p->kh, p->sh, 1);
        p->pw = hg_same_before(p->w, p->kw, p->sw, 1);
    } else {
        p->ph = o->padding[0];
        p->pw = o->padding[1];
        if (2 * p->ph > p->kh || 2 * p->pw > p->kw)
            return hg_node_fail(graph, node, "padding %dx%d: at most half the window (%dx%d)", p->ph, p->pw, p->kh, p->kw);
        p->oh = pool_size(p->h, p->kh, p->sh, p->ph, o->ceil_mode);
        p->ow = pool_size(p->w, p->kw, p->sw, p->pw, o->ceil_mode);
    }
    if (p->oh < 1 || p->ow < 1)
        return hg_node_fail(graph, node, "a window of %dx%d does not fit the input %s", p->kh, p->kw, hg_shape_text(in, text));
    return hg_node_output(graph, node, (hg_shape){p->c, p->oh, p->ow, false});
}

void hg_pool_emit(hg_plan *plan, hg_launch *launch, const hg_pool *p, int height, int width)
{
    const struct { const char *name; int value; } macros[] = {{"KH", p->kh}, {"KW", p->kw}, {"SH", p->sh}, {"SW", p->sw}, {"PH", p->ph}, {"PW", p->pw}};
    const int sizes[] = {p->c, p->h, p->w, p->oh, p->ow};
    const size_t rows = hg_mul((size_t)hg_plan_batch(plan), (size_t)height);
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) hg_emit_define(plan, launch, macros[i].name, macros[i].value);
    hg_emit_int(plan, launch, (int64_t)rows);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) hg_emit_int(plan, launch, sizes[i]);
    hg_emit_pixels(plan, launch, rows, width, p->c);
}

hg_block hg_pool_winners(hg_plan *plan, const hg_node *node)
{
    const hg_pool *p = node->state;
    return hg_plan_note(plan, node, hg_mul(hg_pool_out(plan, p), (int64_t)p->kh * p->kw <= 256 ? 1 : sizeof(int)));
}

size_t hg_pool_in(const hg_plan *plan, const hg_pool *p)
{
    return hg_mul(hg_mul(hg_mul((size_t)p->c, (size_t)p->h), (size_t)p->w), (size_t)hg_plan_batch(plan));
}

size_t hg_pool_out(const hg_plan *plan, const hg_pool *p)
{
    return hg_mul(hg_mul(hg_mul((size_t)p->c, (size_t)p->oh), (size_t)p->ow), (size_t)hg_plan_batch(plan));
}
