/* Device buffers. Transfers go through the whole buffer even for a view: the drivers' paths for sub-buffers are less
 * trodden. */
#include "device/device_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static hg_buffer *new_buffer(hg_device *dev, size_t bytes, const char *label)
{
    hg_buffer *buffer = HG_NEW(dev->ctx, hg_buffer);
    if (!buffer) return NULL;
    buffer->dev = dev;
    buffer->bytes = bytes;
    snprintf(buffer->label, sizeof buffer->label, "%s", label);
    return buffer;
}

static bool check_room(hg_device *dev, size_t bytes, const char *label)
{
    const double mib = 1.0 / (1 << 20);
    if (bytes > dev->info->max_alloc)
        return hg_fail(dev->ctx, HG_DEVICE_MEMORY,
                       "%s: %.1f MiB are more than %s gives out at once (%.1f MiB): use a smaller --batch or model",
                       label, (double)bytes * mib, dev->info->name, (double)dev->info->max_alloc * mib);
    if (bytes > dev->info->memory || dev->used > dev->info->memory - bytes)
        return hg_fail(
            dev->ctx, HG_DEVICE_MEMORY,
            "%s: %.1f MiB do not fit beside the %.1f MiB in use: %s has %.1f MiB: use a smaller --batch or model",
            label, (double)bytes * mib, (double)dev->used * mib, dev->info->name, (double)dev->info->memory * mib);
    return true;
}

/* Asks the system for large pages under a CPU device's large buffer, before anything touches it: kernels that walk through matrices then
 * find their addresses sooner. Where the system gives them on request only (Linux: madvise(2)) no driver asks. */
