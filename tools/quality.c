#include "quality.h"

#include "figures.h"

void quality_add(quality *q, unsigned what, const int shape[3], int64_t n, const float *target, const float *y)
{
    const size_t each = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    for (int64_t i = 0; i < n; i++, target += each, y += each) {
        const quality one = {1, (int64_t)each, hg_squared_error(each, target, y),
                             what & QUALITY_CROSS_ENTROPY ? hg_cross_entropy(each, y, target) : 0,
                             what & QUALITY_SSIM ? hg_ssim(target, y, shape[0], shape[1], shape[2]) : 0};
        quality_merge(q, &one);
    }
}

void quality_merge(quality *q, const quality *more)
{
    q->n += more->n;
    q->values += more->values;
    q->squared += more->squared;
    q->cross += more->cross;
    q->ssim += more->ssim;
}

double quality_mse(const quality *q) { return q->squared / (double)q->values; }
double quality_cross_entropy(const quality *q) { return q->cross / (double)q->values; }
double quality_ssim(const quality *q) { return q->ssim / (double)q->n; }

bool quality_put(const quality *q, unsigned what, json_t *object)
{
    const double mse = quality_mse(q);
    return json_object_set_new(object, "mse", figure(mse)) == 0 && json_object_set_new(object, "psnr", figure(hg_psnr(mse))) == 0 &&
           (!(what & QUALITY_CROSS_ENTROPY) || json_object_set_new(object, "bce", figure(quality_cross_entropy(q))) == 0) &&
           (!(what & QUALITY_SSIM) || json_object_set_new(object, "ssim", figure(quality_ssim(q))) == 0);
}
