/* Squared error of y against t: partial sums of (y - t)^2, and its gradient 2 s (y - t).
 * Macros: GRADIENT (is dx wanted), those of hg_emit_dx, HG_SPAN, HG_GROUP. Traffic: y and t in, dx out, 12 bytes an element. */
__kernel void loss(__global const float *restrict y, __global const float *restrict t, __global float *restrict partials, int n, float s
#if GRADIENT
                   , __global float *dx, __global const hg_dx_x *dx_x
#endif
)
{
    HG_SUM_BEGIN
    hg_vec sum = 0.0f;
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec d = hg_get(y, i, n) - hg_get(t, i, n);
        sum = HG_MAD(d, d, sum);
#if GRADIENT
        hg_put_dx(2.0f * s * d, dx, dx_x, i, n);
#endif
    }
    HG_SUM_END(hg_lanes(sum), partials);
}
