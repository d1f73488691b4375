/* Folders: sorted listings. Names that begin with a dot are left out. */
#ifndef HG_TRAIN_FOLDER_H
#define HG_TRAIN_FOLDER_H

#include "base/context.h"

typedef struct hg_folder_entry { const char *name; bool is_dir; } hg_folder_entry;
typedef struct hg_folder { hg_folder_entry *entries; int count; void *names; } hg_folder;

/* Lists `path`, sorted by name (bytes). Fails with HG_BAD_INPUT; free with hg_folder_free in either case. */
bool hg_folder_list(hg_context *ctx, const char *path, hg_folder *folder);
void hg_folder_free(hg_folder *folder);

/* Does `path` hold an entry for which `match` is true? False where it cannot be read. */
bool hg_folder_any(const char *path, bool (*match)(const char *path, const char *name));

/* Does `name` end with `ending` (".png"), case ignored? */
bool hg_ends_with(const char *name, const char *ending);

#endif
