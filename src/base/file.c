/* Files: whole reads with a limit, gzip, and writes aside. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "base/memory.h"

bool hg_path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool hg_path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *hg_path_join(hg_context *ctx, const char *dir, const char *name)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    const char *slash = n == 0 || dir[n - 1] == '/' ? "" : "/";
    size_t bytes = hg_add(hg_add(n, strlen(name)), 2);
    char *path = hg_alloc(ctx, bytes, 1);
    if (path) snprintf(path, bytes, "%.*s%s%s", (int)n, dir, slash, name);
    return path;
}

bool hg_make_dirs(hg_context *ctx, const char *path)
{
    char *copy = hg_copy_text(ctx, path);
    if (!copy) return false;
    bool ok = true;
    for (char *slash = copy + 1; ok && *copy && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
    }
    ok = ok && (mkdir(copy, 0777) == 0 || errno == EEXIST);
    if (!ok) hg_fail(ctx, HG_OUTPUT, "%s: cannot be made: %s: choose another place", copy, strerror(errno));
    hg_free(copy);
    return ok;
}

/* ---- reading */

static bool too_long(hg_context *ctx, const char *path, size_t limit)
{
    return hg_fail(ctx, HG_BAD_INPUT, "%s: more than the %zu bytes that such a file can have", path, limit);
}

static bool open_failed(hg_context *ctx, const char *path)
{
    return hg_fail(ctx, HG_BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
}

/* Reads to the end by `get` (bytes read, negative on failure, in which case it has told). */
static bool read_all(hg_context *ctx, const char *path, size_t limit, uint8_t **data, size_t *length,
                     long (*get)(void *from, void *to, unsigned n), void *from)
{
    size_t room = 1 << 16, used = 0;
    uint8_t *block = hg_alloc(ctx, room + 1, 1);
    while (block) {
        long n = get(from, block + used, room - used < 1 << 20 ? (unsigned)(room - used) : 1 << 20);
        if (n < 0) break;
        used += (size_t)n;
        if (n == 0) {
            block[used] = 0;
            *data = block;
            *length = used;
            return true;
        }
        if (used > limit) {
            too_long(ctx, path, limit);
            break;
        }
        if (used < room) continue;
        room = hg_mul(room, 2);
        uint8_t *grown = hg_resize(ctx, block, hg_add(room, 1), 1);
        if (!grown) break;
        block = grown;
    }
    hg_free(block);
    return false;
}

typedef struct plain { hg_context *ctx; const char *path; FILE *file; } plain;

static long get_plain(void *from, void *to, unsigned n)
{
    plain *p = from;
    size_t got = fread(to, 1, n, p->file);
    if (got == 0 && ferror(p->file)) {
        hg_fail(p->ctx, HG_BAD_INPUT, "%s: cannot be read: %s", p->path, strerror(errno));
        return -1;
    }
    return (long)got;
}

bool hg_file_read(hg_context *ctx, const char *path, size_t limit, uint8_t **data, size_t *length)
{
    *data = NULL;
    *length = 0;
    if (hg_path_is_dir(path)) return hg_fail(ctx, HG_BAD_INPUT, "%s: is a folder, a file was expected", path);
    plain p = {ctx, path, fopen(path, "rb")};
    if (!p.file) return open_failed(ctx, path);
    bool ok = read_all(ctx, path, limit, data, length, get_plain, &p);
    fclose(p.file);
    return ok;
}

typedef struct packed { hg_context *ctx; const char *path; gzFile file; } packed;

static long get_packed(void *from, void *to, unsigned n)
{
    packed *p = from;
    int code, got = gzread(p->file, to, n);
    if (got > 0) return got;
    const char *text = gzerror(p->file, &code);
    if (got == 0 && (code == Z_OK || code == Z_STREAM_END)) return 0;
    hg_fail(p->ctx, HG_BAD_INPUT, "%s: damaged gzip data (%s): fetch or copy the file again", p->path,
            code == Z_ERRNO ? strerror(errno) : text);
    return -1;
}

bool hg_file_read_gz(hg_context *ctx, const char *path, size_t limit, uint8_t **data, size_t *length)
{
    *data = NULL;
    *length = 0;
    if (hg_path_is_dir(path)) return hg_fail(ctx, HG_BAD_INPUT, "%s: is a folder, a file was expected", path);
    packed p = {ctx, path, gzopen(path, "rb")};
    if (!p.file) return open_failed(ctx, path);
    bool ok = read_all(ctx, path, limit, data, length, get_packed, &p);
    gzclose(p.file);
    return ok;
}

/* ---- writing */

struct hg_writer { hg_context *ctx; int file; char *path, *partial; };

static bool write_failed(hg_writer *w, const char *what)
{
    return hg_fail(w->ctx, HG_OUTPUT, "%s: %s: %s", w->path, what, strerror(errno));
}

hg_writer *hg_writer_open(hg_context *ctx, const char *path)
{
    hg_writer *w = HG_NEW(ctx, hg_writer);
    if (!w) return NULL;
    *w = (hg_writer){.ctx = ctx, .file = -1, .path = hg_copy_text(ctx, path)};
    size_t bytes = hg_add(strlen(path), sizeof ".partial");
    w->partial = w->path ? hg_alloc(ctx, bytes, 1) : NULL;
    if (w->partial) {
        snprintf(w->partial, bytes, "%s.partial", path);
        struct stat st;
        if (hg_path_is_dir(path)) hg_fail(ctx, HG_OUTPUT, "%s: is a folder, cannot be written as a file", path);
        else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a rename would put a file in the place of /dev/null */
            hg_fail(ctx, HG_OUTPUT, "%s: is no regular file, name another", path);
        else if ((w->file = open(w->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0)
            write_failed(w, "cannot be written");
    }
    if (w->file >= 0) return w;
    hg_free(w->path);
    hg_free(w->partial);
    hg_free(w);
    return NULL;
}

bool hg_writer_put(hg_writer *w, const void *data, size_t length)
{
    const char *next = data;
    while (length > 0) {
        ssize_t n = write(w->file, next, length < 1 << 30 ? length : 1 << 30);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return write_failed(w, "cannot be written");
        next += n;
        length -= (size_t)n;
    }
    return true;
}

/* A rename is on disk only when its directory is. Some file systems cannot sync a directory; that is no failure. */
static void sync_directory(const char *path)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    int d = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d < 0) return;
    (void)!fsync(d);
    close(d);
}

void hg_writer_abort(hg_writer *w)
{
    if (!w) return;
    if (w->file >= 0) close(w->file);
    unlink(w->partial);
    hg_free(w->path);
    hg_free(w->partial);
    hg_free(w);
}

bool hg_writer_commit(hg_writer *w)
{
    bool ok = fsync(w->file) == 0 || errno == EINVAL || errno == EROFS || write_failed(w, "cannot be synced to disk");
    ok = (close(w->file) == 0 || write_failed(w, "cannot be written")) && ok;
    w->file = -1;
    ok = ok && (rename(w->partial, w->path) == 0 || write_failed(w, "cannot be renamed to"));
    if (!ok) {
        hg_writer_abort(w);
        return false;
    }
    sync_directory(w->path);
    hg_free(w->path);
    hg_free(w->partial);
    hg_free(w);
    return true;
}

bool hg_file_write(hg_context *ctx, const char *path, const void *data, size_t length)
{
    hg_writer *w = hg_writer_open(ctx, path);
    if (!w) return false;
    if (hg_writer_put(w, data, length)) return hg_writer_commit(w);
    hg_writer_abort(w);
    return false;
}
