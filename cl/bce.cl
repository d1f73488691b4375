/* Binary cross-entropy of y against t in [0, 1]: partial sums, and the gradient times s.
 * LOGITS 1: y are logits l, loss max(l, 0) - l t + log(1 + exp(-|l|)), gradient sigmoid(l) - t.
 * LOGITS 0: y are probabilities p, loss -(t log p + (1 - t) log(1 - p)) with each logarithm floored at -100 and gradient
 * (p - t) / max(p (1 - p), 1e-12), as PyTorch's BCELoss. NaN stays NaN.
 * Macros: LOGITS, GRADIENT, those of hg_emit_dx, HG_SPAN, HG_GROUP. Traffic: 12 bytes an element. */
#ifndef LOGITS
#define LOGITS 1
#endif

__kernel void loss(__global const float *restrict y, __global const float *restrict t, __global float *restrict partials, int n, float s
#if GRADIENT
                   , __global float *dx, __global const hg_dx_x *dx_x
#endif
)
{
    HG_SUM_BEGIN
    hg_vec sum = 0.0f;
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec v = hg_get(y, i, n), target = hg_get(t, i, n), one = 1.0f;
#if LOGITS
        const hg_vec e = exp(-fabs(v)), positive = v < 0.0f ? v * 0.0f : v, d = (v < 0.0f ? e : one) / (1.0f + e) - target;
        const hg_vec value = positive - v * target + hg_log1p_unit(e);
#else
        const hg_vec floor_log = -100.0f, floor_slope = 1e-12f, a = log(v), b = log1p(-v), q = v * (1.0f - v);
        const hg_vec d = (v - target) / (q < floor_slope ? floor_slope : q);
        const hg_vec value = -(target * (a < floor_log ? floor_log : a) + (1.0f - target) * (b < floor_log ? floor_log : b));
#endif
        sum += hg_inside(value, i, n);
#if GRADIENT
        hg_put_dx(s * d, dx, dx_x, i, n);
#endif
    }
    HG_SUM_END(hg_lanes(sum), partials);
}
