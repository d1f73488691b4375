#include "train/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"

struct hg_run_dir {
    hg_context *ctx;
    int lock; /* descriptor of the directory itself: the lock needs no file and goes with the process */
    char *path, *checkpoint, *model, *log;
};

static bool lock(hg_run_dir *dir)
{
    dir->lock = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->lock < 0) return hg_fail(dir->ctx, HG_OUTPUT, "%s: cannot be opened: %s", dir->path, strerror(errno));
    if (flock(dir->lock, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK)
        return hg_fail(dir->ctx, HG_BUSY,
                       "%s: another process is training into this directory: wait for it, or choose another with --out", dir->path);
    return hg_fail(dir->ctx, HG_OUTPUT, "%s: cannot be locked: %s", dir->path, strerror(errno));
}

static bool check_space(hg_run_dir *dir, uint64_t bytes)
{
    struct statvfs fs;
    if (access(dir->path, W_OK | X_OK) != 0)
        return hg_fail(dir->ctx, HG_OUTPUT, "%s: not writable: %s: choose another place with --out", dir->path, strerror(errno));
    if (statvfs(dir->path, &fs) != 0) return true; /* no answer is no reason to refuse */
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (room >= bytes) return true;
    return hg_fail(dir->ctx, HG_OUTPUT,
                   "%s: checkpoints need %llu KiB but the disk has %llu KiB free: make room or choose another place with --out",
                   dir->path, (unsigned long long)(bytes >> 10), (unsigned long long)(room >> 10));
}

static bool clear(hg_run_dir *dir)
{
    const char *const files[] = {dir->checkpoint, dir->log, dir->model};
    for (int i = 0; i < 3; i++)
        if (unlink(files[i]) != 0 && errno != ENOENT)
            return hg_fail(dir->ctx, HG_OUTPUT, "%s: cannot be removed: %s", files[i], strerror(errno));
    return true;
}

static bool enter(hg_run_dir *dir, hg_run_mode mode, uint64_t bytes)
{
    struct stat st;
    bool exists = stat(dir->path, &st) == 0;
    if (exists && !S_ISDIR(st.st_mode))
        return hg_fail(dir->ctx, HG_OUTPUT, "%s: is a file, not a directory: choose another place with --out", dir->path);
    if (exists && mode == HG_RUN_NEW)
        return hg_fail(dir->ctx, HG_OUTPUT,
                       "%s: exists already: continue it with --resume, begin anew with --force, or choose another directory with --out",
                       dir->path);
    if (!exists && mode == HG_RUN_RESUME) return hg_fail(dir->ctx, HG_BAD_INPUT, "%s: there is no run to resume", dir->path);
    if (!exists && !hg_make_dirs(dir->ctx, dir->path)) return false;
    if (!lock(dir) || !check_space(dir, bytes)) return false;
    return mode != HG_RUN_FORCE || clear(dir);
}

hg_run_dir *hg_run_dir_open(hg_context *ctx, const char *path, hg_run_mode mode, uint64_t bytes)
{
    hg_run_dir *dir = HG_NEW(ctx, hg_run_dir);
    if (!dir) return NULL;
    *dir = (hg_run_dir){.ctx = ctx, .lock = -1, .path = hg_copy_text(ctx, path)};
    if (!dir->path) goto fail;
    for (size_t n = strlen(dir->path); n > 1 && dir->path[n - 1] == '/'; n--) dir->path[n - 1] = 0;
    dir->checkpoint = hg_path_join(ctx, dir->path, "checkpoint.safetensors");
    dir->model = hg_path_join(ctx, dir->path, "model.yaml");
    dir->log = hg_path_join(ctx, dir->path, "log.jsonl");
    if (!dir->checkpoint || !dir->model || !dir->log || !enter(dir, mode, bytes)) goto fail;
    return dir;
fail:
    hg_run_dir_close(dir);
    return NULL;
}

void hg_run_dir_close(hg_run_dir *dir)
{
    if (!dir) return;
    if (dir->lock >= 0) close(dir->lock);
    hg_free(dir->path);
    hg_free(dir->checkpoint);
    hg_free(dir->model);
    hg_free(dir->log);
    hg_free(dir);
}

const char *hg_run_dir_path(const hg_run_dir *dir) { return dir->path; }
const char *hg_run_dir_checkpoint(const hg_run_dir *dir) { return dir->checkpoint; }
const char *hg_run_dir_model(const hg_run_dir *dir) { return dir->model; }
const char *hg_run_dir_log(const hg_run_dir *dir) { return dir->log; }
