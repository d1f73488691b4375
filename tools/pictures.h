/* A user's own pictures: PNG files of any size, beside all datasets. */
#ifndef HG_TOOLS_PICTURES_H
#define HG_TOOLS_PICTURES_H

#include "rows.h"

typedef struct pictures { picture *at; int64_t n; } pictures; /* zero-initialise */

/* Reads PNG files, and those that lie in folders, by name, as pictures of `channels` (1 or 3), resized where --resize is given. */
bool pictures_read(cli *c, const cli_texts *paths, int channels, pictures *out);
void pictures_free(pictures *p);

/* Fails where files of the same names in `dir` would overwrite the pictures themselves or each other. */
bool pictures_check_folder(cli *c, const pictures *p, const char *option, const char *dir);

#endif
