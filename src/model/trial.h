/* Trials: candidates for one operation of a model, run alone, checked and timed. What the tuner searches with.
 *
 * A candidate runs in a trial plan (hg_plan_trial): the operation alone, its blocks between guard zones, its inputs random, its results
 * filled with NaN. */
#ifndef HG_MODEL_TRIAL_H
#define HG_MODEL_TRIAL_H

#include "model/plan.h"
#include "model/variant.h"

enum { HG_MOST_RESULTS = 3 };

/* What an operation computed, as floats; half: stored as half. */
typedef struct hg_results { float *values[HG_MOST_RESULTS]; size_t counts[HG_MOST_RESULTS]; int n; bool half; } hg_results;

typedef struct hg_trials {
    hg_context *ctx;
    hg_device *dev;
    hg_arenas *arenas;
    int batch;
    float *noise;
    uint16_t *half_noise;    /* the same as half */
    hg_decision decision;    /* the operation at hand */
    hg_results expected;     /* what it must give; none before the first check */
    double terms;            /* products in a result */
} hg_trials;

/* Fills the arenas' parameters with random numbers. Close after a failure too. */
bool hg_trials_open(hg_trials *trials, hg_arenas *arenas, hg_device *dev, int batch);
void hg_trials_close(hg_trials *trials);
/* Goes on to an operation, whose strings outlive the trials of it. */
void hg_trials_turn(hg_trials *trials, const hg_decision *decision);
/* Asks the operation where it is emitted (hg_trial.pick); nothing is emitted. */
void hg_trials_ask(hg_trials *trials, bool (*ask)(void *, const hg_operation *, const hg_device_info *, const void *, hg_pick *), void *user);

/* A candidate's plan with the operation's launches, and what one run of them takes. */
typedef struct hg_attempt { hg_plan *plan; hg_pick pick; hg_launch *const *launches; int n; double seconds; } hg_attempt;

/* Builds it and runs it once. End after a failure too. */
bool hg_attempt_begin(hg_trials *trials, const hg_pick *pick, hg_attempt *attempt);
/* Has its machine code made, for other processes; it does not run. A candidate that fails leaves its message. */
bool hg_trials_compile(hg_trials *trials, const hg_pick *pick);
/* Are its results finite, within rounding of what is expected, its guard zones untouched, and its bits the same when it runs again? The
 * first that is checked becomes the expectation. Without a message where they are not. */
bool hg_attempt_check(hg_trials *trials, hg_attempt *attempt);
/* Times one or two attempts, in turns, because the speed of a shared machine drifts; the second may be given up when it is clearly
 * slower. */
bool hg_attempts_time(hg_trials *trials, hg_attempt *const *attempts, int n);
void hg_attempt_end(hg_attempt *attempt);

#endif
