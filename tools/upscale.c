/* hourglass upscale: small pictures, enlarged without and with the model. */
#include "restore.h"

static bool run(cli *c) { return restore_run(c, RESTORE_UPSCALE); }

const cli_verb cli_verb_upscale = {
    .name = "upscale", .arguments = "RUN",
    .help = "Enlarges: rows nearest, bilinear, output, target, and how far each is from that.",
    .options = restore_options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
