/* Machine code made ahead. PoCL makes a kernel's machine code when the kernel first runs, about 150 ms each, one after the other, since
 * its compiler serves one thread of a process at a time; but it keeps the code in a cache that processes share. So where that is cold,
 * processes beside this one make the code of the first step's kernels from the last one on, while this one runs them from the first
 * one on, until they meet. They are this program again, `hourglass plan --compile`. Tuning tells such processes, `hourglass tune
 * --compile`, which candidates it will try, and stops them while it measures. What becomes of them changes nothing but the time. */
#ifndef HG_TOOLS_AHEAD_H
#define HG_TOOLS_AHEAD_H

#include <sys/types.h>
#include "cli.h"

enum { AHEAD_MOST = 3 };
typedef struct ahead { pid_t ids[AHEAD_MOST]; int pipes[AHEAD_MOST], n, turn; } ahead; /* pipes: -1: it is told nothing */

/* Does it pay for a net that was just made to train? If the device is a processor whose driver had to build the net's programs. */
bool ahead_pays(hg_device *device, const hg_net *net);
/* Starts a process for every other core. `tuning` is --tuning for them, NULL: none is given; `model` is what the net's was opened by
 * (cli_open_model). Those of an earlier start are ended. */
void ahead_start(ahead *a, cli *c, hg_device *device, const hg_net *net, hg_precision precision, const char *tuning, const char *model);
/* The same for a tuning of the model. */
void ahead_start_tuning(ahead *a, cli *c, hg_device *device, hg_precision precision, int batch, const char *model);
/* Tells one of them, in turns, of a candidate; key NULL: all of them that those before are done. */
void ahead_tell(ahead *a, const char *key, const char *pick);
/* Stops all, or (false) lets them go on. */
void ahead_quiet(ahead *a, bool quiet);
/* Forgets those that have ended by themselves; does not wait. */
void ahead_reap(ahead *a);
/* Ends all, at once. */
void ahead_stop(ahead *a);

/* The work of process `which` of `of` (from 1), until it is done or the process that started it is gone. */
bool ahead_work(hg_net *net, int which, int of);
/* The work of a process that is told of candidates by its standard input. */
bool ahead_work_tuning(cli *c, hg_device *device, const hg_model *model, hg_precision precision, int batch);

#endif
