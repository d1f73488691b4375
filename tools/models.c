/* hourglass models: the built-in models. */
#include <stdio.h>
#include "open.h"

static bool run(cli *c)
{
    cli_builtin b;
    printf("%-21s %9s  %11s  %s\n", "name", "input", "parameters", "what it is");
    for (int i = 0; cli_builtin_at(c, i, &b); i++) {
        hg_model *model = cli_open_model(c, b.name);
        if (!model) return false;
        char size[32], count[32];
        int in[3];
        hg_model_input(model, &in[0], &in[1], &in[2]);
        snprintf(size, sizeof size, "%dx%dx%d", in[0], in[1], in[2]);
        printf("%-21s %9s  %11s  %s\n", b.name, size, cli_count(count, hg_model_parameters(model)), b.about);
        hg_model_destroy(model);
    }
    return !hg_failed(c->ctx);
}

const cli_verb cli_verb_models = {
    .name = "models", .arguments = "",
    .help = "Lists the built-in models. `hourglass plan NAME` shows one, `hourglass train NAME` trains it.",
    .run = run,
};
