#include "model/ranges.h"

enum { WIDEST = 16, SPAN = 4096, MOST_SPANS = 64, GROUP = 64, MOST_ITEMS = 1 << 20 };

static bool has_wide_vectors(const hg_plan *plan)
{
    return hg_has_wide_vectors(hg_plan_limits(plan));
}

static size_t at_least_one(size_t n, size_t most)
{
    return n < 1 ? 1 : n > most ? most : n;
}

static size_t power_of_two(size_t n, size_t most)
{
    size_t power = 1;
    while (power < n && power < most) power *= 2;
    return power;
}

/* The largest power of two that the device allows, up to GROUP. */
static size_t group_size(const hg_plan *plan)
{
    size_t size = GROUP;
    while (size > hg_plan_limits(plan)->max_work_group) size /= 2;
    return size < 1 ? 1 : size;
}

static int vector_width(const hg_plan *plan, int channels)
{
    int width = 1;
    while (has_wide_vectors(plan) && width < WIDEST && channels % (width * 2) == 0) width *= 2;
    return width;
}

static void emit_grid(hg_plan *plan, hg_launch *launch, size_t rows, int columns, int channels, int width)
{
    hg_emit_define(plan, launch, "HG_VEC", width);
    if (has_wide_vectors(plan)) {
        const size_t numbers = hg_mul(hg_mul(rows, (size_t)columns), (size_t)channels), spans = at_least_one(numbers / SPAN, MOST_SPANS);
        hg_emit_define(plan, launch, "HG_SPAN", 1);
        const size_t each = (rows + spans - 1) / spans; /* no item is left without rows, for a driver may give its threads equal numbers of items */
        hg_emit_range(plan, launch, 1, 1, (rows + each - 1) / each, 1, 1, 1);
        return;
    }
    const size_t group = group_size(plan), lx = power_of_two((size_t)channels, group), ly = power_of_two((size_t)columns, group / lx);
    const size_t gx = at_least_one((size_t)channels, MOST_ITEMS), gy = at_least_one((size_t)columns, MOST_ITEMS / gx);
    hg_emit_range(plan, launch, gx, gy, at_least_one(rows, at_least_one(MOST_ITEMS / gx / gy, MOST_ITEMS)), lx, ly, group / lx / ly);
}

void hg_emit_pixels(hg_plan *plan, hg_launch *launch, size_t rows, int columns, int channels)
{
    emit_grid(plan, launch, rows, columns, channels, vector_width(plan, channels));
}

void hg_emit_matrix(hg_plan *plan, hg_launch *launch, size_t rows, int columns)
{
    emit_grid(plan, launch, rows, 1, columns, 1);
}

/* Off the CPU the sums of so many groups are added by one work-item, so there are not too many. */
size_t hg_sums_count(const hg_plan *plan, size_t n)
{
    if (has_wide_vectors(plan)) return at_least_one(n / SPAN, MOST_SPANS);
    return at_least_one(n / (group_size(plan) * 4), 256);
}

void hg_emit_sums(hg_plan *plan, hg_launch *launch, size_t n)
{
    const size_t count = hg_sums_count(plan, n), group = has_wide_vectors(plan) ? 1 : group_size(plan);
    if (has_wide_vectors(plan)) hg_emit_define(plan, launch, "HG_SPAN", 1);
    hg_emit_define(plan, launch, "HG_GROUP", (int64_t)group);
    hg_emit_range(plan, launch, hg_mul(count, group), 1, 1, group, 1, 1);
}

hg_split hg_split_rows(const hg_plan *plan, size_t rows, int channels)
{
    size_t count = has_wide_vectors(plan) ? at_least_one(hg_mul(rows, (size_t)channels) / SPAN, MOST_SPANS)
                                          : at_least_one(rows / 16, at_least_one(32768 / (size_t)channels, 128));
    if (count > rows) count = rows;
    const size_t each = (rows + count - 1) / count;
    return (hg_split){(int)each, (int)((rows + each - 1) / each)};
}

void hg_emit_split(hg_plan *plan, hg_launch *launch, hg_split split, int channels)
{
    const bool wide = has_wide_vectors(plan);
    const size_t lx = wide ? 1 : power_of_two((size_t)channels, group_size(plan));
    hg_emit_define(plan, launch, "HG_VEC", vector_width(plan, channels));
    hg_emit_range(plan, launch, wide ? 1 : (size_t)channels, 1, (size_t)split.count, lx, 1, 1);
}

void hg_emit_channels(hg_plan *plan, hg_launch *launch, int channels)
{
    const int width = vector_width(plan, channels);
    hg_emit_define(plan, launch, "HG_VEC", width);
    hg_emit_range(plan, launch, (size_t)(channels / width), 1, 1, has_wide_vectors(plan) ? 1 : group_size(plan), 1, 1);
}
