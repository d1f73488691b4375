/* What max_pool2d and avg_pool2d share: windows. */
#ifndef HG_TESTS_POOL_H
#define HG_TESTS_POOL_H

#include "../harness.h"

typedef struct window { int k[2], s[2], p[2]; } window;

static inline window read_window(const trial *t, int out[2])
{
    window g;
    int padding[2], size[2] = {t->in[0].h, t->in[0].w};
    option_pair(t->node, "size", g.k);
    option_pair(t->node, "stride", g.s);
    option_pair(t->node, "padding", padding);
    for (int a = 0; a < 2; a++) {
        if (g.s[a] == 0) g.s[a] = g.k[a];
        int covered = (size[a] + g.s[a] - 1) / g.s[a], same = (covered - 1) * g.s[a] + g.k[a] - size[a];
        g.p[a] = padding[a] == HG_SAME ? (same > 0 ? same / 2 : 0) : padding[a];
        int room = size[a] + 2 * g.p[a] - g.k[a], more = option_bool(t->node, "ceil_mode") ? g.s[a] - 1 : 0;
        out[a] = padding[a] == HG_SAME ? covered : (room + more) / g.s[a] + 1;
        if (more && (out[a] - 1) * g.s[a] >= size[a] + g.p[a]) out[a]--; /* a window must begin before the zeros at the end */
    }
    return g;
}

static inline void shape(trial *t)
{
    int out[2];
    read_window(t, out);
    t->out[0] = (hg_shape){t->in[0].c, out[0], out[1], false};
}

/* Calls visit with each output's place and the bounds of its window inside the picture; `count` is its number of places with
 * zeros around the picture counted, as far as they go. */
typedef void window_fn(trial *t, int b, int c, size_t y, const int low[2], const int high[2], int count);

static inline void walk_windows(trial *t, window_fn *visit)
{
    int size[2];
    const window g = read_window(t, size);
    for (int b = 0; b < t->batch; b++)
        for (int c = 0; c < t->in[0].c; c++)
            for (int i = 0; i < size[0]; i++)
                for (int j = 0; j < size[1]; j++) {
                    int at[2] = {i, j}, limit[2] = {t->in[0].h, t->in[0].w}, low[2], high[2], count = 1;
                    for (int a = 0; a < 2; a++) {
                        low[a] = at[a] * g.s[a] - g.p[a];
                        high[a] = low[a] + g.k[a];
                        count *= (high[a] < limit[a] + g.p[a] ? high[a] : limit[a] + g.p[a]) - low[a];
                        if (low[a] < 0) low[a] = 0;
                        if (high[a] > limit[a]) high[a] = limit[a];
                    }
                    visit(t, b, c, at4(t->out[0], b, c, i, j), low, high, count);
                }
}

#endif
