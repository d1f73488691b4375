/* What a device can do at most: kernels that do nothing else than multiply and add, or read and write.
 *
 * probe_fma   CHAINS independent chains of vectors in registers: c_i <- c_i a + b, `rounds` times. 2 CHAINS HG_VEC rounds
 *             FLOP in each work-item, no memory. The chains must be enough to hide the latency of the units, and few
 *             enough for the registers.
 * probe_copy  to <- from, n vectors of HG_VEC: 8 HG_VEC n bytes of traffic.
 *
 * Macros: CHAINS, HG_VEC, HG_SPAN; FUSED 1: fma() in any case, as the kernels for CPUs have it. */
#ifndef CHAINS
#define CHAINS 8
#endif
#ifndef FUSED
#define FUSED 0
#endif
#if FUSED
#define MULTIPLY_ADD(a, b, c) fma((a), (b), (c))
#else
#define MULTIPLY_ADD(a, b, c) HG_MAD(a, b, c)
#endif

/* `never` is a NaN, which the compiler does not know: the result counts, and yet nothing is written. */
__kernel void probe_fma(__global float *restrict out, float a, float b, float never, int rounds)
{
    const hg_vec va = (hg_vec)(a), vb = (hg_vec)(b);
    hg_vec c[CHAINS];
    HG_UNROLL
    for (int i = 0; i < CHAINS; i++) c[i] = (hg_vec)((float)((int)get_global_id(0) + i));
    for (int r = 0; r < rounds; r++) {
        HG_UNROLL
        for (int i = 0; i < CHAINS; i++) c[i] = MULTIPLY_ADD(c[i], va, vb);
    }
    HG_UNROLL
    for (int i = 1; i < CHAINS; i++) c[0] += c[i];
    float lanes[HG_VEC];
    HG_STORE(c[0], lanes);
    for (int i = 0; i < HG_VEC; i++)
        if (lanes[i] == never) out[i] = lanes[i];
}

__kernel void probe_copy(__global float *restrict to, __global const float *restrict from, int n)
{
    HG_FOR(i, n) HG_STORE(HG_LOAD(from + i * HG_VEC), to + i * HG_VEC);
}
