#include "train/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/memory.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const hg_folder_entry *)a)->name, ((const hg_folder_entry *)b)->name);
}

static bool add(hg_context *ctx, const char *path, const char *name, hg_folder *folder, size_t *room)
{
    if ((size_t)folder->count == *room) {
        size_t more = *room ? hg_mul(*room, 2) : 64;
        hg_folder_entry *entries = hg_resize(ctx, folder->entries, more, sizeof *entries);
        if (!entries)
            return false;
        folder->entries = entries;
        *room = more;
    }
    char *whole = hg_path_join(ctx, path, name);
    if (!whole)
        return false;
    hg_folder_entry *entry = &folder->entries[folder->count];
    entry->is_dir = hg_path_is_dir(whole);
    hg_free(whole);
    entry->name = hg_arena_text(folder->names, name);
    folder->count++;
    return entry->name != NULL;
}

bool hg_folder_list(hg_context *ctx, const char *path, hg_folder *folder)
{
    size_t room = 0;
    bool done = false;
    *folder = (hg_folder){.names = hg_arena_create(ctx)};
    DIR *dir = folder->names ? opendir(path) : NULL;
    if (!folder->names)
        return false;
    if (!dir)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: cannot be listed: %s", path, strerror(errno));
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)); errno = 0)
        if (entry->d_name[0] != '.' && !add(ctx, path, entry->d_name, folder, &room))
            goto fail;
    if (errno) {
        hg_fail(ctx, HG_BAD_INPUT, "%s: cannot be listed: %s", path, strerror(errno));
        goto fail;
    }
    if (folder->count)
        qsort(folder->entries, (size_t)folder->count, sizeof *folder->entries, by_name);
    done = true;
fail:
    closedir(dir);
    return done;
}

void hg_folder_free(hg_folder *folder)
{
    hg_free(folder->entries);
    hg_arena_destroy(folder->names);
    *folder = (hg_folder){0};
}

bool hg_folder_any(const char *path, bool (*match)(const char *path, const char *name))
{
    bool found = false;
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(dir));)
        found = entry->d_name[0] != '.' && match(path, entry->d_name);
    closedir(dir);
    return found;
}

bool hg_ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && !strcasecmp(name + n - m, ending);
}
