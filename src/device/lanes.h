/* A list of launches that runs many times in two lanes: short ones for which nothing waits soon, as gradients of weights, for which the
 * optimizer waits, run beside the others, so that a launch's end, where some threads have nothing left to do, and the start of the next
 * cost less. */
#ifndef HG_DEVICE_LANES_H
#define HG_DEVICE_LANES_H

#include "device/launch.h"

typedef struct hg_lanes hg_lanes;

/* For launches that are built, and stay so as long as the lanes live. What depends on what is read off their buffers, and off `const` in
 * the kernels' declarations. The device's queue is the first lane; where it is not a CPU with wide vectors (elsewhere untried), where
 * kernels do not tell their declarations, or where the list has calls of CLBlast, it is the only one. */
hg_lanes *hg_lanes_create(hg_device *dev, hg_launch *const *launches, int n);
void hg_lanes_destroy(hg_lanes *lanes);
/* Enqueues one run, whose last launch ends after all others: the same bits as one after the other. Does not wait. */
bool hg_lanes_run(hg_lanes *lanes);
/* How many launches of a run are in the second lane. */
int hg_lanes_beside(const hg_lanes *lanes);

#endif
