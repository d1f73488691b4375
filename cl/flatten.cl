/* Between pictures, inside [B, P, C] (P pixels), and flat codes in PyTorch's order, [B, C, P]: per example the transpose of a
 * matrix, to[j, i] = from[i, j] for i < M, j < N. Forward and backward of `flatten`, and of `reshape` between a code and a picture.
 * `rows` is B * N. Macros: GRADIENT with those of hg_emit_dx. Traffic: 8 bytes a number, 12 where a gradient is added. */
__kernel void transpose(__global const hg_x *restrict from, __global hg_y *to, __global const hg_dx_x *to_x, int rows, int M, int N)
{
    HG_ROWS(r, rows) {
        const int b = r / N, j = r - b * N;
        HG_CHANNELS(i, M) hg_store(HG_X(from + (b * M + i) * N + j), to, to_x, r * M + i);
    }
}
