#include "rows.h"

#include <inttypes.h>
#include <string.h>
#include "base/file.h"

enum { MOST_COLUMNS = 10, LEAST_CELL = 64, WIDEST = 8192 };
static const float paper = 200 / 255.0f; /* the canvas between the cells */

static picture picture_of(const band *b, int64_t i)
{
    if (!b->x) return b->each[i];
    const size_t each = (size_t)b->shape[0] * (size_t)b->shape[1] * (size_t)b->shape[2];
    return (picture){{b->shape[0], b->shape[1], b->shape[2]}, (float *)b->x + (size_t)i * each, NULL};
}

static int max(int a, int b) { return a > b ? a : b; }

/* A cell of all bands: channels, height, width, and the side that pictures are enlarged to at most. */
typedef struct cell_size { int channels, height, width, side; } cell_size;

static int factor_of(const picture *p, int side) { return max(1, side / max(p->shape[1], p->shape[2])); }

static cell_size find_cell(const band *bands, int n_bands, int64_t n)
{
    int largest = 1;
    cell_size cell = {1, 1, 1, 0};
    for (int b = 0; b < n_bands; b++)
        for (int64_t i = 0; i < n; i++) {
            picture p = picture_of(&bands[b], i);
            largest = max(largest, max(p.shape[1], p.shape[2]));
            cell.channels = max(cell.channels, p.shape[0]);
        }
    cell.side = largest * ((LEAST_CELL + largest - 1) / largest);
    for (int b = 0; b < n_bands; b++)
        for (int64_t i = 0; i < n; i++) {
            picture p = picture_of(&bands[b], i);
            cell.height = max(cell.height, p.shape[1] * factor_of(&p, cell.side));
            cell.width = max(cell.width, p.shape[2] * factor_of(&p, cell.side));
        }
    return cell;
}

/* The picture in the middle of a cell [C, H, W]; grey is replicated where the cell has colour. */
static void fill(const cell_size *cell, const picture *p, float *to)
{
    const int factor = factor_of(p, cell->side), h = p->shape[1] * factor, w = p->shape[2] * factor;
    const int top = (cell->height - h) / 2, left = (cell->width - w) / 2;
    for (int c = 0; c < cell->channels; c++)
        for (int y = 0; y < cell->height; y++)
            for (int x = 0; x < cell->width; x++, to++) {
                const bool inside = y >= top && y < top + h && x >= left && x < left + w;
                const size_t row = (size_t)(c % p->shape[0]) * (size_t)p->shape[1] + (size_t)((y - top) / factor);
                *to = inside ? p->x[row * (size_t)p->shape[2] + (size_t)((x - left) / factor)] : paper;
            }
}

bool rows_draw(cli *c, const char *path, const band *bands, int n_bands, int64_t n)
{
    const cell_size cell = find_cell(bands, n_bands, n);
    const int fit = max(1, WIDEST / cell.width), most = fit < MOST_COLUMNS ? fit : MOST_COLUMNS, columns = n < most ? (int)n : most;
    const int rows = (int)((n + columns - 1) / columns) * n_bands;
    hg_picture *grid = hg_picture_grid(c->ctx, rows, columns, cell.channels, cell.height, cell.width, 1, 2);
    float *room = hg_alloc(c->ctx, hg_mul(hg_mul((size_t)cell.channels, (size_t)cell.height), (size_t)cell.width), sizeof *room);
    for (int row = 0; grid && room && row < rows; row++) {
        hg_picture_label(grid, row, bands[row % n_bands].name);
        int64_t i = (int64_t)(row / n_bands) * columns;
        for (int column = 0; column < columns && i < n; column++, i++) {
            picture p = picture_of(&bands[row % n_bands], i);
            fill(&cell, &p, room);
            hg_picture_put(grid, row, column, room);
        }
    }
    bool ok = grid && room && hg_picture_save(grid, path);
    hg_picture_destroy(grid);
    hg_free(room);
    if (ok) {
        const char *names = bands[0].name;
        for (int b = 1; b < n_bands && names; b++) names = hg_arena_format(c->arena, "%s, %s", names, bands[b].name);
        cli_say(c, "%swrote %s%s: %" PRId64 " pictures, in rows: %s", cli_bold(c), path, cli_plain(c), n, names ? names : "");
    }
    return ok;
}

bool rows_write(cli *c, const char *dir, const band *b, int64_t n)
{
    if (!hg_make_dirs(c->ctx, dir)) return false;
    for (int64_t i = 0; i < n; i++) {
        picture p = picture_of(b, i);
        const char *slash = p.path ? strrchr(p.path, '/') : NULL, *name = slash ? slash + 1 : p.path;
        const char *path = name ? hg_arena_format(c->arena, "%s/%s", dir, name) : hg_arena_format(c->arena, "%s/%05" PRId64 ".png", dir, i);
        if (!path || !hg_picture_write(c->ctx, path, p.x, p.shape[0], p.shape[1], p.shape[2])) return false;
    }
    cli_say(c, "%swrote %s%s: %" PRId64 " pictures", cli_bold(c), dir, cli_plain(c), n);
    return true;
}
