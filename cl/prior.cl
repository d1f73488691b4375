/* Draws from the prior: z = std e with e ~ N(0, 1). Number i takes normal i mod 4 of Philox block i / 4 of the stream at this step.
 * Macros: STREAM, HG_SPAN. Traffic: 4 bytes an element. */
#include "random.cl"

#ifndef STREAM
#define STREAM 7
#endif

__kernel void forward(__global float *restrict z, __global const hg_step *restrict step, int n, float std)
{
    hg_vec e[4];
    HG_FOR(q, HG_FOURS(n)) {
        hg_normal_lanes(step, STREAM, (uint)q * HG_VEC, e);
        HG_FOUR(k, i, q, n) hg_put(std * e[k], z, i, n);
    }
}
