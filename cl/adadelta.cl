/* Adadelta: v = rho v + (1 - rho) g^2; d = g sqrt(u + epsilon) / sqrt(v + epsilon); u = rho u + (1 - rho) d^2; w -= lr d.
 * One launch over the flat arenas: w, g and the moments lie in the same order. Padding is zero and stays zero.
 * Traffic: 28 bytes a parameter. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = state->grad_scale, limit = step->clip_value;
    const float lr = step->h[0], rho = step->h[1], epsilon = step->h[2], rest = step->h[3];
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec d = hg_clipped(hg_get(g, i, n) * scale, limit), u = hg_get(m1, i, n), v = rho * hg_get(m0, i, n) + rest * d * d;
        const hg_vec move = d * sqrt(u + epsilon) / sqrt(v + epsilon);
        hg_put(v, m0, i, n);
        hg_put(rho * u + rest * move * move, m1, i, n);
        hg_put(hg_get(w, i, n) - lr * move, w, i, n);
    }
}
