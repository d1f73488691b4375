/* What `denoise` and `upscale` share: a model that makes better pictures out of bad ones, shown step by step and measured. */
#ifndef HG_TOOLS_RESTORE_H
#define HG_TOOLS_RESTORE_H

#include "cli.h"

typedef enum restore_kind { RESTORE_DENOISE, RESTORE_UPSCALE } restore_kind;

extern const cli_option restore_options[];
bool restore_run(cli *c, restore_kind kind);

#endif
