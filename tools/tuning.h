/* The tuning that a verb works with, and the tuning of a model as the terminal sees it. */
#ifndef HG_TOOLS_TUNING_H
#define HG_TOOLS_TUNING_H

#include "cli.h"

/* The tuning of a device: --tuning, else the environment's HOURGLASS_TUNING, else the device's own file in the user's cache folder.
 * "none", or no such folder: an empty one that is not kept. */
hg_tuning *cli_open_tuning(cli *c, hg_device *device);
/* Where it is kept; NULL: nowhere. */
const char *cli_tuning_path(cli *c, const hg_device_info *device);

/* Tunes the operations of a model, which was opened by the name `source`, for about `seconds` (0: until nothing gains any more), says what it does and what came of it; with
 * `table` a row per operation on standard output. Ctrl-C stops it and keeps what is done. */
bool cli_tune(cli *c, hg_device *device, const hg_model *model, const char *source, hg_tuning *tuning, hg_precision precision, int batch,
              double seconds, bool again, bool table);

#endif
