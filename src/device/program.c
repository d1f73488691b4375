/* Programs: cl/common.cl and one file, specialised by macros. Each is built once per device; those asked for together
 * are built by a few threads on GPUs. CPU drivers get no threads: PoCL 3.1 builds one program after another whatever
 * the threads do (and makes machine code at a kernel's first run; from its cache a program takes it about 18 ms, most
 * of it the preprocessor), and Oclgrind, which says that it is a CPU too, does not survive them. */
#include "device/device_private.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/text.h"
#include "device/launch.h"

struct hg_program {
    hg_program *next;
    char *file, *macros;
    uint64_t text;     /* hash of the source: with kernel_dir a file may change between two builds */
    cl_program object;
    bool built;        /* or tried: `code` says how it went */
    cl_int code;
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

/* FNV-1a */
static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001B3u;
    return h;
}

/* The #line directives make the driver's log name our files and lines. */
static cl_program create(hg_device *dev, const char *file, const char *common, const char *source)
{
    char line[160];
    snprintf(line, sizeof line, "\n#line 1 \"%s.cl\"\n", file);
    const char *parts[] = {"#line 1 \"common.cl\"\n", common, line, source};
    cl_int code;
    cl_program object = clCreateProgramWithSource(dev->context, 4, parts, NULL, &code);
    if (!object)
        hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s.cl: clCreateProgramWithSource failed on %s with %s (%d)", file,
                dev->info->name, hg_cl_error(code), code);
    return object;
}

/* ---- building */

/* Without warnings (-w), which PoCL counts on standard error, unless the kernels are being worked on. */
static const char BASE_OPTIONS[] = "-cl-std=CL1.2 -cl-mad-enable -cl-denorms-are-zero";

static void build(hg_device *dev, hg_program *p)
{
    const char *quiet = dev->kernel_dir ? "" : " -w";
    size_t bytes = sizeof BASE_OPTIONS + 4 + strlen(p->macros);
    char *options = hg_alloc(dev->ctx, bytes, 1);
    p->built = true;
    p->code = CL_OUT_OF_HOST_MEMORY;
    if (!options) return;
    snprintf(options, bytes, "%s%s %s", BASE_OPTIONS, quiet, p->macros);
    p->code = clBuildProgram(p->object, 1, &dev->id, options, NULL, NULL);
    hg_free(options);
}

typedef struct work { hg_device *dev; hg_program **programs; int n; atomic_int next, done; atomic_bool failed; } work;

static bool build_one(work *w)
{
    int i = atomic_fetch_add(&w->next, 1);
    if (i >= w->n || atomic_load(&w->failed)) return false;
    build(w->dev, w->programs[i]);
    if (w->programs[i]->code != CL_SUCCESS) atomic_store(&w->failed, true);
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
    enum { THREADS = 7 };
    pthread_t threads[THREADS];
    long cores = w->dev->info->type == HG_DEVICE_CPU ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
    long more = cores < 1 ? 0 : cores > THREADS ? THREADS : cores - 1;
    int started = 0;
    if (progress) progress(user, 0, w->n);
    while (started < more && started < w->n - 1 && pthread_create(&threads[started], NULL, build_thread, w) == 0)
        started++;
    while (build_one(w))
        if (progress) progress(user, atomic_load(&w->done), w->n);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    if (progress) progress(user, atomic_load(&w->done), w->n);
}

/* The driver's log in a fresh block; NULL: it has none. */
static char *read_log(hg_device *dev, const hg_program *p)
{
    size_t bytes = 0;
    if (clGetProgramBuildInfo(p->object, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS || bytes < 2) return NULL;
    char *log = hg_alloc(dev->ctx, bytes + 1, 1);
    if (log && clGetProgramBuildInfo(p->object, dev->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) != CL_SUCCESS) *log = 0;
    return log;
}

/* What a driver has to say of a program that it has built: warnings. */
static void log_build(hg_device *dev, const hg_program *p)
{
    char *log = p->code == CL_SUCCESS ? read_log(dev, p) : NULL;
    if (log && log[strspn(log, " \n\t")]) hg_log(dev->ctx, HG_LOG_DEBUG, "%s.cl (%s):\n%s", p->file, p->macros, log);
    hg_free(log);
}

static bool build_failed(hg_device *dev, const hg_program *p, const char *label)
{
    char *log = read_log(dev, p);
    const char *text = log ? log + strspn(log, " \n\t") : "";
    /* A log without an error in it ("failed to build the program") is not about the kernel. */
    const char *hint =
        hg_contains(text, "error")
            ? ""
            : ", and the driver does not say why: its cache folder may be unwritable, full or damaged "
              "(for PoCL POCL_CACHE_DIR, or .cache/pocl in HOME): make it writable, remove it, or name another";
    hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s: the kernel file %s.cl did not build on %s (%s; macros: %s)%s%s%s", label,
            p->file, dev->info->name, hg_cl_error(p->code), *p->macros ? p->macros : "none", hint, *text ? ":\n" : "",
            text);
    hg_free(log);
    return false;
}

/* The program of (file, macros, text), or a new one that is not built yet. */
static hg_program *find_or_add(hg_device *dev, const char *file, const char *macros, const char *common,
                               const char *source)
{
    uint64_t text = hash(hash(0xCBF29CE484222325u, common), source);
    for (hg_program *p = dev->programs; p; p = p->next)
        if (p->text == text && strcmp(p->file, file) == 0 && strcmp(p->macros, macros) == 0) return p;
    hg_program *p = HG_NEW(dev->ctx, hg_program);
    if (!p) return NULL;
    p->text = text;
    if (!(p->file = hg_copy_text(dev->ctx, file)) || !(p->macros = hg_copy_text(dev->ctx, macros)) ||
        !(p->object = create(dev, file, common, source))) goto fail;
    p->next = dev->programs;
    dev->programs = p;
    return p;
fail:
    hg_free(p->file);
    hg_free(p->macros);
    hg_free(p);
    return NULL;
}

static hg_program *look_up(hg_device *dev, const char *file, const char *macros)
{
    char *common = read_source(dev, "common"), *source = common ? read_source(dev, file) : NULL;
    hg_program *p = source ? find_or_add(dev, file, macros, common, source) : NULL;
    hg_free(common);
    hg_free(source);
    return p;
}

static bool listed(hg_program *const *programs, int n, const hg_program *p)
{
    for (int i = 0; i < n; i++)
        if (programs[i] == p) return true;
    return false;
}

bool hg_programs_get(hg_device *dev, hg_program_request *requests, int n,
                     void (*progress)(void *user, int done, int total), void *user)
{
    hg_program **fresh = hg_alloc(dev->ctx, (size_t)n + 1, sizeof *fresh);
    bool ok = fresh != NULL;
    work w = {.dev = dev, .programs = fresh};
    for (int i = 0; ok && i < n; i++) {
        hg_program *p = requests[i].program = look_up(dev, requests[i].file, requests[i].macros);
        ok = p != NULL;
        if (ok && !p->built && !listed(fresh, w.n, p)) fresh[w.n++] = p;
    }
    if (ok && w.n) build_all(&w, progress, user);
    for (int i = 0; ok && i < w.n; i++) log_build(dev, fresh[i]);
    for (int i = 0; ok && i < n; i++)
        if (requests[i].program->built && requests[i].program->code != CL_SUCCESS)
            ok = build_failed(dev, requests[i].program, requests[i].label);
    hg_free(fresh);
    return ok;
}
