/* Options by table: strict numbers, defaults, descriptions, setting with checks. */
#include "base/option.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers */

bool hg_parse_int(const char *text, int64_t *value)
{
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (!*digits || digits[strspn(digits, "0123456789")]) return false;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0;
}

bool hg_parse_float(const char *text, double *value)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789+-.eE")]) return false;
    errno = 0;
    *value = strtod(text, &end);
    return !*end && isfinite(*value) && (errno == 0 || fabs(*value) < 1); /* an underflow is a small number */
}

bool hg_parse_bool(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0;
}

/* ---- tables */

const hg_descriptor *hg_descriptor_find(const hg_descriptor *const *kinds, const char *name)
{
    for (; *kinds; kinds++)
        if (strcmp((*kinds)->name, name) == 0) return *kinds;
    return NULL;
}

bool hg_descriptor_unknown(hg_context *ctx, const hg_descriptor *const *kinds, const char *what, const char *name,
                           const char *place)
{
    const char *names[128];
    int n = 0;
    hg_text known = {.ctx = ctx};
    for (; *kinds && n < 128; kinds++) {
        names[n++] = (*kinds)->name;
        hg_text_add(&known, "%s%s", n > 1 ? ", " : "", (*kinds)->name);
    }
    const char *nearest = hg_nearest(name, names, n);
    if (nearest)
        hg_fail(ctx, HG_BAD_INPUT, "%s: unknown %s '%s', did you mean '%s'? Known: %s", place, what, name, nearest,
                known.data);
    else
        hg_fail(ctx, HG_BAD_INPUT, "%s: unknown %s '%s'. Known: %s", place, what, name,
                known.data ? known.data : "none");
    hg_text_free(&known);
    return false;
}

int hg_option_find(const hg_descriptor *type, const char *name)
{
    for (int i = 0; type->options && type->options[i].name; i++)
        if (strcmp(type->options[i].name, name) == 0 || (type->options[i].alias && strcmp(type->options[i].alias, name) == 0)) return i;
    return -1;
}

const hg_option *hg_option_missing(const hg_descriptor *type, uint64_t given)
{
    for (int i = 0; type->options && type->options[i].name; i++)
        if (isnan(type->options[i].fallback) && !(given >> i & 1)) return &type->options[i];
    return NULL;
}

static bool default_choice(hg_arena *arena, const hg_option *option, hg_choice *choice)
{
    *choice = (hg_choice){0};
    if (!option->fallback_kind) return true;
    const hg_descriptor *kind = hg_descriptor_find(option->kinds, option->fallback_kind);
    void *options = hg_arena_alloc(arena, 1, kind->size ? kind->size : 1);
    *choice = (hg_choice){kind, options};
    return options && hg_option_defaults(arena, kind, options);
}

bool hg_option_defaults(hg_arena *arena, const hg_descriptor *type, void *options)
{
    for (const hg_option *o = type->options; o && o->name; o++) {
        void *at = (char *)options + o->offset;
        double fallback = isnan(o->fallback) ? 0 : o->fallback;
        switch (o->type) {
        case HG_OPTION_INT: case HG_OPTION_NAME: *(int *)at = (int)fallback; break;
        case HG_OPTION_PAIR: case HG_OPTION_PADDING: ((int *)at)[0] = ((int *)at)[1] = (int)fallback; break;
        case HG_OPTION_FLOAT: *(double *)at = fallback; break;
        case HG_OPTION_BOOL: *(bool *)at = fallback != 0; break;
        case HG_OPTION_SHAPE: memset(at, 0, 4 * sizeof(int)); break;
        case HG_OPTION_CHOICE: if (!default_choice(arena, o, at)) return false; break;
        }
    }
    return true;
}

/* ---- descriptions */

static void add_range(const hg_option *o, hg_text *out)
{
    if (o->min == o->max) return;
    if (o->max >= 2147483647.0) hg_text_add(out, ", at least %g", o->min);
    else hg_text_add(out, ", %.10g to %.10g", o->min, o->max);
}

static void add_names(const hg_option *o, hg_text *out)
{
    if (o->type == HG_OPTION_NAME)
        for (int i = 0; o->names[i]; i++) hg_text_add(out, "%s%s", i ? " | " : "", o->names[i]);
    if (o->type == HG_OPTION_CHOICE)
        for (int i = 0; o->kinds[i]; i++) hg_text_add(out, "%s%s", i ? " | " : "", o->kinds[i]->name);
}

static void add_default(const hg_option *o, hg_text *out)
{
    if (isnan(o->fallback)) hg_text_add(out, ", must be given");
    else if (o->type == HG_OPTION_NAME) hg_text_add(out, ", default %s", o->names[(int)o->fallback]);
    else if (o->type == HG_OPTION_CHOICE && o->fallback_kind) hg_text_add(out, ", default %s", o->fallback_kind);
    else if (o->type == HG_OPTION_CHOICE) hg_text_add(out, ", default: the model's");
    else if (o->type == HG_OPTION_BOOL) hg_text_add(out, ", default %s", o->fallback != 0 ? "true" : "false");
    else if (o->type == HG_OPTION_PADDING && o->fallback == HG_SAME) hg_text_add(out, ", default same");
    else if (o->type != HG_OPTION_SHAPE) hg_text_add(out, ", default %.10g", o->fallback);
}

