/* The built-in digits: handwriting drawn from strokes, so that every model trains with nothing downloaded.
 *
 * hg_digits_draw (format.h) computes in integers only, so that the same seed and index give the same bytes on every
 * machine. In a picture of 28 x 28 a digit lies within about 20 x 20, its centre of gravity near the middle, as in MNIST. */
#ifndef HG_TRAIN_FORMATS_DIGITS_H
#define HG_TRAIN_FORMATS_DIGITS_H

#include "train/formats/format.h"

/* The training part of a dataset is digits 0, 1, ...; the test part begins here. */
#define HG_DIGITS_TEST ((int64_t)1 << 31)

/* Sides of a picture. */
enum { HG_DIGITS_SIDE_MIN = 8, HG_DIGITS_SIDE_MAX = 4096 };

#endif
