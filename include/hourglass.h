/* Hourglass: trains and runs autoencoders on any OpenCL device.
 *
 * This is the whole public surface, in the order in which data flows:
 * context -> device -> model -> dataset -> tuning -> net -> trainer -> pictures.
 *
 * Errors. A function that can fail returns bool, or a pointer that is NULL on failure. The place that knows most
 * writes exactly one message into the context (hg_message) together with a status (hg_status) that is also the
 * program's exit code. The library never prints, never exits and never reads the environment.
 *
 * Threads. A context and what was made from it belong to one thread at a time; the library's own helper threads
 * are not visible. Every destroy/close accepts NULL.
 *
 * Shapes. B batch, C channels, H W height and width, K kernel, S stride, P padding, N in features, M out features,
 * Z latent units. Arrays that cross this surface are float32, row-major, in PyTorch's order [B, C, H, W].
 *
 * Params structs. A zeroed params struct is always valid and means "choose for me"; the field's comment says what
 * is then chosen. */
#ifndef HOURGLASS_H
#define HOURGLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HG_VERSION "0.1.0"

/* ---------------------------------------------------------------- context */

/* What went wrong, also the program's exit codes. */
typedef enum hg_status {
    HG_OK = 0,
    HG_INTERNAL = 1,      /* a fault of Hourglass itself, or no host memory */
    HG_USAGE = 2,         /* a wrong call or command line */
    HG_BAD_INPUT = 3,     /* a file that cannot be read or does not make sense */
    HG_NO_DEVICE = 4,     /* no suitable OpenCL device */
    HG_KERNEL_BUILD = 5,  /* a kernel did not build */
    HG_DEVICE_MEMORY = 6, /* the device's memory does not suffice */
    HG_DEVICE_LOST = 7,   /* the device stopped working */
    HG_OUTPUT = 8,        /* an output file or disk */
    HG_DIVERGED = 9,      /* training produced NaN or infinity */
    HG_SELF_TEST = 10,    /* the device computes wrong results */
    HG_BUSY = 11,         /* the run directory is used by another process */
} hg_status;

typedef struct hg_context hg_context;

typedef enum hg_level { HG_LOG_DEBUG, HG_LOG_INFO, HG_LOG_WARNING } hg_level;

/* Receives one line of text without newline. May be called from the thread that called the library only. */
typedef void hg_log_fn(void *user, hg_level level, const char *text);

/* `log` may be NULL. NULL only when no memory is left. */
hg_context *hg_context_create(hg_log_fn *log, void *user);
void hg_context_destroy(hg_context *ctx);

/* HG_OK, or the status of the first failure since the last clear. */
hg_status hg_context_status(const hg_context *ctx);

/* The message of that failure ("" if none): what failed, where, and what to try. Valid until the next clear. */
const char *hg_message(const hg_context *ctx);
void hg_context_clear(hg_context *ctx);

/* ---------------------------------------------------------------- devices */

typedef enum hg_device_type { HG_DEVICE_CPU, HG_DEVICE_GPU, HG_DEVICE_ACCELERATOR } hg_device_type;

/* One OpenCL device as queried. Strings live as long as the list or device it came from. */
typedef struct hg_device_info {
    int index;            /* place in the list, counted over all platforms */
    const char *platform; /* platform name */
    const char *name;     /* device name */
    const char *vendor;
    const char *driver;   /* driver version */
    const char *version;  /* CL_DEVICE_VERSION */
    hg_device_type type;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint64_t memory;        /* global memory, bytes */
    uint64_t max_alloc;     /* largest single buffer, bytes */
    uint64_t local_memory;  /* per work-group, bytes */
    uint64_t max_work_group;/* work-items */
    uint32_t vector_width;  /* native float vector width; 1 means that the driver vectorises over work-items */
    uint32_t base_align;    /* sub-buffer alignment, bytes */
    bool unified;           /* host and device share memory */
    bool fp16, fp64, subgroups, command_buffer;
    bool usable;            /* has a compiler and is available */
    double score;           /* by which `auto` chooses; higher is better */
    const char *why;        /* one line: how the score came about */
} hg_device_info;

typedef struct hg_device_list hg_device_list;

/* Lists every device of every platform; a platform that fails is skipped with a warning. An empty list is no error. */
hg_device_list *hg_devices(hg_context *ctx);
int hg_devices_count(const hg_device_list *list);
const hg_device_info *hg_devices_at(const hg_device_list *list, int index);
void hg_devices_destroy(hg_device_list *list);

