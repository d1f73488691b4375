/* Options by table. A descriptor is a thing that a model file names (a layer, a loss, an optimizer, an activation ...)
 * with the table of its options; parsing, range checks, messages, help and documentation all come from the table. */
#ifndef HG_BASE_OPTION_H
#define HG_BASE_OPTION_H

#include "base/context.h"
#include "base/memory.h"
#include "base/text.h"

typedef struct hg_option hg_option;

/* The head of every descriptor: hg_layer, hg_loss, hg_optimizer ... begin with it. */
typedef struct hg_descriptor {
    const char *name, *help;  /* help: one line */
    const hg_option *options; /* ends with {0}; may be NULL */
    size_t size;              /* of the options struct; may be 0 */
} hg_descriptor;

/* A chosen descriptor with its own options, e.g. `loss: {bce: {reduction: sum}}`. */
typedef struct hg_choice { const hg_descriptor *type; const void *options; } hg_choice;

typedef enum hg_option_type {
    HG_OPTION_INT,    /* int */
    HG_OPTION_PAIR,   /* int[2]: one number for both or [height, width] */
    HG_OPTION_FLOAT,  /* double */
    HG_OPTION_BOOL,   /* bool */
    HG_OPTION_NAME,   /* int: index into `names` */
    HG_OPTION_PADDING,/* int[2]: HG_SAME, or numbers of zeros at both ends; `valid` is 0 */
    HG_OPTION_SHAPE,  /* int[4]: count, then up to 3 sizes from a list */
    HG_OPTION_CHOICE, /* hg_choice: name or {name: {options}} out of `kinds` */
} hg_option_type;

enum { HG_SAME = -1 };

struct hg_option {
    const char *name, *help;       /* help: one line with unit and meaning of the default */
    size_t offset;                 /* into the options struct */
    hg_option_type type;
    double fallback, min, max;     /* INT, PAIR, FLOAT, BOOL, PADDING; NAME: fallback is the index. min == max: no
                                    * range. A fallback of NAN says that the option must be given. */
    const char *const *names;      /* NAME: ends with NULL */
    const hg_descriptor *const *kinds; /* CHOICE: ends with NULL */
    const char *fallback_kind;     /* CHOICE: name of the default; NULL: none (type stays NULL) */
    const char *alias;             /* another name that means the same, NULL: none */
};

/* Fills an options struct with the fallbacks (CHOICE: allocates the default's options from the arena). */
bool hg_option_defaults(hg_arena *arena, const hg_descriptor *type, void *options);

/* The first option in the table that was not given and has no fallback, or NULL. `given` has a bit per table row. */
const hg_option *hg_option_missing(const hg_descriptor *type, uint64_t given);

/* Row of the option `name` (or alias), -1 if there is none. */
int hg_option_find(const hg_descriptor *type, const char *name);

/* Sets row `row` from n scalars (PAIR, PADDING, SHAPE accept lists; all others n == 1). `place` is "file:line:column".
 * Fails with HG_BAD_INPUT: place, option, what was expected, range, nearest name. CHOICE is set by the caller, who can
 * see nested options. */
bool hg_option_set(hg_context *ctx, const hg_descriptor *type, void *options, int row, const char *const *scalars,
                   int n, const char *place);

/* "int 1..64, default 3" for help texts and messages. */
void hg_option_describe(const hg_option *option, hg_text *out);

/* The descriptor `name` out of a NULL-terminated list, or NULL. */
const hg_descriptor *hg_descriptor_find(const hg_descriptor *const *kinds, const char *name);
/* Fails with "PLACE: unknown WHAT 'NAME', nearest: ...; known: ...". */
bool hg_descriptor_unknown(hg_context *ctx, const hg_descriptor *const *kinds, const char *what, const char *name,
                           const char *place);

/* Strict numbers: the whole text, no spaces, no hexadecimal, no overflow; else false. Booleans are true and false. */
bool hg_parse_int(const char *text, int64_t *value);
bool hg_parse_float(const char *text, double *value);
bool hg_parse_bool(const char *text, bool *value);

#endif
