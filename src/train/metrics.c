#include <math.h>

#include "hourglass.h"

double hg_psnr(double mse) { return 10 * log10(1 / mse); }

double hg_squared_error(size_t n, const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sum;
}

double hg_cross_entropy(size_t n, const float *prediction, const float *target)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double p = fmin(fmax(prediction[i], 1e-7), 1 - 1e-7);
        sum -= target[i] * log(p) + (1 - target[i]) * log1p(-p);
    }
    return sum;
}

enum { WINDOW = 11 };

/* Moments of a window of two pictures under normalised weights. */
typedef struct moments { double a, b, aa, bb, ab; } moments;

static moments window_moments(const float *a, const float *b, int stride, int size, const double *weights)
{
    moments m = {0};
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            double w = weights[y] * weights[x], p = a[(long)y * stride + x], q = b[(long)y * stride + x];
            m.a += w * p;
            m.b += w * q;
            m.aa += w * p * p;
            m.bb += w * q * q;
            m.ab += w * p * q;
        }
    return m;
}

/* (2 ma mb + C1)(2 cov + C2) / ((ma^2 + mb^2 + C1)(va + vb + C2)), C = (K L)^2, L = 1; equation 13 of Wang, Bovik, Sheikh,
 * Simoncelli: "Image quality assessment: from error visibility to structural similarity", 2004. */
static double similarity(const moments *m)
{
    const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
    double va = m->aa - m->a * m->a, vb = m->bb - m->b * m->b, cov = m->ab - m->a * m->b;
    return (2 * m->a * m->b + c1) * (2 * cov + c2) / ((m->a * m->a + m->b * m->b + c1) * (va + vb + c2));
}

double hg_ssim(const float *a, const float *b, int channels, int height, int width)
{
    int shorter = height < width ? height : width, size = shorter >= WINDOW ? WINDOW : shorter % 2 ? shorter : shorter - 1;
    double weights[WINDOW], total = 0, sum = 0;
    for (int i = 0; i < size; i++)
        total += weights[i] = exp(-(i - size / 2) * (i - size / 2) / (2 * 1.5 * 1.5));
    for (int i = 0; i < size; i++)
        weights[i] /= total;
    int rows = height - size + 1, columns = width - size + 1; /* windows that lie wholly inside, as in the paper */
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++) {
                long at = ((long)c * height + y) * width + x;
                moments m = window_moments(a + at, b + at, width, size, weights);
                sum += similarity(&m);
            }
    return sum / ((double)channels * rows * columns);
}