typedef struct hg_device hg_device;

typedef struct hg_device_params {
    const char *select;     /* NULL or "auto": highest score; "gpu", "cpu"; an index; part of a name (case-insensitive) */
    const char *kernel_dir; /* NULL: the embedded kernels; else a folder with the .cl files, read at every build */
    const char *variants;   /* NULL: heuristics choose; else forced variants: "plain" or "conv_forward=gpu,conv_data=plain" */
} hg_device_params;

/* Opens a device: context, queue. `params` may be NULL. Fails with HG_NO_DEVICE (none, none that fits, several that fit). */
hg_device *hg_device_open(hg_context *ctx, const hg_device_params *params);
const hg_device_info *hg_device_get_info(const hg_device *dev);
void hg_device_close(hg_device *dev);

/* What the device can do at most, as probe kernels measure it at this moment. */
typedef struct hg_roofs {
    double flops; /* per second: float multiply-adds, each two, in chains that lie in registers */
    double bytes; /* per second: read and written by the copy of an array that caches do not hold */
} hg_roofs;
/* Takes about 0.2 s and up to 128 MiB of device memory for that time. The device must be idle. */
bool hg_device_probe(hg_device *dev, hg_roofs *roofs);

/* ---------------------------------------------------------------- models */

typedef struct hg_model hg_model; /* a parsed and checked model: layers with shapes, loss, optimizer; no device */

/* Reads a model file (YAML, see README). Errors name file, line, column, and what was expected. */
hg_model *hg_model_load(hg_context *ctx, const char *path);
/* The same from text; `name` stands for the file in messages. */
hg_model *hg_model_parse(hg_context *ctx, const char *name, const char *text, size_t length);
/* The same model for inputs (what the encoder sees) of another size: convolutional models work at any that their strides, paddings and
 * pools lead back to the picture's. The parameters keep their names and shapes: weights come with hg_net_load or hg_net_copy. Fails with
 * HG_BAD_INPUT and says which layer fixes the size (flatten, dense, reshape and a latent do), or which sizes fit. */
hg_model *hg_model_resize(const hg_model *model, int height, int width);
/* Raises both to the smallest that hg_model_resize takes: pictures can be padded to it, and what comes out cropped. Fails as that does
 * where a layer fixes the size. */
bool hg_model_fit(const hg_model *model, int *height, int *width);
void hg_model_destroy(hg_model *model);

const char *hg_model_name(const hg_model *model);
const char *hg_model_text(const hg_model *model);   /* the YAML it was made from */
void hg_model_input(const hg_model *model, int *channels, int *height, int *width);  /* what the encoder sees */
/* The dataset's pictures, with which the output is compared: the input's shape, or another where `corrupt` has a downscale. */
void hg_model_target(const hg_model *model, int *channels, int *height, int *width);
void hg_model_output(const hg_model *model, int *channels, int *height, int *width); /* that of the target */
void hg_model_code(const hg_model *model, int *channels, int *height, int *width); /* flat codes: [Z, 1, 1] */
bool hg_model_is_variational(const hg_model *model);
bool hg_model_is_adversarial(const hg_model *model); /* a discriminator keeps its codes near a prior */
/* Standard deviation of the prior N(0, std^2) that the codes are trained towards; 0: there is none, as in a plain autoencoder. */
double hg_model_prior(const hg_model *model);
int hg_model_labels(const hg_model *model);         /* condition: {labels}: encoder and decoder are told labels 0 .. labels - 1; 0: they are not */
bool hg_model_is_corrupted(const hg_model *model);  /* `corrupt` makes the input from the target; else both are one */
const char *hg_model_loss(const hg_model *model);   /* what measures the reconstruction: "mse", "bce" */
int64_t hg_model_parameters(const hg_model *model); /* trainable numbers */
int hg_model_batch(const hg_model *model);          /* train: {batch}, default 128 */
int hg_model_epochs(const hg_model *model);         /* train: {epochs}, default 10 */
/* Steps of an epoch: examples / batch, rounded up, or down with train: {drop_last}. */
int64_t hg_model_steps(const hg_model *model, int64_t examples, int batch);

