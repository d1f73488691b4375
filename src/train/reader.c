#include "train/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"

struct hg_reader {
    hg_context *ctx;
    char *path;
    gzFile file;
    uint64_t size; /* on disk */
    uint64_t done; /* unpacked bytes read */
    uint64_t expected; /* of the unpacked file; 0: not known yet */
    char why[96];
};

bool hg_reader_open(hg_context *ctx, const char *dir, const char *name, bool optional, hg_reader **out)
{
    struct stat info;
    char packed[256];
    bool absent = false;
    hg_reader *reader = HG_NEW(ctx, hg_reader);
    *out = NULL;
    if (!reader)
        return false;
    reader->ctx = ctx;
    size_t length = strlen(name);
    reader->path = hg_path_join(ctx, dir, name);
    if (reader->path && !hg_path_exists(reader->path) && length + 4 <= sizeof packed) {
        memcpy(packed, name, length);
        memcpy(packed + length, ".gz", 4);
        hg_free(reader->path);
        reader->path = hg_path_join(ctx, dir, packed);
    }
    if (!reader->path)
        goto fail;
    absent = !hg_path_exists(reader->path);
    if (absent) {
        if (!optional)
            hg_fail(ctx, HG_BAD_INPUT, "%s: neither %s nor %s.gz is there; put the file there or give another folder "
                    "with --data",
                    dir, name, name);
        goto fail;
    }
    if (stat(reader->path, &info) || !S_ISREG(info.st_mode)) {
        hg_fail(ctx, HG_BAD_INPUT, "%s: is not a file", reader->path);
        goto fail;
    }
    reader->size = (uint64_t)info.st_size;
    reader->file = gzopen(reader->path, "rb");
    if (!reader->file) {
        hg_fail(ctx, HG_BAD_INPUT, "%s: cannot be opened: %s", reader->path, strerror(errno));
        goto fail;
    }
    gzbuffer(reader->file, 1 << 17);
    *out = reader;
    return true;
fail:
    hg_reader_close(reader);
    return absent && optional;
}

void hg_reader_close(hg_reader *reader)
{
    if (!reader)
        return;
    if (reader->file)
        gzclose(reader->file);
    hg_free(reader->path);
    hg_free(reader);
}

const char *hg_reader_path(const hg_reader *reader) { return reader->path; }

bool hg_reader_is_plain(const hg_reader *reader) { return gzdirect(reader->file); }

uint64_t hg_reader_size(const hg_reader *reader) { return reader->size; }

uint64_t hg_reader_stated(const hg_reader *reader)
{
    uint8_t field[4] = {0};
    if (hg_reader_is_plain(reader))
        return reader->size;
    FILE *file = fopen(reader->path, "rb");
    if (!file)
        return 0;
    size_t got = fseeko(file, -4, SEEK_END) ? 0 : fread(field, 1, 4, file);
    fclose(file);
    return got < 4 ? 0 : field[0] | (uint64_t)field[1] << 8 | (uint64_t)field[2] << 16 | (uint64_t)field[3] << 24;
}

bool hg_reader_expect(hg_reader *reader, uint64_t bytes, const char *why)
{
    reader->expected = bytes;
    snprintf(reader->why, sizeof reader->why, "%s", why);
    if (hg_reader_is_plain(reader) && bytes != reader->size)
        return hg_fail(reader->ctx, HG_BAD_INPUT, "%s: %s: %s are %llu bytes, found %llu; fetch the file again",
                       reader->path,
                       reader->size < bytes ? "truncated" : "over-long", why, (unsigned long long)bytes,
                       (unsigned long long)reader->size);
    if (!hg_reader_is_plain(reader) && bytes / 1032 > reader->size)
        return hg_fail(reader->ctx, HG_BAD_INPUT, "%s: truncated or damaged: %s are %llu bytes unpacked, more than a "
                       "gzip file of %llu bytes can hold; fetch the file again",
                       reader->path, why, (unsigned long long)bytes,
                       (unsigned long long)reader->size);
    return true;
}

static bool fail_damaged(hg_reader *reader)
{
    int code;
    const char *text = gzerror(reader->file, &code);
    size_t prefix = strlen(reader->path); /* zlib begins with "PATH: " */
    if (!strncmp(text, reader->path, prefix) && !strncmp(text + prefix, ": ", 2))
        text += prefix + 2;
    return hg_fail(reader->ctx, HG_BAD_INPUT, "%s: damaged after %llu bytes: %s; fetch the file again", reader->path,
                   (unsigned long long)reader->done, code == Z_ERRNO ? strerror(errno) : text);
}

static bool fail_short(hg_reader *reader, size_t missing)
{
    uint64_t expected = reader->expected ? reader->expected : reader->done + missing;
    return hg_fail(reader->ctx, HG_BAD_INPUT,
                   "%s: %s: expected %s%llu bytes%s%s%s%s, found %llu; fetch the file again", reader->path,
                   reader->done ? "truncated" : "empty", reader->expected ? "" : "at least ", (unsigned long long)expected,
                   hg_reader_is_plain(reader) ? "" : " unpacked", reader->expected ? " (" : "", reader->why,
                   reader->expected ? ")" : "", (unsigned long long)reader->done);
}

bool hg_reader_get(hg_reader *reader, void *to, size_t length)
{
    uint8_t skipped[4096];
    size_t done = 0;
    while (done < length) {
        size_t piece = length - done, most = to ? (size_t)1 << 24 : sizeof skipped;
        int got = gzread(reader->file, to ? (uint8_t *)to + done : skipped, (unsigned)(piece < most ? piece : most));
        if (got < 0)
            return fail_damaged(reader);
        reader->done += (uint64_t)got;
        done += (size_t)got;
        if (got == 0)
            return fail_short(reader, length - done);
    }
    return true;
}

bool hg_reader_end(hg_reader *reader)
{
    uint8_t byte;
    int code, got = gzread(reader->file, &byte, 1);
    if (got > 0)
        return hg_fail(reader->ctx, HG_BAD_INPUT, "%s: over-long: expected %llu bytes (%s), found more; fetch the "
                       "file again",
                       reader->path, (unsigned long long)reader->expected, reader->why);
    gzerror(reader->file, &code); /* a missing or wrong gzip trailer shows up here */
    return got == 0 && (code == Z_OK || code == Z_STREAM_END) ? true : fail_damaged(reader);
}
