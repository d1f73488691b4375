/* Adversarial loss of a discriminator's logits l, with p = sigmoid(l): partial sums, and the gradient times s.
 * REAL 1: -ln(p + epsilon), gradient -p (1 - p) / (p + epsilon); REAL 0: the same of -l, with the sign turned. 1 - p is computed as
 * sigmoid(-l), so that it is exact where p is nearly 1.
 * Macros: REAL, GRADIENT, those of hg_emit_dx, HG_SPAN, HG_GROUP. Traffic: 8 bytes an element. */
#ifndef REAL
#define REAL 1
#endif

__kernel void loss(__global const float *restrict y, __global float *restrict partials, int n, float s, float epsilon
#if GRADIENT
                   , __global float *dx, __global const hg_dx_x *dx_x
#endif
)
{
    HG_SUM_BEGIN
    hg_vec sum = 0.0f;
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec l = (REAL ? 1.0f : -1.0f) * hg_get(y, i, n), one = 1.0f, e = exp(-fabs(l));
        const hg_vec p = (l < 0.0f ? e : one) / (1.0f + e), q = (l < 0.0f ? one : e) / (1.0f + e);
        sum += hg_inside(-log(p + epsilon), i, n);
#if GRADIENT
        hg_put_dx((REAL ? -s : s) * (p * q / (p + epsilon)), dx, dx_x, i, n);
#endif
    }
    HG_SUM_END(hg_lanes(sum), partials);
}
