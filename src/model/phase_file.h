/* Reading what a model file says about training: losses and phases. */
#ifndef HG_MODEL_PHASE_FILE_H
#define HG_MODEL_PHASE_FILE_H

#include "model/yaml_reader.h"

/* The losses of a phase: a name, or a mapping of names to options. */
bool hg_losses_read(hg_yaml *r, const yaml_node_t *node, int phase);
/* The list of phases, each with name, loss and update. */
bool hg_phases_read(hg_yaml *r, const yaml_node_t *list);

#endif
