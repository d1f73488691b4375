/* L1 penalty on activities: partial sums of |y|, and the gradient s sign(y) (0 at 0).
 * Macros: those of hg_emit_dx, HG_SPAN, HG_GROUP. Traffic: 4 bytes an element forward, 8 or 12 backward. */
__kernel void forward(__global const hg_x *restrict y, __global float *restrict partials, int n)
{
    HG_SUM_BEGIN
    hg_vec sum = 0.0f;
    HG_FOR(i, HG_VECTORS(n)) sum += fabs(hg_get_x(y, i, n));
    HG_SUM_END(hg_lanes(sum), partials);
}

__kernel void backward(__global const hg_x *y, int n, float s, __global float *dx, __global const hg_dx_x *dx_x)
{
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec v = hg_get_x(y, i, n), up = s, down = -s;
        hg_put_dx(v > 0.0f ? up : v < 0.0f ? down : v * s, dx, dx_x, i, n);
    }
}
