/* hourglass bench, what its files share: what is measured, and what came out. */
#ifndef HG_TOOLS_BENCH_H
#define HG_TOOLS_BENCH_H

#include "open.h"

/* A device by its index; texts live as long as the cli. */
typedef struct bench_device { const char *select, *name, *driver, *platform; } bench_device;

typedef struct bench_model { const char *name; hg_model *model; } bench_model;

/* One line of the table: a model in training or inference, or a layer in one direction. */
typedef struct bench_result {
    const bench_device *device;
    const char *model, *mode;     /* "train", "infer"; of a layer "forward", "data gradient", "weight gradient", "update" */
    const char *layer, *kind;     /* "encoder.0", "conv2d"; NULL: the whole model */
    int batch;
    double ms, ms_min, ms_max;    /* of a step: median, least and most of the repetitions */
    double gflop, gbyte;          /* of a step */
    hg_roofs before, after;       /* probes around the repetitions */
    double floor_ms;              /* of a layer: what its FLOP or bytes take at the roof */
    double loss;                  /* training: of step BENCH_LOSS_STEP; inference: mean squared error. NAN: none */
    int untuned;                  /* operations whose variant is neither forced nor tuned */
    double first_ms, warm_ms;     /* from making the net to the end of its first step: as found, and once more */
    uint64_t memory, peak;        /* bytes: the net's on the device; the process's resident peak, with the net's making */
    hg_status status;             /* not HG_OK: `message` says what failed, and there are no figures */
    const char *message;
} bench_result;

enum { BENCH_LOSS_STEP = 10 };

typedef struct bench {
    cli *c;
    int batch, repeats;           /* batch 0: the model's */
    double seconds;               /* of a repetition */
    bool layers;
    bench_device *devices;
    bench_model *models;
    int n_devices, n_models;
    bench_result *results;
    int n_results, room;
} bench;

/* Adds a result; NULL without memory. Valid until the next one is added. */
bench_result *bench_add(bench *b);
/* A failure of the context becomes one of this model and mode, and the context is clear again. */
void bench_add_failure(bench *b, const bench_device *device, const bench_model *model, const char *mode);

/* Roofs as their mean before and after, for GFLOP/s and GB/s; whether they differ so much that the machine was unsteady. */
hg_roofs bench_roofs(const bench_result *r);
bool bench_is_unsteady(const bench_result *r);
/* Of the roof: FLOP/s over the probe's; of a layer, the floor's time over its own. */
double bench_share(const bench_result *r);
/* "cold" where the first step took much longer than when it was repeated, else "warm". */
const char *bench_temperature(const bench_result *r);

/* Everything of one model on one device. Failures are results. False where the device is of no further use. */
bool bench_measure(bench *b, const bench_device *device, const bench_model *model);

/* A model on a freshly opened device, its first step done. */
typedef struct bench_subject {
    const hg_dataset *data;
    hg_device *device;
    hg_tuning *tuning;
    hg_net *net;
    hg_bench *bench;
    double first_ms;
} bench_subject;
bool bench_open(bench *b, const bench_device *device, const bench_model *model, const hg_dataset *data, hg_bench_mode mode,
                bench_subject *s);
void bench_close(bench_subject *s);
/* Layer by layer: the launches of the training plan, each on its own. */
bool bench_measure_layers(bench *b, const bench_device *device, const bench_model *model, bench_subject *s);

/* The table on standard output: a device's heading, the results from `first` on, its roofs. */
void bench_print_heading(const bench *b, const bench_device *device);
void bench_print_results(const bench *b, int first);
void bench_print_roofs(const bench *b, const bench_device *device);
bool bench_write_json(const bench *b, const char *path);
bool bench_draw(const bench *b, const char *path);

/* Reads two files that --json wrote and prints how many times as fast the second's results are. */
bool bench_compare(cli *c, const char *const paths[2]);

#endif
