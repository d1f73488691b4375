/* Figures as JSON values, printed as such or as tables: what a verb measures is put together once. */
#ifndef HG_TOOLS_FIGURES_H
#define HG_TOOLS_FIGURES_H

#include <jansson.h>
#include "cli.h"

/* null where the value is not finite. */
json_t *figure(double value);

/* Prints rows, an array of objects with the same keys, as a table: the keys are the headings; texts lie left, numbers right, null is
 * a dash. */
void figures_print_rows(const json_t *rows);

/* Prints the value as JSON to standard output and drops it; NULL, from a failed json_pack, is a failure. */
bool figures_print_json(cli *c, json_t *value);

#endif
