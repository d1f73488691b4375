/* Tuning: which variant computes which operation, as timing chose it; the inner side of hg_tuning_* of hourglass.h. A table from an
 * operation's key (hg_decision.key) to a pick ("cpu:16:1:1:14"), for one device, driver and version of Hourglass, beside the
 * candidates that once took the process down. A change of the kernels makes another version.
 *
 * The file is JSON to be read by people:
 *   {"hourglass": "0.1.0", "kernels": HASH, "device": NAME, "platform": NAME, "driver": VERSION,
 *    "choices": {KEY: {"pick": PICK, "us": time of the pick, "default_us": time of what would be chosen without}},
 *    "crashed": ["KEY = PICK"]}
 * Times may be absent: where there was no time to measure. */
#ifndef HG_MODEL_TUNING_H
#define HG_MODEL_TUNING_H

#include "base/context.h"

/* The pick for a key, or NULL. */
const char *hg_tuning_find(const hg_tuning *tuning, const char *key);
/* Sets or replaces; seconds 0: not measured. */
bool hg_tuning_set(hg_tuning *tuning, const char *key, const char *pick, double seconds, double default_seconds);
/* The whole of it as one line in the file's format: a fresh block (hg_free), NULL on failure. */
char *hg_tuning_text(const hg_tuning *tuning);

/* Before a candidate runs for the first time its name is put aside on the disk, and taken away when it has come back. What is still
 * there when a tuning begins took its process down: it becomes one of the crashed. Without a file (hg_tuning_open with NULL) nothing
 * is written. */
bool hg_tuning_trying(hg_tuning *tuning, const char *key, const char *pick);
void hg_tuning_survived(hg_tuning *tuning);
bool hg_tuning_has_crashed(const hg_tuning *tuning, const char *key, const char *pick);
/* Remembers a crash that the process survived (a lost device). */
bool hg_tuning_add_crash(hg_tuning *tuning, const char *key, const char *pick);

/* Takes the file for this process until hg_tuning_release, reads what other processes have written since, and turns what one of
 * them left behind while trying into a crash. HG_BUSY: another process tunes. HG_OUTPUT: not writable. */
bool hg_tuning_take(hg_tuning *tuning);
void hg_tuning_release(hg_tuning *tuning);

#endif
