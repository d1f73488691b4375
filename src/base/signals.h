/* Signals belong to the program's own threads. While they are held, the calling thread gets none, and threads that are started inherit
 * that; those that arrive meanwhile wait until they are let through, where no other thread takes them.
 *
 * Drivers are loaded and programs are built so: a compiler that runs in the process (LLVM in PoCL) has a handler of its own that removes
 * its unfinished files, and the build that needs them then fails. */
#ifndef HG_BASE_SIGNALS_H
#define HG_BASE_SIGNALS_H

#include <signal.h>

void hg_signals_hold(sigset_t *before);
void hg_signals_let_through(const sigset_t *before);

#endif
