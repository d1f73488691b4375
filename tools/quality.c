#include "quality.h"

#include "figures.h"

void quality_add(quality *q, unsigned what, const int shape[3], int64_t n, const float *target, const float *y)
{
    const size_t each = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2], all = each * (size_t)n;
    q->n += n;
    q->values += (int64_t)all;
    q->squared += hg_squared_error(all, target, y);
    if (what & QUALITY_CROSS_ENTROPY) q->cross += hg_cross_entropy(all, y, target);
    for (int64_t i = 0; what & QUALITY_SSIM && i < n; i++)
        q->ssim += hg_ssim(target + (size_t)i * each, y + (size_t)i * each, shape[0], shape[1], shape[2]);
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
