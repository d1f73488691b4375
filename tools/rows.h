/* Pictures in labelled rows, such as inputs above outputs. */
#ifndef HG_TOOLS_ROWS_H
#define HG_TOOLS_ROWS_H

#include "cli.h"

typedef struct picture { int shape[3]; float *x; const char *path; } picture; /* x [C, H, W]; path: where it came from, or NULL */

/* A kind of row: its name and n pictures, those of an array [n, C, H, W], or, where x is NULL, each with a shape of its own. */
typedef struct band {
    const char *name;
    const float *x;
    int shape[3];
    const picture *each;
} band;

/* Draws the bands one below the other, with up to ten pictures in a row, then the next ten. Every picture is enlarged by a whole factor
 * and lies in the middle of its cell, which is about 64 pixels wide, or as large as the largest picture. */
bool rows_draw(cli *c, const char *path, const band *bands, int n_bands, int64_t n);

/* Writes a band's pictures as PNG files at their own size into a folder, which is made where it is missing; their names are those of the
 * files that they came from, or numbers. */
bool rows_write(cli *c, const char *dir, const band *band, int64_t n);

#endif
