/* Max pooling. y[b,i,j,c] = max over the window of x; the first maximum in row-major order wins, NaN wins over all (as PyTorch).
 * The winner's place in its window is stored as a byte (0..KH*KW-1), from which the backward pass gathers. Padding never wins.
 * Sizes are arguments, so that layers share programs. rows: B * OH forward and in backward_cells, B * H in backward.
 * Macros: KH KW SH SW PH PW, NOTE (are winners wanted), HG_VEC divides C, those of hg_emit_dx; CHOSEN 1: dx_x is y, not x.
 * Traffic: forward 4 bytes in per input, 5 out per output; backward 5 in per output, 4 to 8 out per input. */
#ifndef KH
#define KH 2
#define KW 2
#define SH 2
#define SW 2
#define PH 0
#define PW 0
#endif

#ifndef CHOSEN
#define CHOSEN 0
#endif
#ifndef NOTE
#define NOTE 1
#endif

#if KH * KW <= 256
typedef uchar place_t;
#define LOAD_PLACE(p) HG_LOAD_UCHAR(p)
#define STORE_PLACE(v, p) HG_STORE_UCHAR(v, p)
#else
typedef int place_t;
#define LOAD_PLACE(p) HG_LOAD_INT(p)
#define STORE_PLACE(v, p) HG_STORE(v, p)
#endif

/* The maximum over rows r0..r1-1 and columns s0..s1-1 of a window whose corner is at x. Only where the sum says that there may be
 * a NaN is it looked for. */
static inline hg_vec window_max(__global const hg_x *x, int row, int C, int r0, int r1, int s0, int s1, hg_ivec *at)
{
    const hg_ivec first = r0 * KW + s0;
    hg_vec best = -INFINITY, sum = 0.0f;
    hg_ivec from = first;
    for (int r = r0; r < r1; r++)
        for (int s = s0; s < s1; s++) {
            const hg_vec v = HG_X_LOAD(x + r * row + s * C);
            const hg_ivec place = r * KW + s;
            from = v > best ? place : from;
            best = v > best ? v : best;
            sum += v;
        }
    const float all = hg_lanes(sum);
    if (all != all) {
        best = -INFINITY;
        from = first;
        for (int r = r0; r < r1; r++)
            for (int s = s0; s < s1; s++) {
                const hg_vec v = HG_X_LOAD(x + r * row + s * C);
                const hg_ivec place = r * KW + s, wins = ((v > best) | (v != v)) & (best == best);
                best = wins ? v : best;
                from = wins ? place : from;
            }
    }
    *at = from;
    return best;
}

__kernel void forward(__global const hg_x *restrict x, __global hg_y *restrict y, __global place_t *restrict winner,
                      int rows, int C, int H, int W, int OH, int OW)
{
    HG_ROWS(r, rows) {
        const int b = r / OH, top = (r - b * OH) * SH - PH;
        HG_COLUMNS(j, OW) {
            const int left = j * SW - PW, corner = ((b * H + top) * W + left) * C, to = (r * OW + j) * C;
            const bool whole = top >= 0 && top + KH <= H && left >= 0 && left + KW <= W;
            HG_CHANNELS(c, C) {
                hg_ivec at;
                const hg_vec best = whole ? window_max(x + corner + c, W * C, C, 0, KH, 0, KW, &at)
                    : window_max(x + corner + c, W * C, C, max(-top, 0), min(H - top, KH), max(-left, 0), min(W - left, KW), &at);
                HG_Y_STORE(best, y + to + c);
#if NOTE
                STORE_PLACE(at, winner + to + c);
#endif
            }
        }
    }
}

/* Any windows: an input pixel asks every window that covers it. Window i covers row r if i SH - PH <= r < i SH - PH + KH. */
__kernel void backward(__global const float *restrict dy, __global const place_t *restrict winner, int rows, int C, int H, int W, int OH, int OW,
                       __global float *dx, __global const hg_dx_x *dx_x)
{
    HG_ROWS(row, rows) {
        const int b = row / H, r = row - b * H, i0 = max((r + PH - KH + SH) / SH, 0), i1 = min((r + PH) / SH, OH - 1);
        HG_COLUMNS(s, W) {
            const int j0 = max((s + PW - KW + SW) / SW, 0), j1 = min((s + PW) / SW, OW - 1);
            HG_CHANNELS(c, C) {
                const hg_vec none = 0.0f;
                hg_vec sum = none;
                for (int i = i0; i <= i1; i++)
                    for (int j = j0; j <= j1; j++) {
                        const int from = ((b * OH + i) * OW + j) * C + c;
                        const hg_ivec mine = (r - i * SH + PH) * KW + s - j * SW + PW, won = LOAD_PLACE(winner + from) == mine;
                        sum += won ? HG_LOAD(dy + from) : none;
                    }
                HG_DX_VEC(dx, dx_x, (row * W + s) * C + c, sum);
            }
        }
    }
}

/* Windows that do not overlap (KH <= SH, KW <= SW): each writes its cell, the SH x SW pixels from its corner on; the first and last
 * cells reach to the border. */
__kernel void backward_cells(__global const float *restrict dy, __global const place_t *restrict winner, int rows, int C, int H, int W, int OH, int OW,
                             __global float *dx, __global const hg_dx_x *dx_x)
{
    HG_ROWS(row, rows) {
        const int b = row / OH, i = row - b * OH, top = i * SH - PH;
        const int r0 = i == 0 ? 0 : top, r1 = i == OH - 1 ? H : top + SH;
        HG_COLUMNS(j, OW) {
            const int left = j * SW - PW, s0 = j == 0 ? 0 : left, s1 = j == OW - 1 ? W : left + SW;
            HG_CHANNELS(c, C) {
                const int from = (row * OW + j) * C + c;
                hg_vec g = HG_LOAD(dy + from);
                const hg_vec none = 0.0f;
#if CHOSEN && !HG_DX_IS_LINEAR
                const hg_vec best = HG_DX_X_LOAD(dx_x + from);
                g = g * HG_DX_FACTOR(best);
#endif
                const hg_ivec won = LOAD_PLACE(winner + from);
                for (int r = r0; r < r1; r++)
                    for (int s = s0; s < s1; s++) {
                        const hg_ivec mine = r - top < KH && s - left < KW ? (r - top) * KW + s - left : -1;
#if CHOSEN
                        HG_STORE(HG_DX_OLD_VEC(dx, ((b * H + r) * W + s) * C + c) (won == mine ? g : none), dx + ((b * H + r) * W + s) * C + c);
#else
                        HG_DX_VEC(dx, dx_x, ((b * H + r) * W + s) * C + c, won == mine ? g : none);
#endif
                    }
            }
        }
    }
}
