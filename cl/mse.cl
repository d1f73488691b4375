/* Squared error of y against t: partial sums of (y - t)^2, and its gradient 2 s (y - t).
 * Macros: GRADIENT (is dx wanted), and those of HG_DX. Traffic: y and t in, dx out, 12 bytes an element. */
#ifndef GRADIENT
#define GRADIENT 1
#endif

__kernel void loss(__global const float *restrict y, __global const float *restrict t, __global float *restrict partials, int n, float s
#if GRADIENT
                   , __global float *restrict dx, __global const float *dx_x
#endif
)
{
    float sum = 0.0f;
    HG_FOR(i, n) {
        float d = y[i] - t[i];
        sum += d * d;
#if GRADIENT
        HG_DX(dx, dx_x, i, 2.0f * s * d);
#endif
    }
    partials[get_global_id(0)] = sum;
}
