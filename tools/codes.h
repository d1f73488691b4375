/* Codes in .npy files, as `encode` writes them. */
#ifndef HG_TOOLS_CODES_H
#define HG_TOOLS_CODES_H

#include "npy.h"
#include "open.h"

/* Reads at least one code of the run's model, [N, Z] or [N, C, H, W]; a single one may come without N. Gives how many, -1 on failure;
 * codes->data is the caller's (hg_free) in either case. */
int64_t codes_read(const cli_run *run, const char *path, npy_array *codes);

#endif
