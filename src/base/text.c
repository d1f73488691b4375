/* Text: growing strings and the nearest name. */
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static bool make_room(hg_text *text, size_t more)
{
    size_t need = hg_add(hg_add(text->length, more), 1);
    if (text->failed) return false;
    if (need <= text->room) return true;
    size_t room = hg_add(need, need / 2 + 64);
    char *data = hg_resize(text->ctx, text->data, room, 1);
    if (!data) return !(text->failed = true);
    text->data = data;
    text->room = room;
    return true;
}

bool hg_text_add(hg_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    bool ok = length >= 0 && make_room(text, (size_t)length);
    if (length < 0) text->failed = true, hg_fail(text->ctx, HG_INTERNAL, "a text cannot be formatted: %s", format);
    if (ok) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
    return ok;
}

bool hg_text_add_bytes(hg_text *text, const void *bytes, size_t length)
{
    if (!make_room(text, length)) return false;
    if (length) memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = 0;
    return true;
}

void hg_text_free(hg_text *text)
{
    hg_free(text->data);
    hg_context *ctx = text->ctx;
    *text = (hg_text){.ctx = ctx};
}

static int lower(char c)
{
    return tolower((unsigned char)c);
}

enum { LONGEST_NAME = 63 };

/* Edit distance (Levenshtein) with neighbouring letters swapped as one edit, by rows of the usual table. */
static int distance(const char *a, const char *b)
{
    int n = (int)strlen(b), rows[3][LONGEST_NAME + 2];
    for (int j = 0; j <= n; j++) rows[0][j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = above[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) && above2[j - 2] + 1 < best)
                best = above2[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[strlen(a) % 3][n];
}

const char *hg_nearest(const char *word, const char *const *names, int n)
{
    const char *nearest = NULL;
    int length = (int)strlen(word), limit = length / 3 > 2 ? length / 3 : 2;
    if (length > LONGEST_NAME) return NULL;
    if (limit >= length) limit = length - 1; /* else every short name is near to every other */
    for (int i = 0; i < n; i++) {
        if (strlen(names[i]) > LONGEST_NAME) continue;
        int d = distance(word, names[i]);
        if (d <= limit) limit = d - 1, nearest = names[i];
    }
    return nearest;
}

bool hg_contains(const char *text, const char *needle)
{
    for (;; text++) {
        size_t i = 0;
        while (needle[i] && lower(text[i]) == lower(needle[i])) i++;
        if (!needle[i]) return true;
        if (!*text) return false;
    }
}
