/* Growing strings, and the nearest name by edit distance. */
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"

static bool reserve(hg_text *text, size_t more)
{
    size_t need = hg_add(hg_add(text->length, more), 1);
    if (text->failed || need <= text->room) return !text->failed;
    size_t room = text->room ? text->room : 64;
    while (room < need) room = hg_mul(room, 2);
    char *grown = hg_resize(text->ctx, text->data, room, 1);
    text->failed = !grown;
    if (!grown) return false;
    text->data = grown;
    text->room = room;
    return true;
}

bool hg_text_add_bytes(hg_text *text, const void *bytes, size_t length)
{
    if (!reserve(text, length)) return false;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = 0;
    return true;
}

bool hg_text_add(hg_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !reserve(text, (size_t)n)) return false;
    va_start(args, format);
    vsnprintf(text->data + text->length, (size_t)n + 1, format, args);
    va_end(args);
    text->length += (size_t)n;
    return true;
}

void hg_text_free(hg_text *text)
{
    hg_free(text->data);
    *text = (hg_text){.ctx = text->ctx};
}

/* ---- nearest names */

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Damerau-Levenshtein distance (insert, delete, replace, swap neighbours) of texts up to 63 characters. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    int n = (int)strlen(a), m = (int)strlen(b), d[MAX][MAX];
    if (n >= MAX || m >= MAX) return MAX;
    for (int i = 0; i <= n; i++) d[i][0] = i;
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            int cost = lower(a[i - 1]) != lower(b[j - 1]);
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) &&
                d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[n][m];
}

const char *hg_nearest(const char *word, const char *const *names, int n)
{
    int length = (int)strlen(word), limit = length / 3 > 2 ? length / 3 : 2, best = limit + 1;
    const char *nearest = NULL;
    for (int i = 0; i < n; i++) {
        int d = distance(word, names[i]);
        if (d >= best || d >= (int)strlen(names[i])) continue; /* a distance of the whole name says nothing */
        best = d;
        nearest = names[i];
    }
    return nearest;
}

bool hg_contains(const char *text, const char *needle)
{
    size_t n = strlen(needle);
    for (; *text || !n; text++) {
        size_t i = 0;
        while (i < n && text[i] && lower(text[i]) == lower(needle[i])) i++;
        if (i == n) return true;
    }
    return false;
}

uint64_t hg_hash(uint64_t hash, const char *text)
{
    const uint64_t prime = 0x100000001B3u;
    if (!hash) hash = 0xCBF29CE484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * prime;
    return (hash ^ 0xff) * prime;
}
