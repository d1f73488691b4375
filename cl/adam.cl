/* Adam: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= a m / (b sqrt(v) + epsilon). src/model/optimizers/adam.c has a and b.
 * One launch over the flat arenas: w, g and the moments lie in the same order. Padding is zero and stays zero.
 * Traffic: reads g, reads and writes w and the moments, once each. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = step->clip_norm > 0.0f ? state->grad_scale : 1.0f, limit = step->clip_value;
    const float b1 = step->h[0], b2 = step->h[1], epsilon = step->h[2], a = step->h[3], b = step->h[4], c1 = step->h[5], c2 = step->h[6];
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, n) {
        float d = g[i] * scale;
        if (limit > 0.0f) d = d > limit ? limit : d < -limit ? -limit : d; /* NaN stays */
        float m = b1 * m0[i] + c1 * d, v = b2 * m1[i] + c2 * d * d;
        m0[i] = m;
        m1[i] = v;
        w[i] -= a * m / (b * sqrt(v) + epsilon);
    }
}
