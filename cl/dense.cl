/* Dense layers, plain; also every convolution with a 1x1 kernel, stride 1 and no padding: F and D are then both
 *   out[r,m] = sum over n of from[r,n] * weight[n,m]  (+ bias[m])
 * from [R, N] (R: batch times pixels), weight [N, M], out [R, M]. Any shape, no local memory, any work-group.
 *
 * A work-item computes HG_VEC outputs of 4 rows: (M / HG_VEC) * ceil(R / 4) items, each reads N*(4 + HG_VEC) floats.
 * Neighbouring items share rows and read neighbouring weights. Sums have names as in conv2d.cl.
 *
 * Macros: HG_VEC divides M; GRADIENT and what hg_emit_act or hg_emit_dx define. */

__kernel void dense(__global const hg_x *restrict from, __global const float *restrict weight,
                    __global const float *restrict bias, __global hg_y *out, __global const hg_dx_x *out_x,
                    int has_bias, int R, int N, int M, int items)
{
    const int id = (int)get_global_id(0);
    if (id >= items) return;
    const int groups = M / HG_VEC, m = HG_MOD(id, groups) * HG_VEC, r = id / groups * 4;
    /* past the end: the last row again, not stored */
    const int r0 = r * N, r1 = min(r + 1, R - 1) * N, r2 = min(r + 2, R - 1) * N, r3 = min(r + 3, R - 1) * N;
    const hg_vec start = has_bias ? HG_LOAD(bias + m) : (hg_vec)(0.0f);
    hg_vec a0 = start, a1 = start, a2 = start, a3 = start;
    for (int n = 0, w = m; n < N; n++, w += M) {
        const hg_vec wv = HG_LOAD(weight + w);
        a0 = HG_MAD((hg_vec)(HG_X(from + r0 + n)), wv, a0);
        a1 = HG_MAD((hg_vec)(HG_X(from + r1 + n)), wv, a1);
        a2 = HG_MAD((hg_vec)(HG_X(from + r2 + n)), wv, a2);
        a3 = HG_MAD((hg_vec)(HG_X(from + r3 + n)), wv, a3);
    }
    const int at = r * M + m;
    hg_store(a0, out, out_x, at);
    if (r + 1 < R) hg_store(a1, out, out_x, at + M);
    if (r + 2 < R) hg_store(a2, out, out_x, at + 2 * M);
    if (r + 3 < R) hg_store(a3, out, out_x, at + 3 * M);
}
