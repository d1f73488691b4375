/* What `train` shows: a progress line on a terminal, a plain line per epoch, and the loss curves in the run's
 * directory. */
#ifndef HG_TOOLS_PROGRESS_H
#define HG_TOOLS_PROGRESS_H

#include <signal.h>
#include "cli.h"

typedef struct progress {
    cli *c;
    const char *dir;
    const hg_model *model;
    volatile sig_atomic_t *stop; /* not 0: a signal came */
    int batch;
    int64_t started;     /* the step that the run goes on from */
    double began, drawn; /* seconds; drawn: when the curves last were */
    double base_time;    /* time left is judged by the steps since then: the beginning, later the end of the first epoch */
    int64_t base_step, seen;
    double epoch_pictures, epoch_seconds; /* of training alone */
    hg_progress last;
} progress;

void progress_begin(progress *p);
double progress_elapsed(const progress *p);

/* The trainer's callback; `user` is a progress. */
bool progress_callback(void *user, const hg_progress *state);

/* Draws DIR/loss.png from DIR/log.jsonl. The callback does it every few seconds; call it once more at the end. */
bool progress_draw(progress *p);

#endif
