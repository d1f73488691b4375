/* Average pooling. y[b,i,j,c] = sum over the window of x / divisor, where the divisor is the window's size clipped to the input
 * (COUNT_PAD 0) or to the input and the padding around it (COUNT_PAD 1, as PyTorch's count_include_pad).
 * The backward pass gathers: an input pixel adds dy / divisor of every window that covers it.
 * Macros: C H W OH OW KH KW SH SW PH PW COUNT_PAD; HG_VEC channels go together. One item is a row of pixels.
 * Traffic: 4 bytes per input and output forward, the same backward (8 per input where values or old gradients are read). */
#ifndef C
#define C 1
#define H 4
#define W 4
#define OH 2
#define OW 2
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

#define CELL(b, i, j, hh, ww, c) ((((b) * (hh) + (i)) * (ww) + (j)) * C + (c))

/* How many pixels window i of an axis counts. */
inline int counted(int i, int k, int s, int p, int n)
{
    const int begin = i * s - p;
    return COUNT_PAD ? min(begin + k, n + p) - begin : min(begin + k, n) - max(begin, 0);
}

/* rows: B * OH */
__kernel void forward(__global const float *restrict x, __global float *restrict y, int rows)
{
    HG_FOR(row, rows) {
        const int b = row / OH, i = row - b * OH, r0 = max(i * SH - PH, 0), r1 = min(i * SH - PH + KH, H);
        for (int j = 0; j < OW; j++) {
            const int s0 = max(j * SW - PW, 0), s1 = min(j * SW - PW + KW, W);
            const float divisor = (float)(counted(i, KH, SH, PH, H) * counted(j, KW, SW, PW, W));
            for (int c = 0; c < C; c += HG_VEC) {
                hg_vec sum = 0.0f;
                for (int r = r0; r < r1; r++)
                    for (int s = s0; s < s1; s++) sum += HG_LOAD(x + CELL(b, r, s, H, W, c));
                HG_STORE(sum / divisor, y + CELL(b, i, j, OH, OW, c));
            }
        }
    }
}

/* rows: B * H */
__kernel void backward(__global const float *restrict dy, int rows, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(row, rows) {
        const int b = row / H, r = row - b * H, i0 = max((r + PH - KH + SH) / SH, 0), i1 = min((r + PH) / SH, OH - 1);
        for (int s = 0; s < W; s++) {
            const int j0 = max((s + PW - KW + SW) / SW, 0), j1 = min((s + PW) / SW, OW - 1);
            for (int c = 0; c < C; c += HG_VEC) {
                hg_vec sum = 0.0f;
                for (int i = i0; i <= i1; i++)
                    for (int j = j0; j <= j1; j++)
                        sum += HG_LOAD(dy + CELL(b, i, j, OH, OW, c)) / (float)(counted(i, KH, SH, PH, H) * counted(j, KW, SW, PW, W));
                HG_DX_VEC(dx, dx_x, CELL(b, r, s, H, W, c), sum);
            }
        }
    }
}
