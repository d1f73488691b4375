/* The command line: what all verbs share. A verb is a const struct in a file of its own with its options as a table;
 * parsing, range checks, messages and help come from the table (popt does the parsing).
 *
 * Results go to standard output, everything else to standard error. Failures are recorded with hg_fail; main prints the
 * message and turns the status into the exit code. */
#ifndef HG_TOOLS_CLI_H
#define HG_TOOLS_CLI_H

#include <signal.h>
#include "base/context.h"
#include "base/memory.h"

typedef enum cli_kind {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char *, lives as long as the cli */
    CLI_INT,    /* int64_t */
    CLI_FLOAT,  /* double */
    CLI_SIZE,   /* int[2]: HxW */
    CLI_RANGE,  /* double[2]: two arguments, A B (or A,B) */
    CLI_TEXTS,  /* cli_texts: the option may be given several times */
    CLI_NUMBERS, /* cli_numbers: 0,0.5,1 */
} cli_kind;

enum { CLI_MANY = 64 };
typedef struct cli_texts { const char *at[CLI_MANY]; int n; } cli_texts;
typedef struct cli_numbers { double at[CLI_MANY]; int n; } cli_numbers;

typedef struct cli_option {
    const char *name;     /* without dashes */
    cli_kind kind;
    void *to;
    double min, max;      /* INT, FLOAT, SIZE, NUMBERS; min == max: no range */
    const char *argument; /* "N", in the help */
    const char *help;
} cli_option;

/* Groups of options that several verbs share. */
enum { CLI_DEVICE = 1, CLI_DATA = 2, CLI_KERNELS = 4 }; /* CLI_KERNELS: those of CLI_DEVICE but --device */

typedef struct cli cli;

typedef struct cli_verb {
    const char *name, *arguments, *help; /* arguments: "MODEL"; help: one line */
    const cli_option *options;           /* ends with {0}; may be NULL */
    unsigned groups;
    int min_args, max_args;
    bool (*run)(cli *c);
} cli_verb;

struct cli {
    hg_context *ctx;
    hg_arena *arena;
    const char *program;   /* the program's name as it was called */
    const char *command;   /* the command line as it was given, words joined by blanks */
    const cli_verb *verb;
    const char *args[2];
    int n_args;
    int signal;            /* stopped by this signal: the exit status is 128 + signal; 0: not */
    bool terminal, colour; /* of standard error */
    bool quiet;            /* notes of the library are not shown, warnings are */
    bool line_open;        /* a progress line stands there without newline */
    /* CLI_DEVICE */
    const char *device, *variants, *kernels, *tuning, *precision;
    bool verbose;
    /* CLI_DATA */
    const char *data;
    int resize[2];
};

/* All verbs, NULL at the end. */
extern const cli_verb *const cli_verbs[];

/* Fills in what depends on the surroundings: terminal, colour, memory. */
bool cli_init(cli *c);
void cli_free(cli *c);

/* Parses the words behind the verb. `*help` is set when --help was among them (nothing else is then checked). */
bool cli_parse(cli *c, int argc, char **argv, bool *help);

/* A verb's usage, options and groups, to standard output. */
bool cli_print_help(cli *c, const cli_verb *verb);

/* Clears a progress line, then writes a line to standard error. */
void cli_say(cli *c, const char *format, ...) HG_PRINTF(2, 3);
/* Replaces the progress line; nothing where standard error is no terminal. Cut to the terminal's width. */
void cli_progress(cli *c, const char *text);

/* Escape sequences, "" where colour is off. */
const char *cli_bold(const cli *c);
const char *cli_dim(const cli *c);
const char *cli_plain(const cli *c);

/* 1234567 as "1,234,567"; returns buf. */
const char *cli_count(char buf[32], int64_t n);
/* "4.2 MiB"; returns buf. */
const char *cli_bytes(char buf[32], double bytes);
/* "1:05" or "2:03:04"; returns buf. */
const char *cli_duration(char buf[32], double seconds);

/* Fails unless a file could be written at `path` (an option must have given it) and it has one of the endings (".png",
 * ".svg"; NULL at the end; NULL list: any). Called before work begins. */
bool cli_check_out(cli *c, const char *path, const char *const *endings);
/* The same for another option, which may be absent (NULL). */
bool cli_check_file(cli *c, const char *option, const char *path, const char *const *endings);
/* The same for a folder: one that is there, or that can be made. */
bool cli_check_folder(cli *c, const char *option, const char *path);
extern const char *const cli_png[], *const cli_chart[];

/* From now on Ctrl-C and SIGTERM are noted in cli_caught, and `note` is written; a second one ends the program at once. A reader
 * of the progress who goes away does not. `note` must live as long as the program. */
void cli_watch_signals(const cli *c, const char *note);
extern volatile sig_atomic_t cli_caught;

/* "; did you mean 'X'?" for the nearest of the n names, or "". Lives as long as the cli. */
const char *cli_suggest(cli *c, const char *word, const char *const *names, int n);

#endif
