/* Opening what verbs work on: models by name, devices, runs with their weights and data. */
#ifndef HG_TOOLS_OPEN_H
#define HG_TOOLS_OPEN_H

#include <jansson.h>
#include "cli.h"

/* A model file, the name of a built-in model, or a run (its model). Text and name live as long as the cli. */
hg_model *cli_open_model(cli *c, const char *name);

/* A built-in model: its name, text, and what the first line of its comment says. False past the last. */
typedef struct cli_builtin { const char *name, *text, *about; } cli_builtin;
bool cli_builtin_at(cli *c, int i, cli_builtin *out);

/* The device that --device names, else the environment's HOURGLASS_DEVICE, else `remembered`, else auto. Says which and
 * why. */
hg_device *cli_open_device(cli *c, const char *remembered);

/* What --precision names, else `remembered` (a checkpoint's "precision"; NULL: full). */
bool cli_precision(cli *c, const char *remembered, hg_precision *precision);

/* What `train` remembers of its command line in the checkpoint, as JSON. */
typedef struct cli_memory {
    const char *data;    /* NULL: the built-in digits */
    int resize[2];
    double split;        /* 0: the files' own test part */
    int64_t skip, limit; /* 0: none, all */
    int64_t seed;        /* of data and net */
    int64_t batch;       /* 0: the model's */
    int64_t log_every, save_every;
    const char *device, *variants;
} cli_memory;
/* Fills in what the text has; strings live as long as the cli. NULL or damaged text: everything stays as it is. */
void cli_memory_read(cli *c, const char *json, cli_memory *memory);
/* The text; lives as long as the cli. NULL on failure. */
const char *cli_memory_write(cli *c, const cli_memory *memory);

/* The data that --data names, else the remembered; pictures of the shape [C, H, W]. */
hg_dataset *cli_open_data(cli *c, const int shape[3], const cli_memory *memory);
/* Does --data name other data than the remembered? */
bool cli_data_is_other(cli *c, const cli_memory *memory);

/* A run opened for use: weights on the device, and the data where asked for. Zero-initialise. */
typedef struct cli_run {
    cli *c;
    hg_checkpoint_info *info;
    cli_memory memory;
    hg_model *model;
    hg_device *device;
    hg_tuning *tuning;
    hg_precision precision;
    hg_net *net;
    hg_dataset *data;
    bool as_input;                 /* set before cli_run_open: the dataset's pictures are the network's input, not the target */
    int in[3], out[3], code[3];    /* shapes [C, H, W]; a flat code is [Z, 1, 1]; the dataset's pictures have the output's */
    size_t in_n, out_n, code_n;    /* numbers in each */
} cli_run;

/* What the option --as-input says. */
#define CLI_AS_INPUT "the pictures are what the network sees: the model's `corrupt` is left out"

/* Model and shapes only, so that a verb can refuse a model before a device is opened. */
bool cli_run_read(cli *c, const char *path, cli_run *run);
/* Device, net, weights, and with `data` the dataset. */
bool cli_run_open(cli_run *run, bool data);
void cli_run_close(cli_run *run);
/* What the run's net was made with, for further nets of it. */
hg_net_params cli_run_net_params(const cli_run *run);

/* Where --data names other data: what the run was trained on; the caller's to close. NULL where it does not, or, with a warning, where the
 * run's own cannot be read any more. */
hg_dataset *cli_run_own_data(cli_run *run);

/* How many pictures verbs that go through a whole part hold at a time: at most `most`, and 2^24 numbers. */
int64_t cli_run_piece(const cli_run *run, int64_t most);
/* n pictures of a part from `first` on, [n, C, H, W] in a fresh block (hg_free). */
float *cli_run_pictures(cli_run *run, hg_part part, int64_t first, int64_t n);
/* What the network sees of them: corrupted where the model has `corrupt`. */
float *cli_run_inputs(cli_run *run, hg_part part, int64_t first, int64_t n);
/* The labels that the model is told with them, in a fresh block; NULL where it has no `condition`. */
bool cli_run_labels(cli_run *run, hg_part part, int64_t first, int64_t n, int **labels);
/* Their codes, and their reconstructions, from inputs x that cli_run_inputs gave: with their labels where the model has `condition`. */
bool cli_run_encode(cli_run *run, hg_part part, int64_t first, int64_t n, const float *x, float *codes);
bool cli_run_reconstruct(cli_run *run, hg_part part, int64_t first, int64_t n, const float *x, float *y);
/* The codes of the first n pictures of a part, [n, code] in a fresh block; in pieces, so that the pictures never are in
 * memory as a whole. */
float *cli_run_codes(cli_run *run, hg_part part, int64_t n);

/* An option --label for codes that come from elsewhere than a picture; -1: not given. */
#define CLI_LABEL(to) {"label", CLI_INT, to, 0, INT32_MAX, "L", "of a model with `condition`: the class that is asked for"}
/* Fails unless that is given where the model needs it, one that it has, and only there. */
bool cli_run_need_label(cli_run *run, int64_t label);
/* Decodes n codes as pictures of the class `label`, which is not read where the model has no `condition`. */
bool cli_run_decode(cli_run *run, int64_t label, int64_t n, const float *codes, float *y);

/* Fails unless the model has a Gaussian latent: `why` completes the message. */
bool cli_run_need_latent(cli_run *run, const char *why);
/* Fails unless the pictures can be drawn: 1 or 3 channels. */
bool cli_run_need_pictures(cli_run *run);
/* Draws n pictures [n, C, H, W], of the output's shape, into a grid of about `columns` (0: nearly square) and saves it.
 */
bool cli_run_draw(cli_run *run, const float *pictures, int64_t n, int64_t columns, const char *path);

#endif
