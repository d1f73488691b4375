/* hourglass denoise: noisy pictures above what the model makes of them. */
#include "restore.h"

static bool run(cli *c) { return restore_run(c, RESTORE_DENOISE); }

const cli_verb cli_verb_denoise = {
    .name = "denoise", .arguments = "RUN",
    .help = "Removes noise: rows noisy, cleaned, clean, and how far each is from clean.",
    .options = restore_options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
