/* Between pictures, inside [B, P, C] (P pixels), and flat codes in PyTorch's order, [B, C, P]: per example the transpose of a
 * matrix, to[j, i] = from[i, j] for i < M, j < N. Forward and backward of `flatten`, and of `reshape` between a code and a picture.
 * transpose: `rows` is B * N. transpose_squares (HG_VEC 16), for CPU devices: an item is a band of 16 of M, cut into squares of 16 x 16
 * numbers that are turned in registers; the last band and the last square are moved back. `bands`: B * M / 16, rounded up.
 * Macros: GRADIENT with those of hg_emit_dx. Traffic: 8 bytes a number, 12 where a gradient is added. */
#include "shuffles.cl"

#if HG_VEC == 16
__kernel void transpose_squares(__global const hg_x *restrict from, __global hg_y *to, __global const hg_dx_x *to_x, int bands, int M,
                                int N)
{
    const int each = (M + 15) / 16;
    HG_FOR(band, bands) {
        const int b = band / each, own_i = (band - b * each) * 16, i = min(own_i, M - 16);
        for (int own_j = 0; own_j < N; own_j += 16) {
            const int j = min(own_j, N - 16);
            hg_vec square[16];
            HG_UNROLL for (int k = 0; k < 16; k++) square[k] = HG_X_LOAD(from + (b * M + i + k) * N + j);
            hg_turn(square);
            for (int k = own_j - j; k < 16; k++) {
                const int at = (b * N + j + k) * M + i;
                if (i == own_i) {
                    hg_store(square[k], to, to_x, at);
                } else {
                    float part[16];
                    HG_STORE(square[k], part);
                    HG_REST for (int lane = own_i - i; lane < 16; lane++) hg_store_one(part[lane], to, to_x, at + lane);
                }
            }
        }
    }
}
#else
__kernel void transpose(__global const hg_x *restrict from, __global hg_y *to, __global const hg_dx_x *to_x, int rows, int M, int N)
{
    HG_ROWS(r, rows) {
        const int b = r / N, j = r - b * N;
        HG_CHANNELS(i, M) hg_store(HG_X(from + (b * M + i) * N + j), to, to_x, r * M + i);
    }
}
#endif
