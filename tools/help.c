/* hourglass help: verbs, and the tables of everything that a model file can name. */
#include <stdio.h>
#include <string.h>
#include "cli.h"

static bool overview(void)
{
    printf("hourglass %s trains and runs autoencoders on any OpenCL device.\n\n", HG_VERSION);
    for (int i = 0; cli_verbs[i]; i++) {
        char usage[64];
        snprintf(usage, sizeof usage, "%s %s", cli_verbs[i]->name, cli_verbs[i]->arguments);
        printf("  hourglass %-20s %s\n", usage, cli_verbs[i]->help);
    }
    printf("\n`hourglass help VERB` (or VERB --help) gives the options. `hourglass help NAME` explains what a model "
           "file can name:\n");
    hg_help_entry entry;
    const char *group = "";
    for (int i = 0; hg_help(i, &entry); i++) {
        if (strcmp(entry.group, group) != 0) printf("\n  %-12s ", entry.group);
        else putchar(' ');
        printf("%s", entry.name);
        group = entry.group;
    }
    printf("\n\nFor a start: hourglass train conv-vae\n");
    return true;
}

static bool print_entry(cli *c, const hg_help_entry *entry)
{
    size_t n = hg_help_text(c->ctx, entry, NULL, 0);
    char *text = hg_arena_alloc(c->arena, n + 1, 1);
    if (!text) return false;
    hg_help_text(c->ctx, entry, text, n + 1);
    printf("%s `%s`: %s\n\n%s", entry->group, entry->name, entry->help, text);
    return true;
}

static bool fail_word(cli *c, const char *word)
{
    const char *names[256];
    int n = 0;
    hg_help_entry entry;
    for (int i = 0; cli_verbs[i]; i++) names[n++] = cli_verbs[i]->name;
    for (int i = 0; n < 256 && hg_help(i, &entry); i++) names[n++] = entry.name;
    const char *near = cli_suggest(c, word, names, n);
    return hg_fail(c->ctx, HG_USAGE, "no help for '%s'%s `hourglass help` lists what there is", word,
                   *near ? near : ";");
}

static bool run(cli *c)
{
    if (!c->n_args) return overview();
    bool found = false;
    for (int i = 0; cli_verbs[i]; i++)
        if (strcmp(cli_verbs[i]->name, c->args[0]) == 0) {
            if (!cli_print_help(c, cli_verbs[i])) return false;
            found = true;
        }
    hg_help_entry entry;
    for (int i = 0; hg_help(i, &entry); i++) {
        if (strcmp(entry.name, c->args[0]) != 0 && strcmp(entry.group, c->args[0]) != 0) continue;
        if (found) putchar('\n');
        if (!print_entry(c, &entry)) return false;
        found = true;
    }
    return found || fail_word(c, c->args[0]);
}

const cli_verb cli_verb_help = {
    .name = "help", .arguments = "[VERB|LAYER]",
    .help = "Explains a verb, or a layer, loss, optimizer ... of model files.",
    .max_args = 1, .run = run,
};
