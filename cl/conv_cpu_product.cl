/* F and D for CPU devices where pictures or taps have one pixel (dense layers): a matrix product out [n, O] = from [n, G] w [G, O]. An item is a tile of Q rows times NV
 * vectors; the last tile of rows and of columns is moved back. Dimension 0: tiles of rows, 1: of columns, so that neighbours share weights.
 * Macros: G O Q NV HG_VEC BIAS, those of hg_store. Traffic: from once per tile of columns, w once per tile of rows, out once. */
#ifndef G
#define G 16
#define O 16
#define Q 4
#define NV 1
#endif
#ifndef BIAS
#define BIAS 0
#endif

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void product(__global const float *restrict from, __global const float *restrict w, __global const float *restrict bias,
                      __global float *restrict out, __global const float *out_x, int n)
{
    const int own = (int)get_global_id(0) * Q, own_o = (int)get_global_id(1) * NV * HG_VEC;
    const int n0 = min(own, n - Q), o0 = min(own_o, O - NV * HG_VEC);
    hg_vec sum[Q][NV];
    HG_UNROLL for (int v = 0; v < NV; v++) {
#if BIAS
        const hg_vec start = HG_LOAD(bias + o0 + v * HG_VEC);
#else
        const hg_vec start = 0.0f;
#endif
        HG_UNROLL for (int q = 0; q < Q; q++) sum[q][v] = start;
    }
    __global const float *x = from + n0 * G, *wp = w + o0;
    for (int g = 0; g < G; g++, x++, wp += O) {
        hg_vec weight[NV];
        HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(wp + v * HG_VEC);
        HG_UNROLL for (int q = 0; q < Q; q++)
            HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * G], weight[v], sum[q][v]);
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        if (n0 + q >= own)
            HG_UNROLL for (int v = 0; v < NV; v++) {
                const int at = (n0 + q) * O + o0 + v * HG_VEC;
                if (o0 == own_o) {
                    hg_store(sum[q][v], out, out_x, at);
                } else {
                    float part[HG_VEC];
                    HG_STORE(sum[q][v], part);
                    for (int k = 0; k < HG_VEC; k++)
                        if (o0 + v * HG_VEC + k >= own_o) hg_store_one(part[k], out, out_x, at + k);
                }
            }
}
