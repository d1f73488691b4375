/* How a digit comes about: a way of writing it is chosen (glyphs.h), its two extreme shapes are blended, the points are
 * jittered and bent, the curve through them (Catmull-Rom) is cut into short segments, these are slanted, turned, scaled to the
 * box and drawn with a round pen, each pixel by its distance to the nearest segment.
 *
 * Units: points are in 1/64 of a percent of the glyph's height until they are scaled, then in 1/256 pixel ("fine"). Shifts
 * of negative numbers are arithmetic, as every compiler in use has them. */
#include "train/formats/digits.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "train/glyphs.h"

enum { UNIT = 64, FINE = 256, STEPS = 8, SEGMENT_LIMIT = HG_GLYPH_POINTS * STEPS };

typedef struct point { int32_t x, y; } point;
/* A stretch of pen with its own radius. */
typedef struct segment { point a, b; int32_t radius; } segment;
typedef struct strokes { segment s[SEGMENT_LIMIT]; int n; } strokes;

/* Bell-shaped in -reach .. reach: the mean of three uniform numbers, standard deviation reach / 3. */
static int32_t bell(hg_rng *rng, int32_t reach)
{
    int64_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += hg_rng_u32(rng) >> 8;
    return (int32_t)((sum - 3 * (1 << 23)) * reach / (3 * (1 << 23)));
}

static int32_t between(hg_rng *rng, int32_t least, int32_t most)
{
    return least + (int32_t)hg_rng_below(rng, (uint64_t)(most - least + 1));
}

/* Every ten digits hold each class once, in an order of their own. */
static int label_of(uint64_t seed, int64_t index)
{
    uint32_t order[10];
    uint64_t ten = (uint64_t)index / 10;
    hg_rng rng = hg_rng_make(seed, HG_STREAM_DIGITS, (uint32_t)ten);
    rng.next = 1ull << 63 | ten >> 32 << 16; /* apart from the numbers that shape the digits */
    hg_rng_shuffle(&rng, order, 10);
    return (int)order[index % 10];
}

static const hg_glyph *choose_glyph(hg_rng *rng, int label)
{
    int total = 0;
    for (int i = 0; i < hg_glyph_count; i++)
        total += hg_glyphs[i].digit == label ? hg_glyphs[i].weight : 0;
    int at = (int)hg_rng_below(rng, (uint64_t)total);
    for (int i = 0; i < hg_glyph_count; i++)
        if (hg_glyphs[i].digit == label && (at -= hg_glyphs[i].weight) < 0)
            return &hg_glyphs[i];
    return &hg_glyphs[0];
}

/* Blends the two shapes, jitters each point, and bends the plane by a random quadratic, which keeps strokes joined that were. */
static void shape(hg_rng *rng, const hg_glyph *glyph, point *p)
{
    int32_t blend = between(rng, 0, 1024), bend[6];
    for (int i = 0; i < 6; i++)
        bend[i] = bell(rng, 17 * UNIT);
    for (int i = 0; i < glyph->n; i++) {
        const hg_glyph_point *a = &glyph->from[i], *b = &glyph->to[i];
        int32_t x = (a->x * (1024 - blend) + b->x * blend) / (1024 / UNIT) - 50 * UNIT + bell(rng, 7 * UNIT);
        int32_t y = (a->y * (1024 - blend) + b->y * blend) / (1024 / UNIT) - 50 * UNIT + bell(rng, 7 * UNIT);
        int32_t xx = x * x / (50 * UNIT), xy = x * y / (50 * UNIT), yy = y * y / (50 * UNIT); /* up to 50 units again */
        p[i].x = x + (bend[0] * xx + bend[1] * xy + bend[2] * yy) / (50 * UNIT);
        p[i].y = y + (bend[3] * xx + bend[4] * xy + bend[5] * yy) / (50 * UNIT);
    }
}

/* Slant, width and a small turn; all in 1/1024. */
static void lean(hg_rng *rng, point *p, int n)
{
    int32_t width = 940 + bell(rng, 360), slant = 170 + bell(rng, 480), turn = bell(rng, 240);
    for (int i = 0; i < n; i++) {
        int32_t x = (p[i].x * width - p[i].y * slant) / 1024, y = p[i].y;
        p[i].x = x - y * turn / 1024;
        p[i].y = y + x * turn / 1024;
    }
}

