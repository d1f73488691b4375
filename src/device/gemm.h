/* Matrix products by CLBlast: the only file that knows it is gemm.c. A launch with a `gemm` calls it instead of a kernel. */
#ifndef HG_DEVICE_GEMM_H
#define HG_DEVICE_GEMM_H

#include "device/launch.h"

/* C [m, n] = A [m, k] B [k, n] + (add ? C : 0), row-major; a_turned: A is stored as [k, m]. The launch's first three arguments are
 * the buffers A, B, C. CLBlast compiles its kernels at the first call of a kind, which takes seconds. */
struct hg_gemm { int m, n, k; bool a_turned, add; };

/* Enqueues it. HG_KERNEL_BUILD: CLBlast's kernels do not build on this device. */
bool hg_gemm_run(hg_device *dev, const hg_launch *launch);

#endif
