/* Binary cross-entropy of y against t in [0, 1]: partial sums, and the gradient times s.
 * LOGITS 1: y are logits l, loss max(l, 0) - l t + log(1 + exp(-|l|)), gradient sigmoid(l) - t.
 * LOGITS 0: y are probabilities p, loss -(t log p + (1 - t) log(1 - p)) with each logarithm floored at -100 and gradient
 * (p - t) / max(p (1 - p), 1e-12), as PyTorch's BCELoss. NaN stays NaN.
 * Macros: LOGITS, GRADIENT, those of HG_DX. Traffic: 12 bytes an element. */
#ifndef LOGITS
#define LOGITS 1
#endif
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
        const float v = y[i], target = t[i];
#if LOGITS
        const float e = exp(-fabs(v)), positive = v < 0.0f ? v * 0.0f : v, p = (v < 0.0f ? e : 1.0f) / (1.0f + e), d = p - target;
        sum += positive - v * target + log1p(e);
#else
        const float a = log(v), b = log1p(-v), q = v * (1.0f - v), d = (v - target) / (q < 1e-12f ? 1e-12f : q);
        sum -= target * (a < -100.0f ? -100.0f : a) + (1.0f - target) * (b < -100.0f ? -100.0f : b);
#endif
#if GRADIENT
        HG_DX(dx, dx_x, i, s * d);
#endif
    }
    partials[get_global_id(0)] = sum;
}
