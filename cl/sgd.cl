/* Gradient descent: v = momentum v + g; w -= lr v, with Nesterov's look-ahead w -= lr (g + momentum v).
 * One launch over the flat arenas: w, g and the moment lie in the same order. Padding is zero and stays zero.
 * Traffic: 20 bytes a parameter, 12 without momentum. */
__kernel void update(__global float *restrict w, __global const float *restrict g, __global float *restrict m0, __global float *restrict m1,
                     __global const hg_step *restrict step, __global const hg_state *restrict state, int n)
{
    const float scale = state->grad_scale, limit = step->clip_value;
    const float lr = step->h[0], momentum = step->h[1];
    const bool nesterov = step->h[2] != 0.0f;
    if (state->bad) return; /* a loss was not finite: the parameters stay as they were */
    HG_FOR(i, HG_VECTORS(n)) {
        hg_vec d = hg_clipped(hg_get(g, i, n) * scale, limit);
        if (momentum > 0.0f) {
            const hg_vec v = momentum * hg_get(m0, i, n) + d;
            hg_put(v, m0, i, n);
            d = nesterov ? d + momentum * v : v;
        }
        hg_put(hg_get(w, i, n) - lr * d, w, i, n);
    }
}