/* The table behind `hourglass help LAYER` and the documentation. */
typedef struct hg_help_entry {
    const char *group; /* "layer", "loss", "optimizer", "activation", "initializer", "schedule", "latent", "corruption", "key" */
    const char *name, *help;
    const struct hg_option *options;
} hg_help_entry;
/* Entry i of all descriptors; false past the last. */
bool hg_help(int i, hg_help_entry *entry);
/* Writes the option table of an entry as text lines into buf (always terminated if size > 0); returns the length needed. */
size_t hg_help_text(hg_context *ctx, const hg_help_entry *entry, char *buf, size_t size);

/* ---------------------------------------------------------------- data */

typedef struct hg_dataset hg_dataset;

typedef enum hg_part { HG_TRAIN, HG_TEST } hg_part;

typedef struct hg_dataset_params {
    const char *path;    /* NULL: the built-in digits; else a folder: IDX, CIFAR-10 binary batches, or PNG files */
    int channels, height, width; /* what the model wants (hg_model_target); 0: what the files have. Other sizes are an error unless resize */
    int resize_height, resize_width; /* 0: sizes must agree; else all pictures are resized (area average down, bilinear up) */
    uint64_t seed;       /* built-in digits, and the split where the files have no test part */
    double split;        /* 0: the files' own test part, or a tenth at random where they have none; else this share of the training part, at random */
    int64_t skip;        /* the first N training examples are left out */
    int64_t limit;       /* 0: all; else the first N training examples (of those that are left) */
    int64_t builtin_train, builtin_test; /* 0: 10,000 and 2,000 built-in digits */
} hg_dataset_params;

/* Opens and reads a dataset into host memory as bytes. Fails with HG_BAD_INPUT: the file, what is wrong, what to try. */
hg_dataset *hg_dataset_open(hg_context *ctx, const hg_dataset_params *params);
void hg_dataset_close(hg_dataset *data);
int64_t hg_dataset_count(const hg_dataset *data, hg_part part);
void hg_dataset_shape(const hg_dataset *data, int *channels, int *height, int *width);
const char *hg_dataset_name(const hg_dataset *data);     /* one line: format, counts, sizes */
int hg_dataset_classes(const hg_dataset *data);          /* 0: no labels */
const char *hg_dataset_class_name(const hg_dataset *data, int label);
int hg_dataset_label(const hg_dataset *data, hg_part part, int64_t index); /* -1: none */
/* Fails with HG_BAD_INPUT where the model has `condition` and the data no labels, or more classes than that. */
bool hg_dataset_labels_suit(const hg_dataset *data, const hg_model *model);
/* Copies example `index` as [C, H, W] floats in [0, 1] (bytes / 255). */
void hg_dataset_get(const hg_dataset *data, hg_part part, int64_t index, float *out);

/* ---------------------------------------------------------------- precision */

/* How the values of tensors between layers are stored. Arithmetic, parameters, gradients and optimizer state are float32 in
 * either case, and so are the input, the code, the latent distribution and the output. */
typedef enum hg_precision {
    HG_PRECISION_FULL,  /* float32 */
    HG_PRECISION_MIXED, /* float16: half the memory and traffic; beyond 65504 values become infinite */
} hg_precision;
const char *hg_precision_name(hg_precision precision); /* "full", "mixed"; NULL past the last */

/* ---------------------------------------------------------------- tuning: the fastest kernels of a device */

/* Which variant of its kernels computes which operation, as timing has chosen it on one device with one driver. Nets made with a
 * tuning use it; operations that it does not know are computed by the variants that are expected to be good. Bits are the same for
 * the same device and tuning. */
typedef struct hg_tuning hg_tuning;

/* Reads the file `path`, if it is there; NULL: an empty tuning that lives in memory only. A file that is damaged or speaks of
 * another device, driver or version is passed over with a note. */
hg_tuning *hg_tuning_open(hg_device *dev, const char *path);
/* Takes over what a text in the file's format says, e.g. a checkpoint's "tuning"; `name` stands for it in notes. `*fits` (may be
 * NULL): it is for this device, driver and version; else nothing is taken over. */
bool hg_tuning_add_text(hg_tuning *tuning, const char *name, const char *text, bool *fits);
int hg_tuning_count(const hg_tuning *tuning); /* operations */
/* Writes the file; done by hg_tune as well. Nothing to do where there is none. HG_OUTPUT. */
bool hg_tuning_save(hg_tuning *tuning);
void hg_tuning_close(hg_tuning *tuning);

