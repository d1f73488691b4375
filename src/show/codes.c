/* What is done with codes: ways between them, quantiles for grids, and how well they tell classes apart. */
#include <math.h>
#include <string.h>

#include "base/memory.h"

void hg_slerp(size_t n, const float *a, const float *b, double t, float *out)
{
    double aa = 0, bb = 0, ab = 0, from = 1 - t, to = t;
    for (size_t i = 0; i < n; i++) {
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
        ab += (double)a[i] * b[i];
    }
    double cosine = ab / sqrt(aa * bb), angle = acos(fmin(fmax(cosine, -1), 1)); /* NaN where a vector is zero */
    if (t != 0 && t != 1 && sin(angle) > 1e-6) {
        from = sin((1 - t) * angle) / sin(angle);
        to = sin(t * angle) / sin(angle);
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(from * a[i] + to * b[i]);
}

/* Begins with Abramowitz and Stegun's 26.2.23 (off by 4.5e-4 at most), then Halley's steps, each of which cubes the error. */
double hg_normal_quantile(double p)
{
    if (!(p > 0 && p < 1))
        return NAN;
    double tail = fmin(p, 1 - p), t = sqrt(-2 * log(tail));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int step = 0; step < 3; step++) { /* erfc(x / sqrt 2) / 2 = tail */
        double off = (erfc(x * M_SQRT1_2) / 2 - tail) * sqrt(2 * M_PI) * exp(x * x / 2);
        x += off / (1 + x * off / 2);
    }
    return p < 0.5 ? -x : x;
}

/* ---------------------------------------------------------------- nearest neighbours */

enum { K_LIMIT = 100 };

typedef struct neighbour { float distance; int label; } neighbour;

/* In as many sums as a processor's vector holds. */
float hg_squared_distance(size_t d, const float *a, const float *b)
{
    enum { LANES = 8 };
    float s[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= d; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            s[l] += (a[i + l] - b[i + l]) * (a[i + l] - b[i + l]);
    for (; i < d; i++)
        rest += (a[i] - b[i]) * (a[i] - b[i]);
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])) + rest;
}

/* The k nearest of point `at`, nearest first; of equally near ones those that come first. */
static void find_nearest(int64_t n, int d, const float *x, const int *labels, int64_t at, int k, neighbour *near)
{
    int found = 0;
    for (int64_t i = 0; i < n; i++) {
        if (labels[i] < 0 || i == at)
            continue;
        float far = hg_squared_distance((size_t)d, x + at * d, x + i * d);
        if (found == k && !(far < near[k - 1].distance))
            continue;
        int place = found < k ? found++ : k - 1;
        for (; place > 0 && far < near[place - 1].distance; place--)
            near[place] = near[place - 1];
        near[place] = (neighbour){far, labels[i]};
    }
}

static int vote(int k, const neighbour *near)
{
    int best = -1, most = 0;
    for (int i = 0; i < k; i++) {
        int votes = 0;
        for (int j = 0; j < k; j++)
            votes += near[j].label == near[i].label;
        if (votes > most) {
            most = votes;
            best = near[i].label;
        }
    }
    return best;
}

bool hg_knn_accuracy(hg_context *ctx, int64_t n, int d, const float *codes, const int *labels, int k, double *accuracy)
{
    neighbour near[K_LIMIT];
    int64_t labelled = 0, right = 0;
    for (int64_t i = 0; i < n; i++)
        labelled += labels[i] >= 0;
    if (d < 1 || k < 1 || k > K_LIMIT || labelled <= k)
        return hg_fail(ctx, HG_USAGE, "nearest neighbours: %d of %lld points with labels; expected 1 to %d, and more points than that", k,
                       (long long)labelled, K_LIMIT);
    for (int64_t i = 0; i < n; i++) {
        if (labels[i] < 0)
            continue;
        find_nearest(n, d, codes, labels, i, k, near);
        right += vote(k, near) == labels[i];
    }
    *accuracy = (double)right / (double)labelled;
    return true;
}
