/* Inverted dropout: each number is kept with probability 1 - rate and divided by it. The mask is drawn from (seed, step, node,
 * index) again in the backward pass, never stored: words four at a time. The same kernel serves both passes.
 * Macros: STREAM. Traffic: 8 bytes an element, 12 where the gradient is added. */
#ifndef STREAM
#define STREAM 0x100
#endif

inline float mask(__global const hg_step *step, int i, float rate, float factor)
{
    uint4 u = hg_random(step, STREAM, (uint)i / 4);
    uint word = i & 2 ? (i & 1 ? u.w : u.z) : (i & 1 ? u.y : u.x);
    return HG_UNIFORM(word) < rate ? 0.0f : factor;
}

__kernel void forward(__global const float *restrict x, __global float *restrict y, __global const hg_step *restrict step, int n, float rate, float factor)
{
    HG_FOR(i, n) y[i] = x[i] * mask(step, i, rate, factor);
}

__kernel void backward(__global const float *restrict dy, __global const hg_step *restrict step, int n, float rate, float factor,
                       __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) HG_DX(dx, dx_x, i, dy[i] * mask(step, i, rate, factor));
}