typedef struct hg_tune_progress {
    int operation, operations;     /* at hand (from 1), in all */
    const char *key;               /* "conv_forward 1x28x28 16x28x28 k3x3 s1x1 p1x1 b128 bias" (large side, small side) */
    const char *pick;              /* the candidate just timed, variant and parameters: "cpu:8:2:1:6"; "": the operation is done */
    double seconds;                /* of one run of it */
    const char *best;              /* the best so far */
    double best_seconds;
    double default_seconds;        /* when the operation is done: of what is chosen without tuning; 0: not known */
} hg_tune_progress;

typedef struct hg_tune_params {
    int batch;                     /* 0: the model's */
    double seconds;                /* about so long in all, shared out by the operations' weight; 0: until nothing gains any more */
    hg_precision precision;        /* of the nets that it is for */
    bool again;                    /* operations that the tuning knows already, too */
    bool (*progress)(void *user, const hg_tune_progress *progress); /* after every candidate; false: stop, and keep what is done */
    /* For processes that make machine code meanwhile (hg_tune_compile); each may be NULL. `coming`: a candidate that will be tried before
     * long; key NULL: those that were told of before are done. `quiet`: from now on nothing may disturb, or (false) may again. */
    void (*coming)(void *user, const char *key, const char *pick);
    void (*quiet)(void *user, bool quiet);
    void *user;
} hg_tune_params;

/* Times the candidates for the operations of a model's training step and saves the choices. A candidate must give the plain
 * variant's results, twice the same bits, before it may win; one that takes the process down is remembered in the file and left
 * out the next time. HG_BUSY: another process is tuning with this file. */
bool hg_tune(hg_device *dev, const hg_model *model, hg_tuning *tuning, const hg_tune_params *params);
/* For a process beside the one that tunes, with the same model, batch and precision: has drivers that make a kernel's machine code at its
 * first run make it for candidates, and keep it in the cache that processes share. `next` gives their keys and picks, texts that
 * stay until it is called again; false ends it. Candidates that fail are left out. */
bool hg_tune_compile(hg_device *dev, const hg_model *model, const hg_tune_params *params,
                     bool (*next)(void *user, const char **key, const char **pick), void *user);

/* ---------------------------------------------------------------- net: a model on a device */

typedef struct hg_net hg_net;

typedef struct hg_net_params {
    int batch;       /* largest batch; 0: the model's */
    uint64_t seed;   /* initial weights and all later random draws */
    bool inference;  /* no gradients and optimizer state: less memory, hg_trainer_create refuses */
    const hg_tuning *tuning; /* of the same device; outlives the net. NULL: none */
    hg_precision precision; /* of all values between layers */
} hg_net_params;

/* Plans, builds the kernels and allocates. Fails with HG_DEVICE_MEMORY (says what needs how much and the batch that
 * would fit) or HG_KERNEL_BUILD. */
hg_net *hg_net_create(hg_device *dev, const hg_model *model, const hg_net_params *params);
void hg_net_destroy(hg_net *net);
const hg_model *hg_net_model(const hg_net *net);
int hg_net_batch(const hg_net *net);
/* Did a CPU device's driver compile its programs, so that it takes its time for their machine code too? False where it had them in its
 * cache, which is told by the processor time that a kernel took. */
bool hg_net_was_compiled(const hg_net *net);
/* Operations of its training step whose variant is neither forced nor tuned. */
int hg_net_untuned(const hg_net *net);

/* Weights as safetensors: a weights file or a checkpoint. Differences to the model are all listed in one message. */
bool hg_net_load(hg_net *net, const char *path);
bool hg_net_save(hg_net *net, const char *path);
/* Takes over the weights of another net of the same model, or of one that hg_model_resize made from it. */
bool hg_net_copy(hg_net *net, hg_net *from);

/* n examples (any n; worked off in batches). x [n, C, H, W] is the network's input; code [n, Z...]; for a variational model the
 * code is the mean. labels [n] belong to models with `condition` (hg_model_labels), of others they are not read: NULL. HG_USAGE where
 * they are missing or out of range. */
bool hg_encode(hg_net *net, int64_t n, const float *x, const int *labels, float *code);
bool hg_decode(hg_net *net, int64_t n, const float *code, const int *labels, float *y);
bool hg_reconstruct(hg_net *net, int64_t n, const float *x, const int *labels, float *y);
/* The inputs x that hg_evaluate makes from the pictures target [n, C, H, W] numbered `first` and on in their dataset; the pictures
 * themselves where the model has no `corrupt`. Noise depends on the net's seed and the number alone. */
