/* The global norm of the gradient in two ordered passes: partial sums of squares over contiguous spans, then their sum and the
 * factor that brings the norm down to clip_norm: min(1, clip_norm / (norm + 1e-6)) as PyTorch's clip_grad_norm_. */
__kernel void clip_partial(__global const float *restrict g, __global float *restrict partials, int n)
{
    const int span = (n + (int)get_global_size(0) - 1) / (int)get_global_size(0), begin = (int)get_global_id(0) * span, end = min(begin + span, n);
    float16 sum = 0.0f;
    int i = begin;
    for (; i + 16 <= end; i += 16) {
        float16 v = vload16(0, g + i);
        sum += v * v;
    }
    float8 a = sum.lo + sum.hi;
    float4 b = a.lo + a.hi;
    float total = (b.x + b.y) + (b.z + b.w);
    for (; i < end; i++) total += g[i] * g[i];
    partials[get_global_id(0)] = total;
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
