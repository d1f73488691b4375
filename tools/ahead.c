#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

extern char **environ;

enum { MOST_LINE = 512 };

/* ---- the process that trains */

/* How this program is called once more: on Linux by a link to it, elsewhere by its name, which is looked for as the shell did. */
static const char *own_name(const cli *c)
{
    static const char link[] = "/proc/self/exe";
    return access(link, X_OK) == 0 ? link : c->program;
}

/* `input`: what it reads; -1: nothing. */
static bool start(cli *c, char *const *words, int input, pid_t *id)
{
    posix_spawn_file_actions_t files;
    if (posix_spawn_file_actions_init(&files) != 0) return false;
    bool ok = true;
    for (int fd = STDIN_FILENO; ok && fd <= STDERR_FILENO; fd++)
        ok = fd == STDIN_FILENO && input >= 0 ? posix_spawn_file_actions_adddup2(&files, input, fd) == 0
                                              : posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0) == 0;
    ok = ok && posix_spawnp(id, own_name(c), &files, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&files);
    return ok;
}

bool ahead_pays(hg_device *device, const hg_net *net)
{
    return hg_device_get_info(device)->type == HG_DEVICE_CPU && hg_net_was_compiled(net);
}

enum { MOST_WORDS = 20 };

/* This program's words for the work of a process. */
static void words_for(cli *c, char *words[MOST_WORDS], hg_device *device, hg_precision precision, int batch, const char *tuning,
                      const char *verb, const char *model, const char *compile, const char *part)
{
    int n = 0;
    const char *const given[] = {
        c->program, verb, model, compile, part,
        "--batch", hg_arena_format(c->arena, "%d", batch),
        "--device", hg_arena_format(c->arena, "%d", hg_device_get_info(device)->index),
        "--precision", hg_precision_name(precision),
        c->kernels ? "--kernels" : NULL, c->kernels,
        c->variants ? "--variants" : NULL, c->variants,
        tuning ? "--tuning" : NULL, tuning,
    };
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i]) words[n++] = (char *)given[i];
    words[n] = NULL;
}

static int other_cores(void)
{
    const long others = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    return others > AHEAD_MOST ? AHEAD_MOST : (int)others;
}

void ahead_start(ahead *a, cli *c, hg_device *device, const hg_net *net, hg_precision precision, const char *tuning, const char *model)
{
    const int of = other_cores();
    ahead_stop(a);
    while (a->n < of) {
        char *words[MOST_WORDS];
        const char *part = hg_arena_format(c->arena, "%d,%d", a->n + 1, of);
        words_for(c, words, device, precision, hg_net_batch(net), tuning, "plan", model, "--compile", part);
        a->pipes[a->n] = -1;
        if (!start(c, words, -1, &a->ids[a->n])) break;
        a->n++;
    }
    if (a->n) hg_log(c->ctx, HG_LOG_DEBUG, "%d of %d other processes make machine code ahead", a->n, of);
}

void ahead_start_tuning(ahead *a, cli *c, hg_device *device, hg_precision precision, int batch, const char *model)
{
    ahead_stop(a);
    while (hg_device_get_info(device)->type == HG_DEVICE_CPU && a->n < other_cores()) {
        char *words[MOST_WORDS];
        int ends[2];
        words_for(c, words, device, precision, batch, "none", "tune", model, "--compile", NULL);
        if (pipe(ends) != 0) break;
        /* written without waiting: what a process has no room for it is not told of */
        for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        const bool ok = start(c, words, ends[0], &a->ids[a->n]);
        close(ends[0]);
        a->pipes[a->n] = ends[1];
        if (!ok) close(ends[1]);
        if (!ok) break;
        a->n++;
    }
    if (a->n) hg_log(c->ctx, HG_LOG_DEBUG, "%d other processes make candidates' machine code", a->n);
}

static void tell(int pipe, const char *key, const char *pick)
{
    char line[MOST_LINE];
    const int n = key ? snprintf(line, sizeof line, "%s\t%s\n", key, pick) : snprintf(line, sizeof line, "\n");
    if (pipe >= 0 && n > 0 && n < (int)sizeof line && write(pipe, line, (size_t)n) != n) return; /* gone, or it has no room */
}

