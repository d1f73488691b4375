#include "figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 64, COLUMNS = 16 };

json_t *figure(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static const char *cell(const json_t *value, char buf[CELL])
{
    if (json_is_string(value)) snprintf(buf, CELL, "%s", json_string_value(value));
    else if (json_is_integer(value)) snprintf(buf, CELL, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value)) snprintf(buf, CELL, "%.5g", json_real_value(value));
    else snprintf(buf, CELL, "-");
    return buf;
}

static void print_cell(const char *text, int width, bool left, bool first)
{
    printf(left ? "%s%-*s" : "%s%*s", first ? "" : "  ", width, text);
}

void figures_print_rows(const json_t *rows)
{
    char buf[CELL];
    int width[COLUMNS] = {0}, n = 0;
    const char *key;
    json_t *value, *first = json_array_get(rows, 0);
    size_t r;
    json_object_foreach(first, key, value)
        if (n < COLUMNS) width[n++] = (int)strlen(key);
    const json_t *row;
    json_array_foreach(rows, r, row) {
        int i = 0;
        json_object_foreach((json_t *)row, key, value) {
            const int length = (int)strlen(cell(value, buf));
            if (i < n && length > width[i]) width[i] = length;
            i++;
        }
    }
    int i = 0;
    json_object_foreach(first, key, value) {
        if (i < n) print_cell(key, width[i], json_is_string(value), i == 0);
        i++;
    }
    putchar('\n');
    json_array_foreach(rows, r, row) {
        i = 0;
        json_object_foreach((json_t *)row, key, value) {
            if (i < n) print_cell(cell(value, buf), width[i], json_is_string(value), i == 0);
            i++;
        }
        putchar('\n');
    }
}

bool figures_print_json(cli *c, json_t *value)
{
    bool ok = value && json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && putchar('\n') != EOF;
    json_decref(value);
    return ok || hg_fail(c->ctx, HG_INTERNAL, "the figures cannot be written as JSON: no memory, or a name that is not UTF-8");
}