static bool ask_for_large_pages(hg_buffer *buffer)
{
#ifdef MADV_HUGEPAGE
    enum { PAGE = 2 << 20 };
    hg_device *dev = buffer->dev;
    if (dev->info->type != HG_DEVICE_CPU || buffer->bytes < 2 * (size_t)PAGE) return true;
    cl_int code;
    char *first = clEnqueueMapBuffer(dev->queue, buffer->mem, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0, buffer->bytes, 0, NULL, NULL,
                                     &code);
    if (!first) return hg_cl_fail(dev, code, "clEnqueueMapBuffer", buffer->label);
    const size_t before = (PAGE - (uintptr_t)first % PAGE) % PAGE;
    (void)madvise(first + before, (buffer->bytes - before) / PAGE * PAGE, MADV_HUGEPAGE); /* without them all works, too */
    code = clEnqueueUnmapMemObject(dev->queue, buffer->mem, first, 0, NULL, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueUnmapMemObject", buffer->label);
#else
    (void)buffer;
    return true;
#endif
}

hg_buffer *hg_buffer_create(hg_device *dev, size_t bytes, const char *label)
{
    if (bytes == 0) bytes = 4;
    if (bytes > SIZE_MAX - 3) bytes = SIZE_MAX - 3;
    bytes = (bytes + 3) / 4 * 4; /* whole words, for fills */
    if (!hg_device_working(dev) || !check_room(dev, bytes, label)) return NULL;
    hg_buffer *buffer = new_buffer(dev, bytes, label);
    if (!buffer) return NULL;
    cl_int code;
    buffer->mem = clCreateBuffer(dev->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (!buffer->mem) {
        hg_cl_fail(dev, code, "clCreateBuffer", label);
        hg_free(buffer);
        return NULL;
    }
    buffer->whole = buffer->mem;
    dev->used += bytes;
    /* the zeros: many drivers find out only now whether the memory is there */
    if (ask_for_large_pages(buffer) && hg_buffer_fill(buffer, 0) && hg_device_finish(dev)) return buffer;
    hg_buffer_destroy(buffer);
    return NULL;
}

hg_buffer *hg_buffer_view(hg_buffer *parent, size_t offset, size_t bytes)
{
    hg_device *dev = parent->dev;
    if (!hg_device_working(dev)) return NULL;
    if (offset > parent->bytes || bytes > parent->bytes - offset || offset % dev->info->base_align) {
        hg_fail(dev->ctx, HG_INTERNAL, "%s: a view of %zu bytes at %zu does not lie in %zu bytes", parent->label, bytes,
                offset, parent->bytes);
        return NULL;
    }
    hg_buffer *view = new_buffer(dev, bytes, parent->label);
    if (!view) return NULL;
    view->whole = parent->whole;
    view->begin = parent->begin + offset;
    cl_buffer_region region = {view->begin, bytes};
    cl_int code;
    view->mem = clCreateSubBuffer(view->whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (view->mem) return view;
    hg_cl_fail(dev, code, "clCreateSubBuffer", parent->label);
    hg_free(view);
    return NULL;
}

void hg_buffer_destroy(hg_buffer *buffer)
{
    if (!buffer) return;
    if (buffer->mem == buffer->whole) buffer->dev->used -= buffer->bytes;
    clReleaseMemObject(buffer->mem);
    hg_free(buffer);
}

size_t hg_buffer_size(const hg_buffer *buffer) { return buffer->bytes; }

static bool check_range(const hg_buffer *b, size_t offset, size_t bytes)
{
    if (!hg_device_working(b->dev)) return false;
    return (offset <= b->bytes && bytes <= b->bytes - offset) ||
           hg_fail(b->dev->ctx, HG_INTERNAL, "%s: %zu bytes at %zu do not lie in %zu bytes", b->label, bytes, offset,
                   b->bytes);
}

/* Small buffers get their zeros by a write, because Oclgrind takes memory that was filled for uninitialised; by one write, because
 * it takes a write that does not begin at the buffer's start for one that makes the rest uninitialised. */
static bool write_zeros(hg_buffer *buffer)
{
    void *zeros = hg_alloc(buffer->dev->ctx, buffer->bytes, 1);
    bool ok = zeros && hg_buffer_write(buffer, 0, zeros, buffer->bytes);
    hg_free(zeros);
    return ok;
}

bool hg_buffer_fill(hg_buffer *buffer, uint32_t pattern)
{
    enum { SMALL = 1 << 20 };
    hg_device *dev = buffer->dev;
    if (!hg_device_working(dev)) return false;
    size_t words = buffer->bytes / 4 * 4;
    cl_int code = CL_SUCCESS;
    if (pattern == 0 && buffer->bytes <= SMALL) return write_zeros(buffer);
    if (words)
        code = clEnqueueFillBuffer(dev->queue, buffer->whole, &pattern, sizeof pattern, buffer->begin, words, 0, NULL,
                                   NULL);
    for (size_t i = words; code == CL_SUCCESS && i < buffer->bytes; i++) /* a view may end within a word */
        code = clEnqueueFillBuffer(dev->queue, buffer->whole, (char *)&pattern + i % 4, 1, buffer->begin + i, 1, 0,
                                   NULL, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueFillBuffer", buffer->label);
}

bool hg_buffer_write(hg_buffer *buffer, size_t offset, const void *data, size_t bytes)
{
    hg_device *dev = buffer->dev;
    if (!check_range(buffer, offset, bytes)) return false;
    if (bytes == 0) return true;
    cl_int code =
        clEnqueueWriteBuffer(dev->queue, buffer->whole, CL_TRUE, buffer->begin + offset, bytes, data, 0, NULL, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueWriteBuffer", buffer->label);
}

bool hg_buffer_read(hg_buffer *buffer, size_t offset, void *data, size_t bytes)
{
    hg_device *dev = buffer->dev;
    if (!check_range(buffer, offset, bytes)) return false;
    if (bytes == 0) return true;
    cl_int code =
        clEnqueueReadBuffer(dev->queue, buffer->whole, CL_TRUE, buffer->begin + offset, bytes, data, 0, NULL, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueReadBuffer", buffer->label);
}

bool hg_buffer_copy(hg_buffer *to, size_t to_offset, hg_buffer *from, size_t from_offset, size_t bytes)
{
    hg_device *dev = to->dev;
    if (!check_range(to, to_offset, bytes) || !check_range(from, from_offset, bytes)) return false;
    if (bytes == 0) return true;
    cl_int code = clEnqueueCopyBuffer(dev->queue, from->whole, to->whole, from->begin + from_offset,
                                      to->begin + to_offset, bytes, 0, NULL, NULL);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clEnqueueCopyBuffer", to->label);
}