void ahead_tell(ahead *a, const char *key, const char *pick)
{
    for (int i = 0; !key && i < a->n; i++) tell(a->pipes[i], NULL, NULL);
    if (key && a->n) tell(a->pipes[a->turn++ % a->n], key, pick);
}

void ahead_quiet(ahead *a, bool quiet)
{
    for (int i = 0; i < a->n; i++) kill(a->ids[i], quiet ? SIGSTOP : SIGCONT);
}

static bool has_ended(pid_t id, int how)
{
    int status;
    pid_t done;
    while ((done = waitpid(id, &status, how)) < 0 && errno == EINTR) {}
    return done != 0;
}

void ahead_reap(ahead *a)
{
    for (int i = a->n - 1; i >= 0; i--)
        if (has_ended(a->ids[i], WNOHANG)) {
            if (a->pipes[i] >= 0) close(a->pipes[i]);
            a->ids[i] = a->ids[--a->n];
            a->pipes[i] = a->pipes[a->n];
        }
}

void ahead_stop(ahead *a)
{
    for (int i = 0; i < a->n; i++) kill(a->ids[i], SIGKILL);
    for (; a->n > 0; a->n--) {
        has_ended(a->ids[a->n - 1], 0);
        if (a->pipes[a->n - 1] >= 0) close(a->pipes[a->n - 1]);
    }
}

/* ---- a process beside it */

static bool has_parent(void *user)
{
    return getppid() == *(const pid_t *)user;
}

bool ahead_work(hg_net *net, int which, int of)
{
    pid_t parent = getppid();
    if (hg_net_was_compiled(net)) return true; /* the driver keeps nothing, or the net is not its parent's: tuned otherwise */
    return hg_net_compile(net, HG_PLAN_TRAIN, which - 1, of, has_parent, &parent);
}

/* Lines "KEY<tab>PICK"; an empty one: those before it are done. */
typedef struct teller { char text[1 << 16]; size_t at, end; bool ended; } teller;

/* Takes what there is without waiting, or waits until there is something. */
static void hear(teller *t, bool wait)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    memmove(t->text, t->text + t->at, t->end - t->at);
    t->end -= t->at, t->at = 0;
    while (!t->ended && t->end < sizeof t->text) {
        const int ready = poll(&input, 1, wait ? -1 : 0);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return;
        const ssize_t n = ready < 0 ? 0 : read(STDIN_FILENO, t->text + t->end, sizeof t->text - t->end);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) t->ended = true;
        else t->end += (size_t)n;
        wait = false;
    }
}

/* Passes over what is done. */
static void skip_done(teller *t)
{
    for (size_t i = t->at; i < t->end; i++)
        if (t->text[i] == '\n' && (i == t->at || t->text[i - 1] == '\n')) t->at = i + 1;
}

static bool next_candidate(void *user, const char **key, const char **pick)
{
    teller *t = user;
    for (;;) {
        hear(t, false);
        skip_done(t);
        char *line = t->text + t->at, *end = memchr(line, '\n', t->end - t->at);
        char *tab = end ? memchr(line, '\t', (size_t)(end - line)) : NULL;
        if (t->ended || (!end && t->end - t->at == sizeof t->text)) return false;
        if (!end) {
            hear(t, true);
            continue;
        }
        t->at += (size_t)(end + 1 - line);
        if (!tab) continue;
        *tab = *end = 0;
        *key = line;
        *pick = tab + 1;
        return true;
    }
}

bool ahead_work_tuning(cli *c, hg_device *device, const hg_model *model, hg_precision precision, int batch)
{
    const hg_tune_params params = {.batch = batch, .precision = precision};
    teller *t = hg_alloc(c->ctx, 1, sizeof *t);
    const bool ok = t && hg_tune_compile(device, model, &params, next_candidate, t);
    hg_free(t);
    return ok;
}
