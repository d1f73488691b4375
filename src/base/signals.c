#include "base/signals.h"

#include <pthread.h>

void hg_signals_hold(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void hg_signals_let_through(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
