#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fuzz_accepted;

static char root[256];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_folder(void) { nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

const char *fuzz_folder(void)
{
    if (!root[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(root, sizeof root, "%s/hourglass-fuzz-XXXXXX", base ? base : "/tmp");
        fuzz_check(mkdtemp(root) != NULL, "temporary folder");
        atexit(remove_folder);
    }
    return root;
}

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

const char *fuzz_write(const char *name, const uint8_t *data, size_t size)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    fuzz_check(file && (size == 0 || fwrite(data, 1, size, file) == size) && fclose(file) == 0, "temporary file");
    return path;
}

void fuzz_delete(const char *name) { unlink(path_of(name)); }

void fuzz_check(bool promise, const char *what)
{
    if (promise)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

void fuzz_dataset(void)
{
    hg_context *ctx = hg_context_create(NULL, NULL);
    hg_dataset *data = hg_dataset_open(ctx, &(hg_dataset_params){.path = fuzz_folder()});
    int c, h, w;
    fuzz_accepted += data != NULL;
    if (data) {
        hg_dataset_shape(data, &c, &h, &w);
        float *picture = malloc((size_t)c * (size_t)h * (size_t)w * sizeof *picture);
        fuzz_check(picture && hg_dataset_count(data, HG_TRAIN) > 0 && hg_dataset_count(data, HG_TEST) > 0, "both parts have pictures");
        for (int part = 0; part < 2; part++)
            for (int64_t i = 0; i < hg_dataset_count(data, (hg_part)part); i++) {
                hg_dataset_get(data, (hg_part)part, i, picture);
                fuzz_check(hg_dataset_label(data, (hg_part)part, i) < (hg_dataset_classes(data) ? hg_dataset_classes(data) : 1), "labels are classes");
            }
        free(picture);
    }
    fuzz_check(data ? hg_context_status(ctx) == HG_OK : hg_context_status(ctx) == HG_BAD_INPUT && hg_message(ctx)[0], "status and message");
    hg_dataset_close(data);
    hg_context_destroy(ctx);
}

#ifndef HG_LIBFUZZER

static uint64_t random_state = 1;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (uint32_t)((random_state >> 33) % below);
}

/* One to four changes: a bit, an interesting byte, a cut, a copy of a stretch over another, an insertion. */
static size_t mutate(uint8_t *data, size_t size)
{
    static const uint8_t interesting[] = {0, 1, 0x7f, 0x80, 0xff, '{', '"', '9', '-', 8, 16};
    for (uint32_t n = 1 + draw(4); n > 0 && size > 0; n--) {
        size_t at = draw((uint32_t)size), from = draw((uint32_t)size), length = 1 + draw(8);
        switch (draw(5)) {
        case 0: data[at] ^= (uint8_t)(1 << draw(8)); break;
        case 1: data[at] = interesting[draw(sizeof interesting)]; break;
        case 2: size = draw(4) ? size : at; break;
        case 3: length = length < size - at ? length : size - at;
                length = length < size - from ? length : size - from;
                memmove(data + at, data + from, length); break;
        case 4: length = length < FUZZ_ROOM - size ? length : FUZZ_ROOM - size;
                memmove(data + at + length, data + at, size - at);
                size += length; break;
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 1500 };
    static uint8_t input[FUZZ_ROOM];
    int tried = 0;
    for (int i = 1; i < argc; i++, tried++) {
        FILE *file = fopen(argv[i], "rb");
        fuzz_check(file != NULL, argv[i]);
        size_t size = fread(input, 1, sizeof input, file);
        fclose(file);
        LLVMFuzzerTestOneInput(input, size);
    }
    for (int k = 0; argc == 1 && fuzz_seed(k, input) > 0; k++)
        for (int round = 0; round < ROUNDS; round++, tried++) {
            memset(input, 0, sizeof input);
            size_t size = fuzz_seed(k, input);
            int accepted = fuzz_accepted;
            LLVMFuzzerTestOneInput(input, round ? mutate(input, size) : size);
            fuzz_check(round || fuzz_accepted > accepted, "the valid input is accepted");
        }
    printf("%d inputs, %d accepted\n", tried, fuzz_accepted);
    return tried == 0;
}

#endif
