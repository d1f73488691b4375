/* Enlargement by whole factors KH x KW. NEAREST: y[i,j] = x[i / KH, j / KW]. Bilinear: output i lies at (i + 1/2) / KH - 1/2 among
 * the pixels' centres, clamped to the first and last (PyTorch's align_corners=False); places are counted in steps of 1 / (2 KH), so
 * that the shares are exact.
 * The backward pass gathers: an input pixel sums over the outputs that it has a share in.
 * Sizes (of the input) are arguments, so that layers share programs. rows: B * H * KH forward, B * H backward.
 * Macros: KH KW NEAREST, HG_VEC divides C, those of hg_emit_dx. Traffic: 4 bytes per input and output each way. */
#ifndef KH
#define KH 2
#define KW 2
#endif
#ifndef NEAREST
#define NEAREST 1
#endif

/* The place of output i between n inputs, in steps of 1 / (2 k). */
static inline int place(int i, int k, int n)
{
    return clamp(2 * i + 1 - k, 0, (n - 1) * 2 * k);
}

/* The share of input r in the output at a place. */
static inline float share(int at, int r, int k)
{
    return (float)max(2 * k - (int)abs(at - r * 2 * k), 0) / (float)(2 * k);
}

__kernel void forward(__global const hg_x *restrict x, __global hg_y *restrict y, int rows, int C, int H, int W)
{
    HG_ROWS(row, rows) {
        const int b = row / (H * KH), i = row - b * (H * KH);
#if NEAREST
        __global const hg_x *from = x + (b * H + i / KH) * W * C;
        HG_COLUMNS(s, W) HG_CHANNELS(c, C) {
            const hg_vec v = HG_X_LOAD(from + s * C + c);
            for (int k = 0; k < KW; k++) HG_Y_STORE(v, y + ((row * W + s) * KW + k) * C + c);
        }
#else
        const int at = place(i, KH, H), r = at / (2 * KH), next_row = r + 1 < H ? W * C : 0;
        const float low = (float)(at - r * 2 * KH) / (float)(2 * KH);
        HG_COLUMNS(j, W * KW) {
            const int across = place(j, KW, W), s = across / (2 * KW), next = s + 1 < W ? C : 0;
            const float right = (float)(across - s * 2 * KW) / (float)(2 * KW);
            __global const hg_x *from = x + ((b * H + r) * W + s) * C;
            HG_CHANNELS(c, C) {
                const hg_vec top = (1.0f - right) * HG_X_LOAD(from + c) + right * HG_X_LOAD(from + next + c);
                const hg_vec bottom = (1.0f - right) * HG_X_LOAD(from + next_row + c) + right * HG_X_LOAD(from + next_row + next + c);
                HG_Y_STORE((1.0f - low) * top + low * bottom, y + (row * W * KW + j) * C + c);
            }
        }
#endif
    }
}

__kernel void backward(__global const float *restrict dy, int rows, int C, int H, int W, __global float *dx, __global const hg_dx_x *dx_x)
{
    const int OH = H * KH, OW = W * KW;
    HG_ROWS(row, rows) {
        const int b = row / H, r = row - b * H;
        HG_COLUMNS(s, W) HG_CHANNELS(c, C) {
            hg_vec sum = 0.0f;
#if NEAREST
            for (int k = 0; k < KH; k++)
                for (int l = 0; l < KW; l++) sum += HG_LOAD(dy + ((row * KH + k) * OW + s * KW + l) * C + c);
#else
            for (int i = max(r * KH - (KH + 1) / 2, 0); i < min(r * KH + KH + (KH + 1) / 2, OH); i++) {
                const float t = share(place(i, KH, H), r, KH);
                for (int j = max(s * KW - (KW + 1) / 2, 0); j < min(s * KW + KW + (KW + 1) / 2, OW); j++)
                    sum += t * share(place(j, KW, W), s, KW) * HG_LOAD(dy + ((b * OH + i) * OW + j) * C + c);
            }
#endif
            HG_DX_VEC(dx, dx_x, (row * W + s) * C + c, sum);
        }
    }
}
