/* Average pooling. y[b,i,j,c] = sum over the window of x / divisor, where the divisor is the window's size clipped to the input
 * (COUNT_PAD 0) or to the input and the padding around it (COUNT_PAD 1, as PyTorch's count_include_pad).
 * The backward pass gathers: an input pixel adds dy / divisor of every window that covers it.
 * Sizes are arguments, so that layers share programs. rows: B * OH forward, B * H backward.
 * Macros: KH KW SH SW PH PW COUNT_PAD, HG_VEC divides C, those of hg_emit_dx.
 * Traffic: 4 bytes per input and output forward, the same backward (8 per input where values or old gradients are read). */
#ifndef KH
#define KH 2
#define KW 2
#define SH 2
#define SW 2
#define PH 0
#define PW 0
#endif
#ifndef COUNT_PAD
#define COUNT_PAD 0
#endif

/* How many pixels a window that begins at `begin` counts along an axis of n. */
static inline int counted(int begin, int k, int p, int n)
{
    return COUNT_PAD ? min(begin + k, n + p) - begin : min(begin + k, n) - max(begin, 0);
}

/* 1 / divisor of the window whose corner is at (top, left). */
static inline float share_of(int top, int left, int H, int W)
{
    if (top >= 0 && top + KH <= H && left >= 0 && left + KW <= W) return 1.0f / (float)(KH * KW);
    return 1.0f / (float)(counted(top, KH, PH, H) * counted(left, KW, PW, W));
}

static inline hg_vec window_sum(__global const hg_x *x, int row, int C, int r0, int r1, int s0, int s1)
{
    hg_vec sum = 0.0f;
    for (int r = r0; r < r1; r++)
        for (int s = s0; s < s1; s++) sum += HG_X_LOAD(x + r * row + s * C);
    return sum;
}

__kernel void forward(__global const hg_x *restrict x, __global hg_y *restrict y, int rows, int C, int H, int W, int OH, int OW)
{
    HG_ROWS(r, rows) {
        const int b = r / OH, top = (r - b * OH) * SH - PH;
        HG_COLUMNS(j, OW) {
            const int left = j * SW - PW, corner = ((b * H + top) * W + left) * C, to = (r * OW + j) * C;
            const bool whole = top >= 0 && top + KH <= H && left >= 0 && left + KW <= W;
            const float share = share_of(top, left, H, W);
            HG_CHANNELS(c, C) {
                const hg_vec sum = whole ? window_sum(x + corner + c, W * C, C, 0, KH, 0, KW)
                    : window_sum(x + corner + c, W * C, C, max(-top, 0), min(H - top, KH), max(-left, 0), min(W - left, KW));
                HG_Y_STORE(sum * share, y + to + c);
            }
        }
    }
}

__kernel void backward(__global const float *restrict dy, int rows, int C, int H, int W, int OH, int OW, __global float *dx, __global const hg_dx_x *dx_x)
{
    HG_ROWS(row, rows) {
        const int b = row / H, r = row - b * H, i0 = max((r + PH - KH + SH) / SH, 0), i1 = min((r + PH) / SH, OH - 1);
        HG_COLUMNS(s, W) {
            const int j0 = max((s + PW - KW + SW) / SW, 0), j1 = min((s + PW) / SW, OW - 1);
            HG_CHANNELS(c, C) {
                hg_vec sum = 0.0f;
                for (int i = i0; i <= i1; i++)
                    for (int j = j0; j <= j1; j++)
                        sum += share_of(i * SH - PH, j * SW - PW, H, W) * HG_LOAD(dy + ((b * OH + i) * OW + j) * C + c);
                HG_DX_VEC(dx, dx_x, (row * W + s) * C + c, sum);
            }
        }
    }
}