bool hg_corrupt(hg_net *net, int64_t first, int64_t n, const float *target, float *x);

/* Loss and its parts, averaged over examples: of all phases together. Those of the discriminator are 0 where there is none. */
typedef struct hg_losses { double loss, reconstruction, kl, penalty, discriminator, generator; } hg_losses;

/* Evaluates the loss on a part of a dataset as training would compute it, noise drawn from the net's seed. */
bool hg_evaluate(hg_net *net, const hg_dataset *data, hg_part part, hg_losses *out);

/* What a plan is made of, for printing. */
typedef enum hg_direction { HG_FORWARD, HG_DATA_GRADIENT, HG_WEIGHT_GRADIENT, HG_UPDATE } hg_direction;
typedef struct hg_layer_row { const char *name, *layer; int in[3], out[3]; int64_t parameters; } hg_layer_row;
typedef struct hg_launch_row {
    const char *label, *kernel, *variant; /* node and direction; kernel; variant and its parameters */
    hg_direction direction;               /* HG_UPDATE: what follows the gradients */
    double flops, bytes;                  /* of one launch */
    double seconds;                       /* median of the timed repetitions; 0: not timed */
    double seconds_min, seconds_max;      /* the fastest and the slowest of them */
} hg_launch_row;
typedef struct hg_memory_row { const char *role; uint64_t bytes; } hg_memory_row;
typedef enum hg_plan_kind { HG_PLAN_TRAIN, HG_PLAN_EVALUATE, HG_PLAN_ENCODE, HG_PLAN_DECODE, HG_PLAN_RECONSTRUCT } hg_plan_kind;

/* Rows by index; false past the last. Strings live as long as the net (hg_model_layer: the model). */
bool hg_model_layer(const hg_model *model, int i, hg_layer_row *row);
bool hg_net_launch(hg_net *net, hg_plan_kind kind, int i, hg_launch_row *row);
bool hg_net_memory(const hg_net *net, int i, hg_memory_row *row);
/* Runs a plan `repeats` times and fills in the seconds of its launches. `*whole` is what all take together, with what lies between them. */
bool hg_net_time(hg_net *net, hg_plan_kind kind, int repeats, double *whole);
/* For a process beside the one that trains, with the same model and parameters: has drivers that make a kernel's machine code at its
 * first run make it, and keep it in the cache that processes share, from the plan's last kernel to its first. Of `parts` such
 * processes this is number `part` (from 0). `wanted` is asked before each kernel; false ends it. What the net computes from then
 * on means nothing. */
bool hg_net_compile(hg_net *net, hg_plan_kind kind, int part, int parts, bool (*wanted)(void *user), void *user);

/* ---------------------------------------------------------------- training */

typedef struct hg_trainer hg_trainer;

typedef struct hg_progress {
    int64_t step, steps;         /* done, in all */
    int epoch, epochs;           /* current (from 1), in all */
    int64_t epoch_step, epoch_steps;
    hg_losses train;             /* of the last step read back, or the epoch's mean when epoch_done */
    hg_losses val;               /* when epoch_done */
    bool epoch_done, saved;
    double images_per_second, seconds_left;
} hg_progress;

/* Called whenever losses were read back (every log_every steps, and about five times a second) and after every epoch.
 * Return false to stop: the step is finished and the checkpoint saved. */
typedef bool hg_progress_fn(void *user, const hg_progress *progress);

typedef struct hg_train_params {
    const char *out;       /* run directory; NULL: nothing is written */
    bool resume, force;    /* continue the run in `out`; write into an existing directory anew */
    const char *init;      /* weights file, checkpoint or run to start from; NULL: fresh weights */
    bool keep_optimizer;   /* `init` is a checkpoint or run with the same optimizer, and its state goes on as well */
    int epochs;            /* 0: the model's */
    int64_t steps;         /* 0: by epochs; else stop after this many steps */
    double lr;             /* 0: the optimizer's; else HG_USAGE where the model has several */
    bool no_shuffle;       /* examples in file order */
    int log_every;         /* steps between log records and read-backs; 0: 50 */
    int64_t save_every;    /* steps between checkpoints beside those at epoch ends; 0: none */
    const char *arguments; /* remembered in the checkpoint for the program's own use (JSON text); NULL: none */
    hg_progress_fn *progress;
    void *user;
} hg_train_params;

