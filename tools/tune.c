/* hourglass tune: finds the fastest kernel variants for a device and keeps them. */
#include <stdio.h>
#include "ahead.h"
#include "open.h"
#include "tuning.h"

static struct { double seconds; int64_t batch; bool again, compile; } o;

static const cli_option options[] = {
    {"seconds", CLI_FLOAT, &o.seconds, 1, 1e6, "S", "about so long for each model; without it until nothing gains any more"},
    {"batch", CLI_INT, &o.batch, 1, 1 << 20, "N", "examples per step; default the model's"},
    {"again", CLI_FLAG, &o.again, 0, 0, NULL, "measure operations anew that the file knows already"},
    {"compile", CLI_FLAG, &o.compile, 0, 0, NULL,
     "measure nothing, have the driver make the machine code of candidates that standard input names; tuning calls it so"},
    {0},
};

/* What users train is made of layers like theirs. */
static const char *const standard[] = {"m1", "m2", "m3", "m4", "m4bn", "m5"};

static bool tune(cli *c, hg_device *device, hg_tuning *tuning, const char *name)
{
    hg_precision precision;
    if (!cli_precision(c, NULL, &precision)) return false;
    hg_model *model = cli_open_model(c, name);
    if (model) cli_say(c, "%smodel:%s %s", cli_bold(c), cli_plain(c), hg_model_name(model));
    const bool ok = model && (o.compile ? ahead_work_tuning(c, device, model, precision, (int)o.batch)
                                        : cli_tune(c, device, model, name, tuning, precision, (int)o.batch, o.seconds, o.again, true));
    hg_model_destroy(model);
    return ok;
}

static bool run(cli *c)
{
    if (o.compile && !c->n_args) return hg_fail(c->ctx, HG_USAGE, "tune --compile needs a model: hourglass tune m1 --compile");
    hg_device *device = cli_open_device(c, NULL);
    hg_tuning *tuning = device ? cli_open_tuning(c, device) : NULL;
    bool ok = tuning != NULL;
    cli_watch_signals(c, "\nending after this candidate; once more ends at once\n");
    if (ok && c->n_args) ok = tune(c, device, tuning, c->args[0]);
    for (size_t i = 0; ok && !c->n_args && i < sizeof standard / sizeof *standard && !cli_caught; i++)
        ok = tune(c, device, tuning, standard[i]);
    if (ok && cli_caught) c->signal = cli_caught;
    hg_tuning_close(tuning);
    hg_device_close(device);
    return ok;
}

const cli_verb cli_verb_tune = {
    .name = "tune", .arguments = "[MODEL]",
    .help = "Times the kernel variants for a model's operations, or those of the benchmark models, and keeps the fastest.",
    .options = options, .groups = CLI_DEVICE, .max_args = 1, .run = run,
};
