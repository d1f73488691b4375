/* The global norm of the gradient in two ordered passes: partial sums of squares, then their sum and the factor that brings the norm
 * down to clip_norm: min(1, clip_norm / (norm + 1e-6)) as PyTorch's clip_grad_norm_. Macros: HG_SPAN, HG_GROUP. */
__kernel void clip_partial(__global const float *restrict g, __global float *restrict partials, int n)
{
    HG_SUM_BEGIN
    hg_vec sum = 0.0f;
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec v = hg_get(g, i, n);
        sum += v * v;
    }
    HG_SUM_END(hg_lanes(sum), partials);
}

__kernel void clip_finish(__global const float *restrict partials, __global hg_state *restrict state, __global const hg_step *restrict step, int n)
{
    float sum = 0.0f;
    for (int i = 0; i < n; i++) sum += partials[i];
    float norm = sqrt(sum);
    state->grad_norm = norm;
    if (!isfinite(norm)) state->bad = 1;
    state->grad_scale = norm > step->clip_norm ? step->clip_norm / (norm + 1e-6f) : 1.0f;
}
