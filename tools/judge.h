/* How a classifier, the nearest training pictures, reads pictures that a model made. */
#ifndef HG_TOOLS_JUDGE_H
#define HG_TOOLS_JUDGE_H

#include "open.h"

/* Prints how many of `columns` pictures for each of `rows` classes from `first` on have the class that was asked for, that of the
 * nearest training picture. The run's data is open. */
bool judge_asked(cli_run *run, int first, int rows, int64_t columns, const float *pictures);

/* For pictures of no class that was asked for: prints how many are clearly of one, which most of the nearest training pictures have,
 * and, to compare, how many of as many test pictures are. */
bool judge_clear(cli_run *run, int64_t n, const float *pictures);

#endif
