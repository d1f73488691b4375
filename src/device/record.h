/* A list of launches that runs many times, in two lanes where that can be (device/lanes.h). Where the driver has command buffers (cl_khr_command_buffer), it is recorded once and then
 * replayed by one call a run, if that turns out to be faster than enqueueing launch by launch. */
#ifndef HG_DEVICE_RECORD_H
#define HG_DEVICE_RECORD_H

#include "device/launch.h"

typedef struct hg_record hg_record;

/* What may settle the way of all runs (hg_device_params.variants): "step=..", up to NULL. */
extern const char *const hg_record_ways[];

/* For launches that are built, and stay so as long as the record lives. The first runs find out which way is faster; the variants of
 * hg_device_params may settle it: "step=replay", "step=lanes", or "step=enqueue" for one after the other in one lane. */
hg_record *hg_record_create(hg_device *dev, hg_launch *const *launches, int n);
void hg_record_destroy(hg_record *record);
/* Enqueues one run: the same bits either way. Waits only now and then, while the ways are compared. */
bool hg_record_run(hg_record *record);
/* Were the launches replayed in the last run? */
bool hg_record_replays(const hg_record *record);
/* How many of them ran beside others? */
int hg_record_beside(const hg_record *record);

#endif
