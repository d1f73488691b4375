/* hourglass: the program. Finds the verb, runs it, and turns what happened into a message and an exit code. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"

extern const cli_verb cli_verb_devices, cli_verb_models, cli_verb_train, cli_verb_plan, cli_verb_eval, cli_verb_reconstruct,
    cli_verb_denoise, cli_verb_upscale, cli_verb_encode, cli_verb_decode, cli_verb_sample, cli_verb_interpolate, cli_verb_latent,
    cli_verb_manifold, cli_verb_inspect, cli_verb_perturb, cli_verb_arithmetic, cli_verb_tune, cli_verb_bench, cli_verb_help;

const cli_verb *const cli_verbs[] = {
    &cli_verb_devices,    &cli_verb_models,
    &cli_verb_train,      &cli_verb_plan,
    &cli_verb_eval,       &cli_verb_reconstruct,
    &cli_verb_denoise,    &cli_verb_upscale,
    &cli_verb_encode,     &cli_verb_decode,
    &cli_verb_sample,     &cli_verb_interpolate,
    &cli_verb_latent,     &cli_verb_manifold,
    &cli_verb_inspect,    &cli_verb_perturb,
    &cli_verb_arithmetic, &cli_verb_tune,
    &cli_verb_bench,      &cli_verb_help,
    NULL,
};

static void log_line(void *user, hg_level level, const char *text)
{
    cli *c = user;
    if (level == HG_LOG_WARNING) cli_say(c, "hourglass: warning: %s", text);
    else if ((level == HG_LOG_INFO && !c->quiet) || c->verbose) cli_say(c, "%s", text);
}

static const cli_verb *find_verb(const char *name)
{
    for (int i = 0; cli_verbs[i]; i++)
        if (strcmp(cli_verbs[i]->name, name) == 0) return cli_verbs[i];
    return NULL;
}

static bool fail_verb(cli *c, const char *word)
{
    const char *names[32];
    int n = 0;
    for (; cli_verbs[n]; n++) names[n] = cli_verbs[n]->name;
    const char *near = cli_suggest(c, word, names, n);
    return hg_fail(c->ctx, HG_USAGE, "there is no verb '%s'%s `hourglass help` lists them", word, *near ? near : ";");
}

static const char *join(cli *c, int argc, char **argv)
{
    const char *line = "hourglass";
    for (int i = 1; line && i < argc; i++) line = hg_arena_format(c->arena, "%s %s", line, argv[i]);
    return line;
}

static bool run(cli *c, int argc, char **argv)
{
    if (!(c->command = join(c, argc, argv))) return false;
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word)
        return hg_fail(c->ctx, HG_USAGE,
                       "what is to be done? For a start: `hourglass train conv-vae`; `hourglass help` lists the verbs");
    if (strcmp(word, "--version") == 0) return printf("hourglass %s\n", HG_VERSION) > 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) word = "help";
    c->verb = find_verb(word);
    if (!c->verb) return fail_verb(c, word);
    bool help;
    if (!cli_parse(c, argc - 2, argv + 2, &help)) return false;
    return help ? cli_print_help(c, c->verb) : c->verb->run(c);
}

int main(int argc, char **argv)
{
    cli c = {.program = argc > 0 ? argv[0] : "hourglass"};
    c.ctx = hg_context_create(log_line, &c);
    if (!c.ctx) {
        fputs("hourglass: no memory\n", stderr);
        return HG_INTERNAL;
    }
    if (cli_init(&c)) run(&c, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        hg_fail(c.ctx, HG_OUTPUT, "standard output cannot be written: %s", strerror(errno));
    int status = (int)hg_context_status(c.ctx);
    if (status != HG_OK) cli_say(&c, "%shourglass:%s %s", cli_bold(&c), cli_plain(&c), hg_message(c.ctx));
    else if (c.signal) status = 128 + c.signal;
    cli_free(&c);
    hg_context_destroy(c.ctx);
    return status;
}
