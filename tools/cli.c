#include "cli.h"

#include <errno.h>
#include <popt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/option.h"
#include "base/text.h"

const char *const cli_png[] = {".png", NULL}, *const cli_chart[] = {".png", ".svg", NULL};

/* ---- surroundings */

bool cli_init(cli *c)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    c->terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    c->colour = c->terminal && !(no_color && *no_color);
    c->arena = hg_arena_create(c->ctx);
    return c->arena != NULL;
}

void cli_free(cli *c)
{
    hg_arena_destroy(c->arena);
}

const char *cli_bold(const cli *c) { return c->colour ? "\033[1m" : ""; }
const char *cli_dim(const cli *c) { return c->colour ? "\033[2m" : ""; }
const char *cli_plain(const cli *c) { return c->colour ? "\033[0m" : ""; }

void cli_say(cli *c, const char *format, ...)
{
    if (c->line_open) fputs("\r\033[K", stderr);
    c->line_open = false;
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    fflush(stderr);
}

void cli_progress(cli *c, const char *text)
{
    if (!c->terminal) return;
    struct winsize size;
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
    fprintf(stderr, "\r%s%.*s%s\033[K", cli_dim(c), columns - 1, text, cli_plain(c));
    fflush(stderr);
    c->line_open = true;
}

/* ---- numbers for people */

const char *cli_count(char buf[32], int64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), to = 0;
    for (int i = 0; i < length; i++) {
        buf[to++] = digits[i];
        int left = length - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') buf[to++] = ',';
    }
    buf[to] = 0;
    return buf;
}

const char *cli_bytes(char buf[32], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1000 && unit < 4; unit++) bytes /= 1024;
    snprintf(buf, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return buf;
}

