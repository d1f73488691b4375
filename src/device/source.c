/* The text of a program: the first part of cl/common.cl, then each kernel file behind its macros and the second part. A driver's compiler
 * reads its own headers for every program (OpenCL's built-in functions, thousands of lines) and links its library to it, so where
 * programs are built one after another one with many kernel files costs a fraction of many with one file each.
 *
 * OpenCL C has no name spaces: in a program of several units, what a unit declares gets its number as a suffix, by macros that
 * end with the unit. And compilers take a tenth of a second and more for a kernel that nobody runs. So our kernel files keep these rules:
 *   declarations begin in the first column, one a line, nothing else does;
 *   a kernel's begins with "__kernel void NAME(", with its attributes in the line before: those that nobody asked for are left out;
 *   a file may include one other, which includes none, by a line `#include "NAME.cl"`: drivers have no folder to look in. */
#include "device/device_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "device/launch.h"

static char *read_file(hg_device *dev, const char *stem)
{
    char name[128];
    snprintf(name, sizeof name, "%s.cl", stem);
    if (!dev->kernel_dir) {
        const char *text = hg_kernel_source(stem);
        if (text) return hg_copy_text(dev->ctx, text);
        hg_fail(dev->ctx, HG_INTERNAL, "there is no kernel file cl/%s", name);
        return NULL;
    }
    uint8_t *data = NULL;
    size_t length;
    char *path = hg_path_join(dev->ctx, dev->kernel_dir, name);
    if (path) hg_file_read(dev->ctx, path, 1 << 24, &data, &length);
    hg_free(path);
    return (char *)data;
}

