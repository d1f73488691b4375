/* Pictures as PNG files, the inner side of hg_picture_* in hourglass.h. */
#ifndef HG_SHOW_PICTURE_H
#define HG_SHOW_PICTURE_H

#include "base/context.h"

/* Writes pixels [height, width, channels], channels 1 (grey) or 3 (RGB), as a PNG that is complete or not there. Fails with
 * HG_OUTPUT, and with HG_USAGE where `path` does not end in ".png". */
bool hg_png_write(hg_context *ctx, const char *path, const uint8_t *pixels, int height, int width, int channels);

/* Does `path` end in `ending` (".png"), case ignored? */
bool hg_path_ends(const char *path, const char *ending);

#endif