const char *cli_duration(char buf[32], double seconds)
{
    long long s = seconds > 0 && seconds < 1e9 ? (long long)(seconds + 0.5) : 0;
    if (s < 3600) snprintf(buf, 32, "%lld:%02lld", s / 60, s % 60);
    else snprintf(buf, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

const char *cli_suggest(cli *c, const char *word, const char *const *names, int n)
{
    const char *near = hg_nearest(word, names, n);
    const char *text = near ? hg_arena_format(c->arena, "; did you mean '%s'?", near) : "";
    return text ? text : "";
}

/* ---- output places */

static bool has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

bool cli_check_file(cli *c, const char *option, const char *path, const char *const *endings)
{
    if (!path) return true;
    bool fits = !endings;
    for (int i = 0; endings && endings[i]; i++) fits |= has_ending(path, endings[i]);
    if (!fits)
        return hg_fail(c->ctx, HG_USAGE, "--%s %s: the name must end with %s%s%s", option, path, endings[0],
                       endings[1] ? " or " : "", endings[1] ? endings[1] : "");
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return hg_fail(c->ctx, HG_OUTPUT, "--%s %s: is a directory, give a file's name", option, path);
    const char *slash = strrchr(path, '/');
    const char *dir = !slash ? "." : slash == path ? "/" : hg_arena_format(c->arena, "%.*s", (int)(slash - path), path);
    if (!dir) return false;
    if (stat(dir, &st) != 0)
        return hg_fail(c->ctx, HG_OUTPUT, "--%s %s: the folder %s cannot be reached: %s", option, path, dir, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return hg_fail(c->ctx, HG_OUTPUT, "--%s %s: %s is no folder", option, path, dir);
    if (access(dir, W_OK | X_OK) != 0)
        return hg_fail(c->ctx, HG_OUTPUT, "--%s %s: the folder %s is not writable: %s", option, path, dir, strerror(errno));
    return true;
}

bool cli_check_out(cli *c, const char *path, const char *const *endings)
{
    if (!path) return hg_fail(c->ctx, HG_USAGE, "%s needs --out FILE%s", c->verb->name, endings ? endings[0] : "");
    return cli_check_file(c, "out", path, endings);
}

bool cli_check_folder(cli *c, const char *option, const char *path)
{
    struct stat st;
    if (!path || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return cli_check_file(c, option, path, NULL);
    return access(path, W_OK | X_OK) == 0 || hg_fail(c->ctx, HG_OUTPUT, "--%s %s: not writable: %s", option, path, strerror(errno));
}

/* ---- signals */

volatile sig_atomic_t cli_caught;
static const char *signal_note = "";

static void on_signal(int number)
{
    int error = errno;
    cli_caught = number;
    if (write(STDERR_FILENO, signal_note, strlen(signal_note)) < 0) {} /* nobody listens */
    errno = error;
}

void cli_watch_signals(const cli *c, const char *note)
{
    signal_note = note + (c->terminal ? 0 : strspn(note, "\n")); /* there, a progress line is to be kept */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- options */

enum { MAX_OPTIONS = 40, MAX_WORDS = 256 };

/* A verb's own options and those of its groups, in one list. */
typedef struct option_set {
    const cli_option *rows[MAX_OPTIONS];
    struct poptOption own[MAX_OPTIONS], device[8], data[8], all[8];
    int n;
} option_set;

static void add_rows(option_set *set, const cli_option *rows, struct poptOption *popt)
{
    for (int i = 0; rows && rows[i].name && set->n < MAX_OPTIONS; i++) {
        set->rows[set->n++] = &rows[i];
        popt[i] = (struct poptOption){
            rows[i].name,    0, rows[i].kind == CLI_FLAG ? POPT_ARG_NONE : POPT_ARG_STRING, NULL, set->n, rows[i].help,
            rows[i].argument};
    }
}

static void make_set(cli *c, const cli_verb *verb, option_set *set)
{
    const cli_option device[] = {
        {"device", CLI_TEXT, &c->device, 0, 0, "SEL",
         "auto (default), an index, gpu, cpu, or part of a name; see `hourglass devices`"},
        {"variants", CLI_TEXT, &c->variants, 0, 0, "LIST",
         "force kernel variants: plain, or conv_forward=gpu,conv_data=plain"},
        {"kernels", CLI_TEXT, &c->kernels, 0, 0, "DIR",
         "read the kernels from this folder instead of the built-in ones"},
        {"tuning", CLI_TEXT, &c->tuning, 0, 0, "FILE",
         "the file with the device's fastest variants (see `hourglass help tune`), or none"},
        {"precision", CLI_TEXT, &c->precision, 0, 0, "P",
         "full (default, or the run's), or mixed: what passes between layers is stored as half, computed with as float"},
        {"verbose", CLI_FLAG, &c->verbose, 0, 0, NULL, "tell more about what is done"},
        {0},
    };
    const cli_option data[] = {
        {"data", CLI_TEXT, &c->data, 0, 0, "PATH",
         "folder with IDX, CIFAR-10 or PNG files; without it the built-in digits, or what the run was trained on"},
        {"resize", CLI_SIZE, c->resize, 1, 16384, "HxW", "resize the pictures"},
        {0},
    };
    memset(set, 0, sizeof *set);
    add_rows(set, verb->options, set->own);
    cli_option *kept = hg_arena_alloc(c->arena, 13, sizeof *kept);
    int all = 0;
    if (set->n) set->all[all++] = (struct poptOption){NULL, 0, POPT_ARG_INCLUDE_TABLE, set->own, 0, "Options:", NULL};
    if (kept && verb->groups & CLI_DATA) {
        add_rows(set, memcpy(kept, data, sizeof data), set->data);
        set->all[all++] = (struct poptOption){NULL, 0, POPT_ARG_INCLUDE_TABLE, set->data, 0, "Data:", NULL};
    }
    if (kept && verb->groups & (CLI_DEVICE | CLI_KERNELS)) {
        memcpy(kept + 4, device, sizeof device);
        add_rows(set, kept + (verb->groups & CLI_DEVICE ? 4 : 5), set->device);
        set->all[all++] = (struct poptOption){NULL, 0, POPT_ARG_INCLUDE_TABLE, set->device, 0, "Device:", NULL};
    }
    set->all[all] = (struct poptOption){"help", 'h', POPT_ARG_NONE, NULL, MAX_OPTIONS + 1, "this text", NULL};
}

static bool out_of_range(cli *c, const cli_option *o, const char *text)
{
    return hg_fail(c->ctx, HG_USAGE, "--%s %s: expected %s from %.10g to %.10g", o->name, text,
                   o->kind == CLI_FLOAT || o->kind == CLI_NUMBERS ? "a number" : "a whole number", o->min, o->max);
}

static bool set_size(cli *c, const cli_option *o, const char *text)
{
    char *x = strpbrk(text, "xX");
    int64_t h = 0, w = 0;
    const char *first = x ? hg_arena_format(c->arena, "%.*s", (int)(x - text), text) : "";
    if (!x || !first || !hg_parse_int(first, &h) || !hg_parse_int(x + 1, &w))
        return hg_fail(c->ctx, HG_USAGE, "--%s %s: expected height x width, such as 64x64", o->name, text);
    if (h < o->min || w < o->min || h > o->max || w > o->max) return out_of_range(c, o, text);
    ((int *)o->to)[0] = (int)h;
    ((int *)o->to)[1] = (int)w;
    return true;
}

static bool set_range(cli *c, const cli_option *o, const char *text)
{
    const char *comma = strchr(text, ',');
    const char *first = comma ? hg_arena_format(c->arena, "%.*s", (int)(comma - text), text) : "";
    double *to = o->to;
    if (comma && first && hg_parse_float(first, &to[0]) && hg_parse_float(comma + 1, &to[1])) return true;
    return hg_fail(c->ctx, HG_USAGE, "--%s takes two numbers: --%s -3 3", o->name, o->name);
}

static bool set_numbers(cli *c, const cli_option *o, const char *text)
{
    cli_numbers *to = o->to;
    for (to->n = 0;; text++) {
        const size_t length = strcspn(text, ",");
        const char *word = hg_arena_format(c->arena, "%.*s", (int)length, text);
        if (to->n == CLI_MANY) return hg_fail(c->ctx, HG_USAGE, "--%s: more than %d numbers", o->name, CLI_MANY);
        if (!word || !hg_parse_float(word, &to->at[to->n]))
            return hg_fail(c->ctx, HG_USAGE, "--%s: '%s' is no number; expected numbers such as %s", o->name, word ? word : text,
                           o->argument);
        if (o->min < o->max && !(to->at[to->n] >= o->min && to->at[to->n] <= o->max)) return out_of_range(c, o, word);
        to->n++;
        text += length;
        if (!*text) return true;
    }
}

static bool set_option(cli *c, const cli_option *o, const char *text)
{
    switch (o->kind) {
    case CLI_FLAG: return *(bool *)o->to = true;
    case CLI_TEXT:
        if (!*text) return hg_fail(c->ctx, HG_USAGE, "--%s: the text is empty", o->name);
        return (*(const char **)o->to = hg_arena_text(c->arena, text)) != NULL;
    case CLI_INT: {
        int64_t *to = o->to;
        if (!hg_parse_int(text, to))
            return hg_fail(c->ctx, HG_USAGE, "--%s %s: expected a whole number", o->name, text);
        return o->min == o->max || ((double)*to >= o->min && (double)*to <= o->max) || out_of_range(c, o, text);
    }
    case CLI_FLOAT: {
        double *to = o->to;
        if (!hg_parse_float(text, to)) return hg_fail(c->ctx, HG_USAGE, "--%s %s: expected a number", o->name, text);
        return o->min == o->max || (*to >= o->min && *to <= o->max) || out_of_range(c, o, text);
    }
    case CLI_SIZE: return set_size(c, o, text);
    case CLI_RANGE: return set_range(c, o, text);
    case CLI_NUMBERS: return set_numbers(c, o, text);
    case CLI_TEXTS: {
        cli_texts *to = o->to;
        if (to->n == CLI_MANY) return hg_fail(c->ctx, HG_USAGE, "--%s: more than %d of them", o->name, CLI_MANY);
        if (!*text) return hg_fail(c->ctx, HG_USAGE, "--%s: the text is empty", o->name);
        return (to->at[to->n++] = hg_arena_text(c->arena, text)) != NULL;
    }
    }
    return false;
}

/* What popt did not understand: the option's name and the nearest one that the verb has. */
static bool fail_popt(cli *c, const option_set *set, const char *word, int code)
{
    size_t n = strcspn(word, "=");
    const char *name = hg_arena_format(c->arena, "%.*s", (int)n, word);
    if (code != POPT_ERROR_BADOPT)
        return hg_fail(c->ctx, HG_USAGE, "%s: %s; see `hourglass help %s`", name ? name : word, poptStrerror(code),
                       c->verb->name);
    const char *names[MAX_OPTIONS + 1];
    for (int i = 0; i < set->n; i++) names[i] = hg_arena_format(c->arena, "--%s", set->rows[i]->name);
    names[set->n] = "--help";
    return hg_fail(c->ctx, HG_USAGE, "%s has no option '%s'%s See `hourglass help %s`", c->verb->name,
                   name ? name : word,
                   name && *cli_suggest(c, name, names, set->n + 1) ? cli_suggest(c, name, names, set->n + 1) : ".",
                   c->verb->name);
}

/* popt's options have one argument: `--range A B` becomes `--range=A,B`. */
static int join_ranges(cli *c, const option_set *set, int argc, char **argv, const char **words)
{
    int n = 0;
    for (int i = 0; i < argc && n < MAX_WORDS - 1; i++) {
        words[n] = argv[i];
        for (int k = 0; k < set->n && i + 2 < argc; k++) {
            if (set->rows[k]->kind != CLI_RANGE || strncmp(argv[i], "--", 2) != 0 ||
                strcmp(argv[i] + 2, set->rows[k]->name) != 0)
                continue;
            if (strchr(argv[i + 1], ',')) continue;
            words[n] = hg_arena_format(c->arena, "%s=%s,%s", argv[i], argv[i + 1], argv[i + 2]);
            i += 2;
            break;
        }
        n++;
    }
    words[n] = NULL;
    return n;
}

static bool take_arguments(cli *c, poptContext con)
{
    const char *word;
    while ((word = poptGetArg(con))) {
        if (c->n_args == c->verb->max_args)
            return hg_fail(c->ctx, HG_USAGE, "%s: what is '%s' for? Usage: hourglass %s %s; see `hourglass help %s`",
                           c->verb->name, word, c->verb->name, c->verb->arguments, c->verb->name);
        c->args[c->n_args++] = hg_arena_text(c->arena, word);
    }
    if (c->n_args >= c->verb->min_args) return !hg_failed(c->ctx);
    return hg_fail(c->ctx, HG_USAGE, "%s needs %s; see `hourglass help %s`", c->verb->name, c->verb->arguments,
                   c->verb->name);
}

bool cli_parse(cli *c, int argc, char **argv, bool *help)
{
    option_set set;
    const char *words[MAX_WORDS];
    if (argc >= MAX_WORDS) return hg_fail(c->ctx, HG_USAGE, "more than %d words", MAX_WORDS - 1);
    make_set(c, c->verb, &set);
    int n = join_ranges(c, &set, argc, argv, words);
    if (hg_failed(c->ctx)) return false;
    poptContext con = poptGetContext(NULL, n, words, set.all, POPT_CONTEXT_KEEP_FIRST);
    if (!con) return hg_fail_memory(c->ctx, 0);
    int code;
    bool ok = true;
    *help = false;
    while (ok && !*help && (code = poptGetNextOpt(con)) > 0) {
        char *text = poptGetOptArg(con);
        if (code > MAX_OPTIONS) *help = true;
        else ok = set_option(c, set.rows[code - 1], text ? text : "");
        free(text);
    }
    if (ok && !*help && code < -1) ok = fail_popt(c, &set, poptBadOption(con, 0), code);
    ok = ok && (*help || take_arguments(c, con));
    poptFreeContext(con);
    return ok;
}

bool cli_print_help(cli *c, const cli_verb *verb)
{
    option_set set;
    make_set(c, verb, &set);
    const char *name =
        hg_arena_format(c->arena, "hourglass %s%s%s", verb->name, *verb->arguments ? " " : "", verb->arguments);
    if (!name) return false;
    const char *words[] = {name, NULL};
    poptContext con = poptGetContext(name, 1, words, set.all, 0);
    if (!con) return hg_fail_memory(c->ctx, 0);
    printf("%s\n\n", verb->help);
    poptPrintHelp(con, stdout, 0);
    poptFreeContext(con);
    return true;
}
