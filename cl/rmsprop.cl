/* RMSprop: s = rho s + (1 - rho) g^2; u = g / (sqrt(s) + epsilon), or with epsilon inside the root; v = momentum v + u; w -= lr v.
 * One launch over the flat arenas: w, g and the moments lie in the same order. Padding is zero and stays zero.
 * Traffic: reads g, reads and writes w and the moments, once each. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = step->clip_norm > 0.0f ? state->grad_scale : 1.0f, limit = step->clip_value;
    const float lr = step->h[0], rho = step->h[1], epsilon = step->h[2], momentum = step->h[3], c = step->h[5];
    const bool inside = step->h[4] != 0.0f;
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, n) {
        float d = g[i] * scale;
        if (limit > 0.0f) d = d > limit ? limit : d < -limit ? -limit : d; /* NaN stays */
        float s = rho * m0[i] + c * d * d, u = d / (inside ? sqrt(s + epsilon) : sqrt(s) + epsilon), v = momentum * m1[i] + u;
        m0[i] = s;
        m1[i] = v;
        w[i] -= lr * v;
    }
}
