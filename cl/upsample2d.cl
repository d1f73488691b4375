/* Enlargement by whole factors KH x KW. NEAREST: y[i,j] = x[i / KH, j / KW]. Bilinear: pixel centres at (i + 1/2) / KH - 1/2,
 * clamped below at 0, neighbours clamped at the border (PyTorch's align_corners=False).
 * The backward pass gathers: an input pixel sums over the outputs that it has a share in.
 * Macros: C H W (of the input) KH KW NEAREST; HG_VEC channels go together. One item is a row of pixels.
 * Traffic: 4 bytes per input and output each way. */
#ifndef C
#define C 1
#define H 2
#define W 2
#define KH 2
#define KW 2
#endif
#ifndef NEAREST
#define NEAREST 1
#endif
#define OH (H * KH)
#define OW (W * KW)
#define CELL(b, i, j, hh, ww, c) ((((b) * (hh) + (i)) * (ww) + (j)) * C + (c))

/* Output i lies between inputs `low` and the next at share `t`. */
inline float place(int i, int factor, int n, int *low, int *high)
{
    const float at = fmax(((float)i + 0.5f) / (float)factor - 0.5f, 0.0f);
    *low = min((int)at, n - 1);
    *high = min(*low + 1, n - 1);
    return at - (float)*low;
}

/* The share of input r in output i. */
inline float share(int i, int r, int factor, int n)
{
    int low, high;
    const float t = place(i, factor, n, &low, &high);
    return (low == r ? 1.0f - t : 0.0f) + (high == r ? t : 0.0f);
}

/* rows: B * OH */
__kernel void forward(__global const float *restrict x, __global float *restrict y, int rows)
{
    HG_FOR(row, rows) {
        const int b = row / OH, i = row - b * OH;
#if NEAREST
        for (int s = 0; s < W; s++)
            for (int c = 0; c < C; c += HG_VEC) {
                const hg_vec v = HG_LOAD(x + CELL(b, i / KH, s, H, W, c));
                for (int k = 0; k < KW; k++) HG_STORE(v, y + CELL(b, i, s * KW + k, OH, OW, c));
            }
#else
        int r0, r1, s0, s1;
        const float t = place(i, KH, H, &r0, &r1);
        for (int j = 0; j < OW; j++) {
            const float u = place(j, KW, W, &s0, &s1);
            for (int c = 0; c < C; c += HG_VEC) {
                const hg_vec top = (1.0f - u) * HG_LOAD(x + CELL(b, r0, s0, H, W, c)) + u * HG_LOAD(x + CELL(b, r0, s1, H, W, c));
                const hg_vec low = (1.0f - u) * HG_LOAD(x + CELL(b, r1, s0, H, W, c)) + u * HG_LOAD(x + CELL(b, r1, s1, H, W, c));
                HG_STORE((1.0f - t) * top + t * low, y + CELL(b, i, j, OH, OW, c));
            }
        }
#endif
    }
}

/* rows: B * H */
__kernel void backward(__global const float *restrict dy, int rows, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(row, rows) {
        const int b = row / H, r = row - b * H;
        for (int s = 0; s < W; s++)
            for (int c = 0; c < C; c += HG_VEC) {
                hg_vec sum = 0.0f;
#if NEAREST
                for (int k = 0; k < KH; k++)
                    for (int l = 0; l < KW; l++) sum += HG_LOAD(dy + CELL(b, r * KH + k, s * KW + l, OH, OW, c));
#else
                for (int i = max((r - 1) * KH, 0); i < min((r + 2) * KH, OH); i++) {
                    const float t = share(i, r, KH, H);
                    for (int j = max((s - 1) * KW, 0); j < min((s + 2) * KW, OW); j++)
                        sum += t * share(j, s, KW, W) * HG_LOAD(dy + CELL(b, i, j, OH, OW, c));
                }
#endif
                HG_DX_VEC(dx, dx_x, CELL(b, r, s, H, W, c), sum);
            }
    }
}
