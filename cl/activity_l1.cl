/* L1 penalty on activities: partial sums of |y|, and the gradient s sign(y) (0 at 0).
 * Macros: GRADIENT, those of HG_DX. Traffic: 4 bytes an element forward, 8 or 12 backward. */
__kernel void forward(__global const float *restrict y, __global float *restrict partials, int n)
{
    float sum = 0.0f;
    HG_FOR(i, n) sum += fabs(y[i]);
    partials[get_global_id(0)] = sum;
}

__kernel void backward(__global const float *restrict y, int n, float s, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) {
        float v = y[i];
        HG_DX(dx, dx_x, i, v > 0.0f ? s : v < 0.0f ? -s : v * s);
    }
}
