#include "pictures.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "train/convert.h"
#include "train/folder.h"
#include "train/png_file.h"

/* Bytes [h, w, c] as floats [channels, h, w]; `hwc` is of the wanted size. */
static float *to_floats(cli *c, const uint8_t *hwc, int h, int w, int from_channels, int channels)
{
    const size_t area = (size_t)h * (size_t)w, depth = (size_t)channels;
    uint8_t *bytes = hg_alloc(c->ctx, hg_mul(area, depth), 1);
    float *x = hg_alloc(c->ctx, hg_mul(area, depth), sizeof *x);
    if (bytes && x) hg_convert_channels(hwc, from_channels, bytes, channels, area);
    for (size_t i = 0; bytes && x && i < area; i++)
        for (size_t k = 0; k < depth; k++) x[k * area + i] = (float)bytes[i * depth + k] / 255.0f;
    if (!bytes) hg_free(x), x = NULL;
    hg_free(bytes);
    return x;
}

static bool read_file(cli *c, const char *path, int channels, picture *p)
{
    uint8_t *pixels, *resized = NULL;
    int h, w, from;
    if (!hg_png_read(c->ctx, path, &pixels, &h, &w, &from)) return false;
    const int to_h = c->resize[0] ? c->resize[0] : h, to_w = c->resize[0] ? c->resize[1] : w;
    resized = hg_alloc(c->ctx, hg_mul((size_t)to_h, (size_t)to_w), (size_t)from);
    bool ok = resized && hg_convert_size(c->ctx, pixels, h, w, from, resized, to_h, to_w);
    *p = (picture){{channels, to_h, to_w}, ok ? to_floats(c, resized, to_h, to_w, from, channels) : NULL, path};
    hg_free(pixels);
    hg_free(resized);
    return p->x != NULL;
}

static bool add(cli *c, const char *path, int channels, pictures *out)
{
    if ((out->n & (out->n - 1)) == 0) { /* full: the next power of two */
        picture *more = hg_resize(c->ctx, out->at, out->n ? hg_mul((size_t)out->n, 2) : 1, sizeof *more);
        if (!more) return false;
        out->at = more;
    }
    return path && read_file(c, path, channels, &out->at[out->n]) && ++out->n;
}

static bool add_folder(cli *c, const char *path, int channels, pictures *out)
{
    hg_folder folder;
    const int64_t before = out->n;
    bool ok = hg_folder_list(c->ctx, path, &folder);
    for (int i = 0; ok && i < folder.count; i++)
        if (!folder.entries[i].is_dir && hg_ends_with(folder.entries[i].name, ".png"))
            ok = add(c, hg_arena_format(c->arena, "%s/%s", path, folder.entries[i].name), channels, out);
    hg_folder_free(&folder);
    return ok && (out->n > before || hg_fail(c->ctx, HG_BAD_INPUT, "%s: no PNG files lie in this folder", path));
}

bool pictures_read(cli *c, const cli_texts *paths, int channels, pictures *out)
{
    for (int i = 0; i < paths->n; i++)
        if (!(hg_path_is_dir(paths->at[i]) ? add_folder : add)(c, paths->at[i], channels, out)) return false;
    return true;
}

void pictures_free(pictures *p)
{
    for (int64_t i = 0; i < p->n; i++) hg_free(p->at[i].x);
    hg_free(p->at);
    *p = (pictures){0};
}

static const char *name_of(const picture *p)
{
    const char *slash = strrchr(p->path, '/');
    return slash ? slash + 1 : p->path;
}

/* Are both paths there, and one file? */
static bool same_file(const char *a, const char *b)
{
    char *full_a = realpath(a, NULL), *full_b = realpath(b, NULL);
    bool same = full_a && full_b && strcmp(full_a, full_b) == 0;
    free(full_a);
    free(full_b);
    return same;
}

bool pictures_check_folder(cli *c, const pictures *p, const char *option, const char *dir)
{
    for (int64_t i = 0; i < p->n; i++) {
        const char *name = name_of(&p->at[i]), *path = hg_arena_format(c->arena, "%s/%s", dir, name);
        if (!path) return false;
        if (same_file(path, p->at[i].path))
            return hg_fail(c->ctx, HG_USAGE, "--%s %s: %s would be overwritten: give another folder", option, dir, p->at[i].path);
        for (int64_t k = 0; k < i; k++)
            if (strcmp(name, name_of(&p->at[k])) == 0)
                return hg_fail(c->ctx, HG_USAGE, "--%s %s: %s and %s would have the same name there: give them one by one", option, dir,
                               p->at[k].path, p->at[i].path);
    }
    return true;
}