/* Prepares a training run: directory, lock, initial weights or the checkpoint to resume. */
hg_trainer *hg_trainer_create(hg_net *net, const hg_dataset *data, const hg_train_params *params);
/* Trains to the end. True also when the callback stopped it (hg_trainer_stopped). HG_DIVERGED names step and layer. */
bool hg_trainer_run(hg_trainer *trainer);
bool hg_trainer_stopped(const hg_trainer *trainer);
void hg_trainer_destroy(hg_trainer *trainer);

/* A benchmark: steps over and over on one batch of pictures. A training step is what hg_trainer_run makes of it, the upload of the
 * bytes and the optimizer included; an inference step is hg_reconstruct of a batch, the upload included, the download left out. */
typedef enum hg_bench_mode { HG_BENCH_TRAIN, HG_BENCH_INFER } hg_bench_mode;
typedef struct hg_bench hg_bench;
/* The batch is the data's first training examples, as many as the net's batch (HG_USAGE where there are fewer, or of another
 * shape). The net must outlive it; the data need not. */
hg_bench *hg_bench_create(hg_net *net, const hg_dataset *data, hg_bench_mode mode);
/* Enqueues n steps (at least 1) without waiting between them, then waits; seconds from the first to the end of the last. */
bool hg_bench_run(hg_bench *bench, int64_t n, double *seconds);
/* Training: the loss of step `step` (from 1, in all runs; of the last 1,000 steps). Inference: the mean squared error between the
 * last pictures and their reconstructions, or the reconstructions' mean square where they have another shape; `step` is not
 * used. The same on every device but for rounding. */
bool hg_bench_loss(hg_bench *bench, int64_t step, double *loss);
void hg_bench_destroy(hg_bench *bench);

/* What a checkpoint or weights file says about itself. Strings belong to the object. */
typedef struct hg_checkpoint_info hg_checkpoint_info;
/* `path`: a run directory or a safetensors file. */
hg_checkpoint_info *hg_checkpoint_open(hg_context *ctx, const char *path);
/* "model", "seed", "step", "epoch", "arguments", "tuning" (what its plans decided) ...; NULL if absent. */
const char *hg_checkpoint_get(const hg_checkpoint_info *info, const char *key);
const char *hg_checkpoint_path(const hg_checkpoint_info *info); /* the safetensors file itself */
void hg_checkpoint_close(hg_checkpoint_info *info);

/* ---------------------------------------------------------------- metrics and pictures */

/* Peak signal-to-noise ratio in dB for values in [0, 1]: 10 log10(1 / mse). */
double hg_psnr(double mse);
/* Sums over n values: of squared differences, and of the binary cross entropy of predictions against targets, both in [0, 1];
 * predictions are first clipped to [1e-7, 1 - 1e-7]. */
double hg_squared_error(size_t n, const float *a, const float *b);
double hg_cross_entropy(size_t n, const float *prediction, const float *target);
/* Mean structural similarity of two [C, H, W] pictures in [0, 1]: Wang et al. 2004, 11x11 Gaussian window sigma 1.5
 * (smaller pictures: the largest odd window that fits), K1 0.01, K2 0.03. */
double hg_ssim(const float *a, const float *b, int channels, int height, int width);

/* What enlarging without a model gives: pixels repeated, or mixed from the four around (centres aligned, edges repeated).
 * from [C, H, W], to [C, to_height, to_width], not smaller. */
typedef enum hg_enlargement { HG_NEAREST, HG_BILINEAR } hg_enlargement;
void hg_enlarge(hg_enlargement how, int channels, int height, int width, const float *from, int to_height, int to_width, float *to);

typedef struct hg_picture hg_picture; /* 8-bit RGB canvas */

/* A grid of rows x columns cells of C x H x W pictures (C 1 or 3), each pixel enlarged `scale` times (0: so that a cell
 * is about 64 pixels or more), cells `gap` pixels apart. */
hg_picture *hg_picture_grid(hg_context *ctx, int rows, int columns, int channels, int height, int width, int scale, int gap);
/* Draws a [C, H, W] picture with values clamped to [0, 1], NaN as magenta. Cells never drawn stay light grey. */
void hg_picture_put(hg_picture *picture, int row, int column, const float *chw);
/* Writes a small text to the left of a row ("input", "output"): the saved picture then has a margin for it. A failure of
 * this or of hg_picture_put is reported by hg_picture_save as well. */