/* Catmull-Rom through b and c at t = i / STEPS; a and d are their neighbours. */
static int32_t spline(int32_t a, int32_t b, int32_t c, int32_t d, int32_t i)
{
    int32_t cube = 3 * (b - c) + d - a, square = 2 * a - 5 * b + 4 * c - d, line = c - a;
    return (2 * b * 512 + line * 64 * i + square * 8 * i * i + cube * i * i * i) / 1024;
}

/* A tangent does not look past the end of a stroke or a corner: there the point itself stands for its neighbour. */
static void flatten(const hg_glyph *glyph, const point *p, strokes *out)
{
    out->n = 0;
    for (int i = 1; i < glyph->n; i++) {
        const hg_glyph_point *at = &glyph->from[i];
        if (at->kind == HG_GLYPH_MOVE)
            continue;
        point b = p[i - 1], c = p[i], last = b;
        point a = at[-1].kind != HG_GLYPH_SMOOTH ? b : p[i - 2];
        point d = i + 1 == glyph->n || at->kind == HG_GLYPH_CORNER || at[1].kind == HG_GLYPH_MOVE ? c : p[i + 1];
        for (int k = 1; k <= STEPS; k++) {
            point next = {spline(a.x, b.x, c.x, d.x, k), spline(a.y, b.y, c.y, d.y, k)};
            out->s[out->n++] = (segment){last, next, 0};
            last = next;
        }
    }
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

/* A shift of strokes that reach from 0 to `extent`, changed where the pen would leave the picture. */
static int32_t inside(int32_t shift, int64_t extent, int64_t pen, int size)
{
    int32_t margin = (int32_t)(pen * 5 / 4 + FINE), last = (int32_t)(size * FINE - extent) - margin;
    return shift < margin ? margin : shift > last ? last : shift;
}

/* Scales the strokes to the box, puts their centre of gravity near the picture's middle, and gives them the pen's width,
 * which changes a little on the way. */
static void place(hg_rng *rng, strokes *s, int height, int width)
{
    point low = {INT32_MAX, INT32_MAX}, high = {INT32_MIN, INT32_MIN};
    int64_t side = least(height, width) * FINE, sum_x = 0, sum_y = 0, sum = 0;
    for (int i = 0; i < s->n; i++) {
        const segment *g = &s->s[i];
        low = (point){least(low.x, least(g->a.x, g->b.x)), least(low.y, least(g->a.y, g->b.y))};
        high = (point){most(high.x, most(g->a.x, g->b.x)), most(high.y, most(g->a.y, g->b.y))};
    }
    int64_t pen = side * (450 + bell(rng, 210)) / 10000;            /* radius: of 28 pixels 0.67 to 1.85 */
    pen = pen < FINE * 2 / 5 ? FINE * 2 / 5 : pen;                  /* still to be seen in tiny pictures */
    int64_t box = side * (692 + bell(rng, 70)) / 1000 - 2 * pen;    /* of 28 pixels 17.4 to 21.3, pen included */
    int64_t extent = most(most(high.x - low.x, high.y - low.y), UNIT);
    int32_t taper = bell(rng, 24), dip = bell(rng, 16);             /* percent of the radius */
    for (int i = 0; i < s->n; i++) {
        segment *g = &s->s[i];
        g->a = (point){(int32_t)((g->a.x - low.x) * box / extent), (int32_t)((g->a.y - low.y) * box / extent)};
        g->b = (point){(int32_t)((g->b.x - low.x) * box / extent), (int32_t)((g->b.y - low.y) * box / extent)};
        int64_t dx = g->b.x - g->a.x, dy = g->b.y - g->a.y, weight = (int64_t)sqrt((double)(dx * dx + dy * dy));
        int32_t way = 200 * i / s->n - 100; /* -100 .. 100 along the pen's way */
        g->radius = (int32_t)(pen * (10000 + taper * way + dip * (way * way / 100 - 33)) / 10000);
        sum_x += weight * (g->a.x + g->b.x) / 2;
        sum_y += weight * (g->a.y + g->b.y) / 2;
        sum += weight;
    }
    sum = sum ? sum : 1;
    const int32_t move_x = (int32_t)(width * FINE / 2 - sum_x / sum + side * bell(rng, 40) / 1000);
    const int32_t shift_x = inside(move_x, (high.x - low.x) * box / extent, pen, width);
    const int32_t move_y = (int32_t)(height * FINE / 2 - sum_y / sum + side * bell(rng, 40) / 1000);
    const int32_t shift_y = inside(move_y, (high.y - low.y) * box / extent, pen, height);
    for (int i = 0; i < s->n; i++) {
        segment *g = &s->s[i];
        g->a = (point){g->a.x + shift_x, g->a.y + shift_y};
        g->b = (point){g->b.x + shift_x, g->b.y + shift_y};
    }
}

/* The first pixel whose centre may lie above `fine`, and the last below, within the picture. */
static int first_pixel(int32_t fine) { return most((fine - FINE / 2) >> 8, 0); }
static int last_pixel(int32_t fine, int size) { return least((fine + FINE / 2) >> 8, size - 1); }

/* A pixel's value falls from 255 to 0 over one pixel about the pen's edge; where segments overlap, the larger counts.
 * The square root is the one number that is not an integer: IEEE 754 rounds it correctly everywhere. */
static void ink(const segment *g, int height, int width, uint8_t *pixels)
{
    int64_t dx = g->b.x - g->a.x, dy = g->b.y - g->a.y, length2 = dx * dx + dy * dy;
    int64_t inverse = length2 ? ((int64_t)1 << 40) / length2 : 0;
    int64_t outer = g->radius + FINE / 2, inner = most(g->radius - FINE / 2, 0), outer2 = outer * outer, inner2 = inner * inner;
    int x0 = first_pixel(least(g->a.x, g->b.x) - (int32_t)outer), x1 = last_pixel(most(g->a.x, g->b.x) + (int32_t)outer, width);
    int y0 = first_pixel(least(g->a.y, g->b.y) - (int32_t)outer), y1 = last_pixel(most(g->a.y, g->b.y) + (int32_t)outer, height);
    for (int y = y0; y <= y1; y++) {
        uint8_t *row = pixels + (size_t)y * (size_t)width;
        int64_t py = y * FINE + FINE / 2 - g->a.y;
        for (int x = x0; x <= x1; x++) {
            int64_t px = x * FINE + FINE / 2 - g->a.x;
            int64_t t = (px * dx + py * dy) * inverse >> 24; /* in 1/65536 of the segment */
            t = t < 0 ? 0 : t > 65536 ? 65536 : t;
            int64_t qx = px - (dx * t >> 16), qy = py - (dy * t >> 16), distance2 = qx * qx + qy * qy;
            if (distance2 >= outer2)
                continue;
            int value = distance2 <= inner2 ? 255 : (int)(outer - (int64_t)sqrt((double)distance2));
            if (value > row[x])
                row[x] = (uint8_t)least(value, 255);
        }
    }
}

void hg_digits_draw(uint64_t seed, int64_t index, int height, int width, uint8_t *pixels, int *label)
{
    point points[HG_GLYPH_POINTS];
    strokes s;
    hg_rng rng = hg_rng_make(seed, HG_STREAM_DIGITS, (uint32_t)index);
    rng.next = (uint64_t)index >> 32 << 16;
    *label = label_of(seed, index);
    const hg_glyph *glyph = choose_glyph(&rng, *label);
    shape(&rng, glyph, points);
    lean(&rng, points, glyph->n);
    flatten(glyph, points, &s);
    place(&rng, &s, height, width);
    memset(pixels, 0, (size_t)height * (size_t)width);
    for (int i = 0; i < s.n; i++)
        ink(&s.s[i], height, width, pixels);
}

/* ---------------------------------------------------------------- the format */

static bool detect(const char *path) { return !path; }

/* What all digits may take in memory; where they would take more they are drawn when they are asked for, by the thread that gathers
 * the next batches: a digit of 256 x 256 takes 0.7 ms. */
static const int64_t KEPT_LIMIT = (int64_t)128 << 20;

static void draw(const hg_dataset *data, hg_part part, int64_t index, uint8_t *to)
{
    int label;
    hg_digits_draw(data->params.seed, index + (part == HG_TEST ? HG_DIGITS_TEST : 0), data->height, data->width, to, &label);
}

/* The labels of digits that are drawn later. */
static bool label_part(hg_dataset *data, hg_part part, int64_t count, int64_t first)
{
    if (!hg_dataset_draw_later(data, part, count))
        return false;
    for (int64_t i = 0; i < count; i++)
        data->parts[part].labels[i] = label_of(data->params.seed, first + i);
    return true;
}

/* Digits are independent of each other, so a few threads draw them, a piece at a time. */
enum { THREADS = 8, PIECE = 128 };

typedef struct drawing {
    const hg_dataset *data;
    hg_part part;
    int64_t count, first;
    atomic_llong next; /* digit */
} drawing;

static void *draw_pieces(void *arg)
{
    drawing *d = arg;
    const hg_dataset *data = d->data;
    const hg_examples *examples = &data->parts[d->part];
    for (int64_t begin; (begin = atomic_fetch_add(&d->next, PIECE)) < d->count;)
        for (int64_t i = begin; i < begin + PIECE && i < d->count; i++) {
            uint8_t *to = examples->pixels + (size_t)i * (size_t)data->height * (size_t)data->width;
            hg_digits_draw(data->params.seed, d->first + i, data->height, data->width, to, &examples->labels[i]);
        }
    return NULL;
}

static bool draw_part(hg_dataset *data, hg_part part, int64_t count, int64_t first)
{
    pthread_t threads[THREADS];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int64_t pieces = (count + PIECE - 1) / PIECE;
    int started = 0;
    drawing d = {.data = data, .part = part, .count = count, .first = first};
    if (!hg_dataset_reserve(data, part, count, true)) return false;
    const int64_t helpers = (cores < pieces ? cores : pieces) - 1; /* beside this thread */
    while (started < THREADS && started < helpers && pthread_create(&threads[started], NULL, draw_pieces, &d) == 0) started++;
    draw_pieces(&d);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    return true;
}

/* Drawn at the size that is wanted: the model's, else the one to resize to, else 28 x 28. */
static bool open(hg_dataset *data)
{
    const hg_dataset_params *p = &data->params;
    int height = p->height ? p->height : p->resize_height ? p->resize_height : 28;
    int width = p->width ? p->width : p->resize_width ? p->resize_width : 28;
    if (height < HG_DIGITS_SIDE_MIN || width < HG_DIGITS_SIDE_MIN || height > HG_DIGITS_SIDE_MAX || width > HG_DIGITS_SIDE_MAX)
        return hg_fail(data->ctx, HG_BAD_INPUT,
                       "built-in digits of %d x %d: they are drawn with sides of %d to %d; change the model's input or give a folder "
                       "with --data", height, width, HG_DIGITS_SIDE_MIN, HG_DIGITS_SIDE_MAX);
    if (!hg_dataset_set_shape(data, 1, height, width, "built-in digits") || !hg_dataset_set_classes(data, 10, NULL))
        return false;
    const int64_t train = hg_dataset_limit(data, p->builtin_train ? p->builtin_train : 10000);
    const int64_t test = p->builtin_test ? p->builtin_test : 2000;
    const bool keep = train + test <= KEPT_LIMIT / ((int64_t)data->height * data->width);
    bool (*part)(hg_dataset *, hg_part, int64_t, int64_t) = keep ? draw_part : label_part;
    return part(data, HG_TRAIN, train, 0) && part(data, HG_TEST, test, HG_DIGITS_TEST);
}

const hg_format hg_format_digits = {
    .name = "digits",
    .help = "built-in handwritten digits, drawn from strokes; used when no data is given",
    .detect = detect,
    .open = open,
    .draw = draw,
};
