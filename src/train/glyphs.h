/* The shapes behind the built-in digits: ways of writing each digit as strokes of a pen. */
#ifndef HG_TRAIN_GLYPHS_H
#define HG_TRAIN_GLYPHS_H

/* How the pen goes on at a point: it is put down there, passes smoothly, or turns sharply. */
typedef enum hg_glyph_kind { HG_GLYPH_MOVE, HG_GLYPH_SMOOTH, HG_GLYPH_CORNER } hg_glyph_kind;

/* In percent: x to the right, y down, both about 0 to 100. */
typedef struct hg_glyph_point { short x, y; hg_glyph_kind kind; } hg_glyph_point;

enum { HG_GLYPH_POINTS = 18 };

/* One way of writing a digit, given by two extremes with the same points; what lies between them is as good. */
typedef struct hg_glyph {
    int digit, weight; /* weight: how often, among the ways of writing the same digit */
    int n;
    hg_glyph_point from[HG_GLYPH_POINTS], to[HG_GLYPH_POINTS]; /* kinds are those of `from` */
} hg_glyph;

extern const hg_glyph hg_glyphs[];
extern const int hg_glyph_count;

#endif
