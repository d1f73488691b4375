/* Inverted dropout: each number is kept with probability 1 - rate and divided by it. The mask is drawn from (seed, step, node,
 * index) again in the backward pass, never stored: number i takes word i mod 4 of block i / 4 of the node's stream.
 * Macros: STREAM, those of hg_emit_dx, HG_SPAN. Traffic: 8 bytes an element, 12 where the gradient is added. */
#include "random.cl"

#ifndef STREAM
#define STREAM 0x100
#endif

/* The factors of the four vectors from number 4 HG_VEC q on. */
static inline void factors(__global const hg_step *step, int q, float rate, float factor, hg_vec out[4])
{
    const hg_vec none = 0.0f, kept = factor;
    hg_uvec words[4];
    hg_vec in[4];
    hg_random_lanes(step, STREAM, (uint)q * HG_VEC, words);
    for (int k = 0; k < 4; k++) {
        const hg_vec u = HG_UNIFORM_LANES(words[k]);
        in[k] = u < rate ? none : kept;
    }
    hg_interleave(in, out);
}

__kernel void forward(__global const hg_x *restrict x, __global hg_y *restrict y, __global const hg_step *restrict step, int n, float rate, float factor)
{
    hg_vec f[4];
    HG_FOR(q, HG_FOURS(n)) {
        factors(step, q, rate, factor, f);
        HG_FOUR(k, i, q, n) hg_put_y(hg_get_x(x, i, n) * f[k], y, i, n);
    }
}

__kernel void backward(__global const float *restrict dy, __global const hg_step *restrict step, int n, float rate, float factor,
                       __global float *dx, __global const hg_dx_x *dx_x)
{
    hg_vec f[4];
    HG_FOR(q, HG_FOURS(n)) {
        factors(step, q, rate, factor, f);
        HG_FOUR(k, i, q, n) hg_put_dx(hg_get(dy, i, n) * f[k], dx, dx_x, i, n);
    }
}
