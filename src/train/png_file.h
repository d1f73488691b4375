/* Reading PNG files. */
#ifndef HG_TRAIN_PNG_FILE_H
#define HG_TRAIN_PNG_FILE_H

#include "base/context.h"

/* Reads a PNG file into a fresh block (hg_free) as [h, w, c] bytes, c 1 (grey) or 3 (RGB): palettes are looked up, 16
 * bits rounded to 8, alpha laid over white, gamma ignored. Fails with HG_BAD_INPUT: no PNG, damaged, truncated, over-long,
 * or larger than hg_png_probe allows. */
bool hg_png_read(hg_context *ctx, const char *path, uint8_t **pixels_hwc, int *h, int *w, int *c);

/* The shape that hg_png_read would give, from the file's header alone. Refuses what is larger than 16384 pixels on a
 * side, 64 Mi pixels in all, or 1032 times the file's size (deflate packs no better): before memory is spent. */
bool hg_png_probe(hg_context *ctx, const char *path, int *h, int *w, int *c);

#endif
