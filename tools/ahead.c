#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Programs out of a driver's cache take less than 0.1 s of processor time, built anew 0.5 s and more. */
static bool were_cached(const hg_net *net) { return hg_net_build_seconds(net) < 0.3; }

/* ---- the process that trains */

/* How this program is called once more: on Linux by a link to it, elsewhere by its name, which is looked for as the shell did. */
static const char *own_name(const cli *c)
{
    static const char link[] = "/proc/self/exe";
    return access(link, X_OK) == 0 ? link : c->program;
}

static bool start(cli *c, char *const *words, pid_t *id)
{
    posix_spawn_file_actions_t files;
    if (posix_spawn_file_actions_init(&files) != 0) return false;
    bool ok = true;
    for (int fd = STDIN_FILENO; ok && fd <= STDERR_FILENO; fd++)
        ok = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0) == 0;
    ok = ok && posix_spawnp(id, own_name(c), &files, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&files);
    return ok;
}

bool ahead_pays(hg_device *device, const hg_net *net)
{
    return hg_device_get_info(device)->type == HG_DEVICE_CPU && !were_cached(net);
}

void ahead_start(ahead *a, cli *c, hg_device *device, const hg_net *net, hg_precision precision, const char *tuning, const char *model)
{
    const long others = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    const int of = others > AHEAD_MOST ? AHEAD_MOST : (int)others;
    ahead_stop(a);
    while (a->n < of) {
        char *words[20];
        int n = 0;
        const char *const given[] = {
            c->program, "plan", model,
            "--compile", hg_arena_format(c->arena, "%d,%d", a->n + 1, of),
            "--batch", hg_arena_format(c->arena, "%d", hg_net_batch(net)),
            "--device", hg_arena_format(c->arena, "%d", hg_device_get_info(device)->index),
            "--precision", hg_precision_name(precision),
            c->kernels ? "--kernels" : NULL, c->kernels,
            c->variants ? "--variants" : NULL, c->variants,
            tuning ? "--tuning" : NULL, tuning,
        };
        for (size_t i = 0; i < sizeof given / sizeof *given; i++)
            if (given[i]) words[n++] = (char *)given[i];
        words[n] = NULL;
        if (!start(c, words, &a->ids[a->n])) break;
        a->n++;
    }
    if (a->n) hg_log(c->ctx, HG_LOG_DEBUG, "%d of %d other processes make machine code ahead", a->n, of);
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
        if (has_ended(a->ids[i], WNOHANG)) a->ids[i] = a->ids[--a->n];
}

void ahead_stop(ahead *a)
{
    for (int i = 0; i < a->n; i++) kill(a->ids[i], SIGKILL);
    while (a->n > 0) has_ended(a->ids[--a->n], 0);
}

/* ---- a process beside it */

static bool has_parent(void *user)
{
    return getppid() == *(const pid_t *)user;
}

bool ahead_work(hg_net *net, int which, int of)
{
    pid_t parent = getppid();
    if (!were_cached(net)) return true; /* the driver keeps nothing, or the net is not its parent's: tuned otherwise */
    return hg_net_compile(net, HG_PLAN_TRAIN, which - 1, of, has_parent, &parent);
}
