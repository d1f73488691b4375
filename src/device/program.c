/* Programs: cl/common.cl and one file, specialised by macros. Each is built once per device; those asked for together are
 * built by a few threads. */
#include "device/device_private.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "device/launch.h"

struct hg_program {
    hg_program *next;
    char *file, *macros;
    cl_program object;
    cl_int code;       /* of the build */
};

cl_program hg_program_object(const hg_program *program) { return program->object; }

void hg_programs_release(hg_device *dev)
{
    for (hg_program *p = dev->programs, *next; p; p = next) {
        next = p->next;
        if (p->object) clReleaseProgram(p->object);
        hg_free(p->file);
        hg_free(p->macros);
        hg_free(p);
    }
    dev->programs = NULL;
}

/* ---- source */

static char *read_source(hg_device *dev, const char *stem)
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

static bool create(hg_device *dev, hg_program *p)
{
    char *common = read_source(dev, "common"), *source = common ? read_source(dev, p->file) : NULL, line[2][160];
    cl_int code = CL_SUCCESS;
    if (source) {
        snprintf(line[0], sizeof line[0], "#line 1 \"common.cl\"\n");
        snprintf(line[1], sizeof line[1], "\n#line 1 \"%s.cl\"\n", p->file);
        const char *parts[] = {line[0], common, line[1], source};
        p->object = clCreateProgramWithSource(dev->context, 4, parts, NULL, &code);
        if (!p->object) hg_cl_fail(dev, code, "clCreateProgramWithSource", p->file);
    }
    hg_free(common);
    hg_free(source);
    return p->object != NULL;
}

/* ---- building */

static const char BASE_OPTIONS[] = "-cl-std=CL1.2 -cl-mad-enable -cl-denorms-are-zero";

static void build(hg_device *dev, hg_program *p)
{
    size_t bytes = sizeof BASE_OPTIONS + 1 + strlen(p->macros);
    char *options = hg_alloc(dev->ctx, bytes, 1);
    p->code = CL_OUT_OF_HOST_MEMORY;
    if (!options) return;
    snprintf(options, bytes, "%s %s", BASE_OPTIONS, p->macros);
    p->code = clBuildProgram(p->object, 1, &dev->id, options, NULL, NULL);
    hg_free(options);
}

typedef struct work { hg_device *dev; hg_program **programs; int n; atomic_int next, done; } work;

static bool build_one(work *w)
{
    int i = atomic_fetch_add(&w->next, 1);
    if (i >= w->n) return false;
    build(w->dev, w->programs[i]);
    atomic_fetch_add(&w->done, 1);
    return true;
}

static void *build_thread(void *arg)
{
    while (build_one(arg)) {}
    return NULL;
}

static void build_all(work *w, void (*progress)(void *, int, int), void *user)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    int started = 0;
    if (progress) progress(user, 0, w->n);
    while (started < THREADS && started < w->n - 1 && pthread_create(&threads[started], NULL, build_thread, w) == 0) started++;
    while (build_one(w))
        if (progress) progress(user, atomic_load(&w->done), w->n);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    if (progress) progress(user, w->n, w->n);
}

static bool build_failed(hg_device *dev, const hg_program *p, const char *label)
{
    size_t bytes = 0;
    char *log = NULL;
    if (clGetProgramBuildInfo(p->object, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) == CL_SUCCESS && bytes > 1) {
        log = hg_alloc(dev->ctx, bytes + 1, 1);
        if (log && clGetProgramBuildInfo(p->object, dev->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) != CL_SUCCESS) *log = 0;
    }
    size_t blank = log ? strspn(log, " \n\t") : 0;
    if (log && log[blank]) {
        hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s: the kernel file %s.cl did not build on %s (%s) with %s:\n%s", label, p->file, dev->info->name,
                hg_cl_error(p->code), p->macros, log + blank);
    } else {
        hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s: the kernel file %s.cl did not build on %s (%s) with %s, and the driver says nothing: its cache folder may "
                "be unwritable or damaged (PoCL: POCL_CACHE_DIR or ~/.cache/pocl): set HOME to a writable place, or remove the cache", label,
                p->file, dev->info->name, hg_cl_error(p->code), p->macros);
    }
    hg_free(log);
    return false;
}

static hg_program *find(hg_device *dev, const char *file, const char *macros)
{
    for (hg_program *p = dev->programs; p; p = p->next)
        if (strcmp(p->file, file) == 0 && strcmp(p->macros, macros) == 0) return p;
    return NULL;
}

static hg_program *add(hg_device *dev, const char *file, const char *macros)
{
    hg_program *p = HG_NEW(dev->ctx, hg_program);
    if (!p) return NULL;
    p->next = dev->programs;
    dev->programs = p; /* released with the device, whatever happens next */
    p->file = hg_copy_text(dev->ctx, file);
    p->macros = p->file ? hg_copy_text(dev->ctx, macros) : NULL;
    return p->macros && create(dev, p) ? p : NULL;
}

bool hg_programs_get(hg_device *dev, hg_program_request *requests, int n, void (*progress)(void *user, int done, int total), void *user)
{
    hg_program **fresh = hg_alloc(dev->ctx, (size_t)n + 1, sizeof *fresh);
    bool ok = fresh != NULL;
    work w = {.dev = dev, .programs = fresh};
    for (int i = 0; ok && i < n; i++) {
        requests[i].program = find(dev, requests[i].file, requests[i].macros);
        if (requests[i].program) continue;
        ok = (requests[i].program = add(dev, requests[i].file, requests[i].macros)) != NULL;
        if (ok) fresh[w.n++] = requests[i].program;
    }
    if (ok && w.n) build_all(&w, progress, user);
    for (int i = 0; ok && i < n; i++)
        if (requests[i].program->code != CL_SUCCESS) ok = build_failed(dev, requests[i].program, requests[i].label);
    hg_free(fresh);
    return ok;
}