/* Lines of a text whose last one does not end. */
static int lines_of(const char *text)
{
    int n = 1;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static char *read_with_included(hg_device *dev, const char *stem)
{
    static const char include[] = "\n#include \"", end[] = ".cl\"\n";
    char *text = read_file(dev, stem), *at = text ? strstr(text, include) : NULL, *close = at ? strstr(at, end) : NULL;
    if (!close) return text;
    const char *name = at + sizeof include - 1, *rest = close + sizeof end - 1;
    *at = *close = 0;
    hg_text whole = {.ctx = dev->ctx};
    char *included = read_file(dev, name);
    if (included)
        hg_text_add(&whole, "%s\n#line 1 \"%s.cl\"\n%s\n#line %d \"%s.cl\"\n%s", text, name, included, lines_of(text) + 2, stem, rest);
    hg_free(included);
    hg_free(text);
    if (included && !whole.failed) return whole.data;
    hg_text_free(&whole);
    return NULL;
}

/* ---- names */

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* The name of the macro that a line defines; NULL: none. */
static const char *defined(const char *line, int *length)
{
    static const char define[] = "#define ";
    if (strncmp(line, define, sizeof define - 1) != 0) return NULL;
    const char *name = line + sizeof define - 1;
    for (*length = 0; is_word(name[*length]);) ++*length;
    return name;
}

/* The name of the type ("typedef ... NAME;", "} NAME;"), function or kernel ("... NAME(", "MACRO(NAME" where a macro declares it) that a
 * line declares; NULL: none. */
static const char *declared(const char *line, int *length)
{
    const bool type = *line == '}' || strncmp(line, "typedef ", 8) == 0;
    if (!type && !is_word(*line)) return NULL;
    const size_t bytes = (size_t)(next_line(line) - line);
    const char *end = type ? memrchr(line, ';', bytes) : memchr(line, '(', bytes), *name = end;
    while (name && name > line && is_word(name[-1])) name--;
    if (name && !type && isupper((unsigned char)*name))
        for (name = ++end; is_word(*end);) end++;
    *length = (int)(end - name);
    return *length > 0 && strncmp(name, "__", 2) != 0 ? name : NULL; /* not __attribute__(...) */
}

static void rename_declared(hg_text *out, const char *text, int number)
{
    int n;
    for (const char *line = text, *name; *line; line = next_line(line))
        if ((name = declared(line, &n))) hg_text_add(out, "#define %.*s %.*s" HG_UNIT_SUFFIX "\n", n, name, n, name, number);
}

static void forget_names(hg_text *out, const char *text)
{
    int n;
    for (const char *line = text, *name; *line; line = next_line(line))
        if ((name = defined(line, &n)) || (name = declared(line, &n))) hg_text_add(out, "#undef %.*s\n", n, name);
}

/* ---- kernels */

/* Behind the kernel that begins with a line: behind its closing brace, which stands in the first column or ends the line itself. */
static const char *kernel_end(const char *line)
{
    const char *next = next_line(line);
    if (next - line > 1 && next[-1] == '\n' && next[-2] == '}') return next;
    while (*next && *next != '}') next = next_line(next);
    return next_line(next);
}

/* The text with empty lines in the place of all other kernels, so that lines keep their numbers. */
static void leave_out_others(hg_text *out, const char *text, const char *kernel)
{
    int n;
    for (const char *line = text, *end, *name; *line; line = end) {
        end = next_line(line);
        const char *head = strncmp(line, "__attribute__", 13) == 0 ? end : line;
        name = strncmp(head, "__kernel ", 9) == 0 ? declared(head, &n) : NULL;
        if (name && (strncmp(name, kernel, (size_t)n) != 0 || kernel[n])) {
            end = kernel_end(head);
            for (const char *gone = line; gone < end; gone = next_line(gone)) hg_text_add(out, "\n");
        } else {
            hg_text_add_bytes(out, line, (size_t)(end - line));
        }
    }
}

char *hg_source_read(hg_device *dev, const char *stem, const char *kernel)
{
    char *whole = read_with_included(dev, stem);
    if (!whole || !kernel) return whole;
    hg_text only = {.ctx = dev->ctx};
    leave_out_others(&only, whole, kernel);
    hg_free(whole);
    if (!only.failed && only.data) return only.data;
    hg_text_free(&only);
    return NULL;
}

/* ---- macros */

/* "-DNAME=VALUE -DNAME ..." as lines of text; with `forget` the lines that end them. */
static void macro_lines(hg_text *out, const char *macros, bool forget)
{
    for (const char *m = macros; *(m += strspn(m, " "));) {
        const int length = (int)strcspn(m, " "), name = (int)strcspn(m, "= ") - 2;
        const int value = length - name - 3; /* -1: none, which stands for 1 */
        m += 2;
        if (forget) hg_text_add(out, "#undef %.*s\n", name, m);
        else hg_text_add(out, "#define %.*s %.*s\n", name, m, value < 0 ? 1 : value, value < 0 ? "1" : m + name + 1);
        m += length - 2;
    }
}

bool hg_source_joins(const char *macros)
{
    if (strpbrk(macros, "\"'\\\t\n")) return false;
    for (const char *m = macros; *(m += strspn(m, " ")); m += strcspn(m, " "))
        if (strncmp(m, "-D", 2) != 0 || !is_word(m[2])) return false;
    return true;
}

/* ---- programs */

/* The #line directives make the driver's log name our files and lines. */
static void add_lines(hg_text *out, const char *file, int line, const char *text, size_t length)
{
    hg_text_add(out, "#line %d \"%s.cl\"\n", line, file);
    hg_text_add_bytes(out, text, length);
    hg_text_add(out, "\n");
}

void hg_source_program(hg_text *out, const char *common, hg_unit *const *units, int n)
{
    static const char mark[] = "\n/* ==== from here on by the macros of a kernel file";
    const char *found = strstr(common, mark), *each = found ? found + 1 : common; /* without the mark all may depend on macros */
    const int line = 1 + lines_of(common) - lines_of(each);
    add_lines(out, "common", 1, common, (size_t)(each - common));
    for (int i = 0; i < n; i++) {
        const hg_unit *u = units[i];
        if (n > 1) {
            macro_lines(out, u->macros, false);
            rename_declared(out, each, i);
            rename_declared(out, u->source, i);
        }
        add_lines(out, "common", line, each, strlen(each));
        add_lines(out, u->file, 1, u->source, strlen(u->source));
        if (n > 1) {
            forget_names(out, each);
            forget_names(out, u->source);
            macro_lines(out, u->macros, true);
        }
    }
}