static const char *const type_names[] = {
    [HG_OPTION_INT] = "whole number", [HG_OPTION_PAIR] = "whole number or [height, width]",
    [HG_OPTION_FLOAT] = "number", [HG_OPTION_BOOL] = "true or false", [HG_OPTION_NAME] = "",
    [HG_OPTION_PADDING] = "same, valid, or a whole number or [height, width] of zeros",
    [HG_OPTION_SHAPE] = "list of 1 or 3 sizes", [HG_OPTION_CHOICE] = ""};

/* "whole number, 1 to 64": what an option accepts. */
static void add_expected(const hg_option *o, hg_text *out)
{
    hg_text_add(out, "%s", type_names[o->type]);
    add_names(o, out);
    if (o->type != HG_OPTION_BOOL && o->type != HG_OPTION_NAME && o->type != HG_OPTION_CHOICE) add_range(o, out);
}

void hg_option_describe(const hg_option *option, hg_text *out)
{
    add_expected(option, out);
    add_default(option, out);
}

/* ---- setting */

static bool wrong(hg_context *ctx, const hg_descriptor *type, const hg_option *o, const char *found, const char *place)
{
    hg_text expected = {.ctx = ctx};
    add_expected(o, &expected);
    const char *nearest = NULL;
    if (o->type == HG_OPTION_NAME) {
        int n = 0;
        while (o->names[n]) n++;
        nearest = hg_nearest(found, o->names, n);
    }
    hg_fail(ctx, HG_BAD_INPUT, "%s: option '%s' of %s: expected %s, found '%s'%s%s%s", place, o->name, type->name,
            expected.data ? expected.data : "", found, nearest ? "; did you mean '" : "", nearest ? nearest : "",
            nearest ? "'?" : "");
    hg_text_free(&expected);
    return false;
}

static bool in_range(const hg_option *o, double value)
{
    return o->min == o->max || (value >= o->min && value <= o->max);
}

static bool whole(const hg_option *o, const char *text, int *out)
{
    int64_t value;
    if (!hg_parse_int(text, &value) || value < -INT32_MAX || value > INT32_MAX || !in_range(o, (double)value))
        return false;
    *out = (int)value;
    return true;
}

static bool set_ints(const hg_option *o, const char *const *scalars, int n, int *out, int count)
{
    for (int i = 0; i < n; i++)
        if (!whole(o, scalars[i], &out[i])) return false;
    for (int i = n; i < count; i++) out[i] = out[0];
    return true;
}

static bool set_padding(const hg_option *o, const char *const *scalars, int n, int *out)
{
    bool same = n == 1 && strcmp(scalars[0], "same") == 0, valid = n == 1 && strcmp(scalars[0], "valid") == 0;
    if (!same && !valid) {
        if (!set_ints(o, scalars, n, out, 2)) return false;
        return out[0] >= 0 && out[1] >= 0;
    }
    out[0] = out[1] = same ? HG_SAME : 0;
    return true;
}

static bool set_name(const hg_option *o, const char *text, int *out)
{
    for (int i = 0; o->names[i]; i++)
        if (strcmp(o->names[i], text) == 0) {
            *out = i;
            return true;
        }
    return false;
}

bool hg_option_set(hg_context *ctx, const hg_descriptor *type, void *options, int row, const char *const *scalars,
                   int n, const char *place)
{
    const hg_option *o = &type->options[row];
    void *at = (char *)options + o->offset;
    const int most = o->type == HG_OPTION_PAIR || o->type == HG_OPTION_PADDING ? 2 : o->type == HG_OPTION_SHAPE ? 3 : 1;
    bool ok = n >= 1 && n <= most;
    double number;
    bool flag;
    if (ok) switch (o->type) {
        case HG_OPTION_INT: ok = set_ints(o, scalars, 1, at, 1); break;
        case HG_OPTION_PAIR: ok = set_ints(o, scalars, n, at, 2); break;
        case HG_OPTION_PADDING: ok = set_padding(o, scalars, n, at); break;
        case HG_OPTION_NAME: ok = set_name(o, scalars[0], at); break;
        case HG_OPTION_BOOL: if ((ok = hg_parse_bool(scalars[0], &flag))) *(bool *)at = flag; break;
        case HG_OPTION_FLOAT:
            if ((ok = hg_parse_float(scalars[0], &number) && in_range(o, number))) *(double *)at = number;
            break;
        case HG_OPTION_SHAPE: if ((ok = set_ints(o, scalars, n, (int *)at + 1, 0))) *(int *)at = n; break;
        case HG_OPTION_CHOICE:
            return hg_fail(ctx, HG_INTERNAL, "%s: option '%s' is set by the file's reader", place, o->name);
        }
    if (ok) return true;
    hg_text found = {.ctx = ctx};
    for (int i = 0; i < n; i++) hg_text_add(&found, "%s%s", i ? ", " : "", scalars[i]);
    wrong(ctx, type, o, found.data ? found.data : "nothing", place);
    hg_text_free(&found);
    return false;
}
