/* Learning-rate schedules: the rate of a step, from 1. Each can warm up: the rate then grows linearly over its first steps. */
#include <math.h>
#include "model/loss.h"

typedef struct constant_options { int warmup; } constant_options;
typedef struct exponential_options { int warmup; double rate, floor; } exponential_options;
typedef struct cosine_options { int warmup; double floor; } cosine_options;

#define WARMUP(S) {"warmup", "steps over which the rate grows linearly from 0", offsetof(S, warmup), HG_OPTION_INT, 0, 0, 1e9}

static double warm(int warmup, int64_t step, double rate)
{
    return step < warmup ? rate * (double)step / warmup : rate;
}

static const hg_option constant_table[] = {WARMUP(constant_options), {0}};

static double constant_rate(const void *options, double lr, int64_t step, int64_t steps)
{
    (void)steps;
    return warm(((const constant_options *)options)->warmup, step, lr);
}

static const hg_option exponential_table[] = {
    {"rate", "factor per step", offsetof(exponential_options, rate), HG_OPTION_FLOAT, 0.9999, 0, 1},
    {"floor", "what the rate falls to", offsetof(exponential_options, floor), HG_OPTION_FLOAT, 0, 0, 1e6},
    WARMUP(exponential_options),
    {0},
};

/* (lr - floor) rate^(step - 1) + floor */
static double exponential_rate(const void *options, double lr, int64_t step, int64_t steps)
{
    const exponential_options *o = options;
    (void)steps;
    return warm(o->warmup, step, (lr - o->floor) * pow(o->rate, (double)(step - 1)) + o->floor);
}

static const hg_option cosine_table[] = {
    {"floor", "the rate of the last step", offsetof(cosine_options, floor), HG_OPTION_FLOAT, 0, 0, 1e6},
    WARMUP(cosine_options),
    {0},
};

/* floor + (lr - floor) (1 + cos(pi t)) / 2 with t from 0 at the end of the warm-up to 1 at the last step */
static double cosine_rate(const void *options, double lr, int64_t step, int64_t steps)
{
    const cosine_options *o = options;
    double span = (double)(steps - o->warmup - 1), t = span > 0 ? (double)(step - o->warmup - 1) / span : 1;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return warm(o->warmup, step, o->floor + (lr - o->floor) * 0.5 * (1 + cos(3.14159265358979323846 * t)));
}

static const hg_schedule constant = {{"constant", "the same rate all the time", constant_table, sizeof(constant_options)}, constant_rate};
static const hg_schedule exponential = {{"exponential", "falls by a factor per step towards a floor", exponential_table, sizeof(exponential_options)}, exponential_rate};
static const hg_schedule cosine = {{"cosine", "falls along half a cosine over all steps", cosine_table, sizeof(cosine_options)}, cosine_rate};
const hg_descriptor *const hg_schedules[] = {&constant.head, &exponential.head, &cosine.head, NULL};