void hg_picture_label(hg_picture *picture, int row, const char *text);
/* Writes a PNG (RGB) that is complete or not there; `path` has to end in .png. */
bool hg_picture_save(hg_picture *picture, const char *path);
/* Writes one [C, H, W] picture at its own size: grey or RGB, .png. */
bool hg_picture_write(hg_context *ctx, const char *path, const float *chw, int channels, int height, int width);
void hg_picture_destroy(hg_picture *picture);

/* A scatter of n points (x, y) with labels (NULL: one colour; -1: grey), legend from class names (NULL: numbers).
 * The ending of `path` chooses PNG or SVG. Points are drawn in a fixed, interleaved order so that no class hides another. */
typedef struct hg_scatter {
    int64_t n;
    const float *x, *y;
    const int *labels;
    int classes;
    const char *const *class_names;
    const char *title, *x_label, *y_label;
} hg_scatter;
/* `panels` scatters side by side. */
bool hg_plot_scatter(hg_context *ctx, const char *path, const hg_scatter *panels, int n_panels);

/* Curves over a common x axis; NaN leaves a gap. */
typedef struct hg_curve { const char *name; int n; const double *x, *y; } hg_curve;
typedef struct hg_curves_params { const char *title, *x_label, *y_label; bool log_y; } hg_curves_params;
bool hg_plot_curves(hg_context *ctx, const char *path, const hg_curve *curves, int n, const hg_curves_params *params);

/* Bars in groups, from zero: a group for each of group_names, in it a bar for each of series_names (its colour, in the legend).
 * bars[group * n_series + series]; a NaN value leaves a gap; low .. high is drawn as a whisker where low < high; a text stands
 * above the bar. `log`: a logarithmic axis, whose bars begin at its low end; for values of very different sizes. */
typedef struct hg_bar { double value, low, high; const char *text; } hg_bar;
typedef struct hg_bars {
    const char *title, *y_label;
    int n_groups, n_series;
    const char *const *group_names, *const *series_names;
    const hg_bar *bars;
    bool log;
} hg_bars;
/* `panels` of them, one below the other. The ending of `path` chooses PNG or SVG. */
bool hg_plot_bars(hg_context *ctx, const char *path, const hg_bars *panels, int n_panels);

/* Principal components: rows x [n, d], 1 <= k <= d. Writes mean [d], the k first components [k, d] (orthonormal, the entry
 * of largest magnitude positive) and their variances [k] (sums of squares divided by n, so that the mean squared error per
 * row of a projection is the sum of the variances left out). Deterministic. Fails with HG_BAD_INPUT where x is not finite. */
bool hg_pca(hg_context *ctx, int64_t n, int d, const float *x, int k, float *mean, float *components, float *variances);
/* out [n, k] = (x - mean) components^T. */
void hg_pca_project(int64_t n, int d, const float *x, int k, const float *mean, const float *components, float *out);
/* Back again: out [n, d] = mean + codes [n, k] components. */
void hg_pca_restore(int64_t n, int d, const float *codes, int k, const float *mean, const float *components, float *out);

/* ---------------------------------------------------------------- codes */

/* out [n] = the point at t (0: a, 1: b, exactly) of the way from a to b on which the angle grows evenly: sin((1 - t) w) / sin w a +
 * sin(t w) / sin w b, w the angle between them. A straight line where that is not defined: parallel, opposite or zero vectors. */
void hg_slerp(size_t n, const float *a, const float *b, double t, float *out);

/* The x below which the part p of N(0, 1) lies, 0 < p < 1; NaN outside. */
double hg_normal_quantile(double p);

/* The squared distance of two codes or pictures of d numbers, in float: for searching among many. */
float hg_squared_distance(size_t d, const float *a, const float *b);

/* How well codes [n, d] tell labels apart: the share of points whose label is the commonest one among their k nearest neighbours
 * (Euclidean, the point itself left out; of equally common labels, that of the nearest). Points with a negative label take no part.
 * Needs more than k points with labels (HG_USAGE). Time grows with n^2 d: 10,000 codes of 128 numbers take about a second. */
bool hg_knn_accuracy(hg_context *ctx, int64_t n, int d, const float *codes, const int *labels, int k, double *accuracy);

#ifdef __cplusplus
}
#endif
#endif
