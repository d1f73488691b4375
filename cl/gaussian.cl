/* The Gaussian latent: z = mean + sigma e with e ~ N(0, 1) drawn again wherever it is needed (never stored), and the divergence
 * KL(N(mean, sigma^2) || N(0, 1)) (Kingma, Welling: "Auto-encoding variational Bayes", 2014).
 * FORM 0 (logvar): sigma = exp(s / 2), KL = -1/2 (1 + s - mean^2 - exp(s))
 * FORM 1 (logsigma_kl_logvar): sigma = exp(s), the same KL
 * FORM 2 (sigma): sigma = s, KL = 1/2 (mean^2 + s^2 - ln(s^2 + 1e-8) - 1)
 * Macros: FORM, NOISE (0: epsilon_std is 0, nothing is drawn), STREAM (the node's random stream), DX_ACT .. as everywhere.
 * Traffic: 12 bytes an element forward, 20 backward; tiny. */
#ifndef FORM
#define FORM 0
#endif
#ifndef NOISE
#define NOISE 1
#endif
#ifndef STREAM
#define STREAM 0x100
#endif

#if FORM == 0
#define SIGMA(s) exp(0.5f * (s))
#define SIGMA_GRAD(s) (0.5f * exp(0.5f * (s)))
#elif FORM == 1
#define SIGMA(s) exp(s)
#define SIGMA_GRAD(s) exp(s)
#else
#define SIGMA(s) (s)
#define SIGMA_GRAD(s) 1.0f
#endif

#if FORM == 2
#define KL(m, s) (0.5f * ((m) * (m) + (s) * (s) - log((s) * (s) + 1e-8f) - 1.0f))
#define KL_GRAD(s) ((s) - (s) / ((s) * (s) + 1e-8f))
#else
#define KL(m, s) (0.5f * ((m) * (m) + exp(s) - 1.0f - (s)))
#define KL_GRAD(s) (0.5f * (exp(s) - 1.0f))
#endif

/* The normal of element i: words are drawn four at a time, two normals of each pair. */
inline float noise(__global const hg_step *step, int i)
{
#if NOISE
    uint4 u = hg_random(step, STREAM, (uint)i / 4);
    float2 pair = i & 2 ? hg_normal(u.z, u.w) : hg_normal(u.x, u.y);
    return i & 1 ? pair.y : pair.x;
#else
    return 0.0f;
#endif
}

__kernel void forward(__global const float *restrict mean, __global const float *restrict s, __global float *restrict z,
                      __global float *restrict partials, __global const hg_step *restrict step, int n, float epsilon_std)
{
    float sum = 0.0f;
    HG_FOR(i, n) {
        const float m = mean[i], v = s[i];
        z[i] = m + SIGMA(v) * (epsilon_std * noise(step, i));
        sum += KL(m, v);
    }
    partials[get_global_id(0)] = sum;
}

/* scale is beta / B */
__kernel void backward_mean(__global const float *restrict dz, __global const float *mean, int n, float scale,
                            __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) HG_DX(dx, dx_x, i, dz[i] + scale * mean[i]);
}

__kernel void backward_s(__global const float *restrict dz, __global const float *s, __global const hg_step *restrict step, int n,
                         float scale, float epsilon_std, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) {
        const float v = s[i];
        HG_DX(dx, dx_x, i, dz[i] * SIGMA_GRAD(v) * (epsilon_std * noise(step, i)) + scale * KL_GRAD(v));
    }
}
