/* Gradient descent: v = momentum v + g; w -= lr v, with Nesterov's look-ahead w -= lr (g + momentum v).
 * One launch over the flat arenas: w, g and the moments lie in the same order. Padding is zero and stays zero.
 * Traffic: reads g, reads and writes w and the moments, once each. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = step->clip_norm > 0.0f ? state->grad_scale : 1.0f, limit = step->clip_value;
    const float lr = step->h[0], momentum = step->h[1];
    const bool nesterov = step->h[2] != 0.0f;
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, n) {
        float d = g[i] * scale;
        if (limit > 0.0f) d = d > limit ? limit : d < -limit ? -limit : d; /* NaN stays */
        float v = momentum * m0[i] + d;
        m0[i] = v;
        w[i] -= lr * (nesterov ? d + momentum * v : v);
    }
}
