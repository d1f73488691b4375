#include "train/convert.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

void hg_convert_channels(const uint8_t *from, int from_channels, uint8_t *to, int to_channels, size_t pixels)
{
    if (from_channels == to_channels) {
        memcpy(to, from, pixels * (size_t)to_channels);
        return;
    }
    for (size_t i = 0; i < pixels; i++) {
        if (to_channels == 1)
            to[i] = (uint8_t)((299u * from[3 * i] + 587u * from[3 * i + 1] + 114u * from[3 * i + 2] + 500u) / 1000u);
        else
            to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
    }
}

/* Which source samples make sample `i` of `to` out of `from`: the first, how many, and the weight of sample k. */
typedef struct span { int first, count; double begin, end; bool average; } span;

static span span_of(int from, int to, int i)
{
    double scale = (double)from / to;
    if (to < from) {
        double begin = i * scale, end = fmin((i + 1) * scale, from);
        int first = (int)begin, last = (int)ceil(end) - 1;
        return (span){first, last - first + 1, begin, end, true};
    }
    double centre = fmin(fmax((i + 0.5) * scale - 0.5, 0), from - 1);
    int first = (int)centre;
    return (span){first, first + 1 < from ? 2 : 1, centre, 0, false};
}

static float span_weight(const span *s, int k)
{
    double at = s->first + k;
    if (s->average)
        return (float)((fmin(at + 1, s->end) - fmax(at, s->begin)) / (s->end - s->begin));
    return (float)(s->count == 1 ? 1 : 1 - fabs(at - s->begin));
}

bool hg_convert_size(hg_context *ctx, const uint8_t *from, int h, int w, int c, uint8_t *to, int to_h, int to_w)
{
    size_t row = hg_mul((size_t)w, (size_t)c);
    float *mixed = hg_alloc(ctx, row, sizeof *mixed); /* one output row at the source's width, [w, c] */
    if (!mixed)
        return false;
    for (int y = 0; y < to_h; y++) {
        span down = span_of(h, to_h, y);
        memset(mixed, 0, row * sizeof *mixed);
        for (int k = 0; k < down.count; k++) {
            const uint8_t *line = from + (size_t)(down.first + k) * row;
            float weight = span_weight(&down, k);
            for (size_t i = 0; i < row; i++)
                mixed[i] += weight * line[i];
        }
        for (int x = 0; x < to_w; x++) {
            span across = span_of(w, to_w, x);
            for (int channel = 0; channel < c; channel++) {
                float sum = 0;
                for (int k = 0; k < across.count; k++)
                    sum += span_weight(&across, k) * mixed[(across.first + k) * c + channel];
                to[((size_t)y * (size_t)to_w + (size_t)x) * (size_t)c + (size_t)channel] = (uint8_t)fminf(sum + 0.5f, 255);
            }
        }
    }
    hg_free(mixed);
    return true;
}

static void enlarge_bilinear(int h, int w, const float *from, int to_h, int to_w, float *to)
{
    for (int y = 0; y < to_h; y++) {
        span down = span_of(h, to_h, y);
        for (int x = 0; x < to_w; x++) {
            span across = span_of(w, to_w, x);
            float sum = 0;
            for (int j = 0; j < down.count; j++)
                for (int i = 0; i < across.count; i++) {
                    size_t at = (size_t)(down.first + j) * (size_t)w + (size_t)(across.first + i);
                    sum += span_weight(&down, j) * span_weight(&across, i) * from[at];
                }
            to[(size_t)y * (size_t)to_w + (size_t)x] = sum;
        }
    }
}

void hg_enlarge(hg_enlargement how, int channels, int height, int width, const float *from, int to_height, int to_width, float *to)
{
    const size_t h = (size_t)height, w = (size_t)width, to_h = (size_t)to_height, to_w = (size_t)to_width;
    for (int c = 0; c < channels; c++, from += h * w, to += to_h * to_w) {
        if (how == HG_BILINEAR)
            enlarge_bilinear(height, width, from, to_height, to_width, to);
        for (size_t y = 0; how == HG_NEAREST && y < to_h; y++)
            for (size_t x = 0; x < to_w; x++)
                to[y * to_w + x] = from[y * h / to_h * w + x * w / to_w];
    }
}
