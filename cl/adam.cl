/* Adam: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= a m / (b sqrt(v) + epsilon). src/model/optimizers/adam.c has a and b.
 * One launch over the flat arenas: w, g and the moments lie in the same order. Padding is zero and stays zero.
 * Traffic: 28 bytes a parameter. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = state->grad_scale, limit = step->clip_value;
    const float b1 = step->h[0], b2 = step->h[1], epsilon = step->h[2], a = step->h[3], b = step->h[4], c1 = step->h[5], c2 = step->h[6];
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec d = hg_clipped(hg_get(g, i, n) * scale, limit);
        const hg_vec m = b1 * hg_get(m0, i, n) + c1 * d, v = b2 * hg_get(m1, i, n) + c2 * d * d;
        hg_put(m, m0, i, n);
        hg_put(v, m1, i, n);
        hg_put(hg_get(w, i, n) - a * m / (b * sqrt(v) + epsilon), w, i, n);
    }
}
