/* RMSprop: v = rho v + (1 - rho) g^2; w -= lr g / (sqrt(v + inside) + outside): epsilon is one of the two, the other is 0.
 * One launch over the flat arenas: w, g and the moment lie in the same order. Padding is zero and stays zero.
 * Traffic: 20 bytes a parameter. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = state->grad_scale, limit = step->clip_value;
    const float lr = step->h[0], rho = step->h[1], rest = step->h[2], outside = step->h[3], inside = step->h[4];
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec d = hg_clipped(hg_get(g, i, n) * scale, limit), v = rho * hg_get(m0, i, n) + rest * d * d;
        const hg_vec below = sqrt(v + inside) + outside, none = 0.0f;
        hg_put(v, m0, i, n);
        hg_put(hg_get(w, i, n) - (d == 0.0f ? none : lr * d / below), w, i, n);
    }
}
