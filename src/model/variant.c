#include "model/variant.h"

#include <stdlib.h>
#include <string.h>
#include "model/plan_private.h"

/* What hg_device_params.variants says about one operation. */
typedef struct wish {
    const char *name; /* not terminated; NULL: nothing is forced */
    size_t length;
    bool here;        /* given for this operation by name */
    int parameters[HG_VARIANT_PARAMS], n_parameters;
} wish;

static wish read_wish(const char *text, const hg_operation *operation)
{
    wish found = {0};
    const size_t own = strlen(operation->name);
    for (const char *item = text; item && *item;) {
        size_t length = strcspn(item, ",");
        const char *equals = memchr(item, '=', length), *name = equals ? equals + 1 : item;
        bool here = equals && (size_t)(equals - item) == own && memcmp(item, operation->name, own) == 0;
        if (here || !equals) {
            found = (wish){.name = name, .length = strcspn(name, ":,"), .here = here};
            for (const char *p = name + found.length; *p == ':' && found.n_parameters < HG_VARIANT_PARAMS;) {
                char *end;
                found.parameters[found.n_parameters++] = (int)strtol(p + 1, &end, 10);
                p = end;
            }
        }
        item += length + (item[length] == ',');
    }
    return found;
}

/* Is the variant called so, or (`family`) one of those called NAME_something? */
static bool is_called(const hg_variant *variant, const wish *wanted, bool family)
{
    if (strncmp(variant->name, wanted->name, wanted->length) != 0) return false;
    return variant->name[wanted->length] == (family ? '_' : 0);
}

/* The forced parameters over the heuristic's, where they fit. */
static void force_parameters(const hg_variant *variant, const hg_device_info *limits, const void *problem,
                             const wish *wanted, int *parameters)
{
    int forced[HG_VARIANT_PARAMS];
    memcpy(forced, parameters, sizeof forced);
    for (int i = 0; i < wanted->n_parameters; i++)
        if (wanted->parameters[i] > 0) forced[i] = wanted->parameters[i];
    if (variant->accepts && variant->accepts(limits, problem, forced)) memcpy(parameters, forced, sizeof forced);
}

/* The cheapest that fits; among those called as wanted if `wanted` is given. */
static const hg_variant *choose(const hg_operation *operation, const hg_device_info *limits, const void *problem,
                                const wish *wanted, bool family, int *parameters)
{
    const hg_variant *best = NULL;
    double best_cost = 0;
    for (int i = 0; i < operation->count; i++) {
        const hg_variant *variant = operation->variants[i];
        int candidate[HG_VARIANT_PARAMS] = {0};
        if (wanted && !is_called(variant, wanted, family)) continue;
        double cost = variant->fit(limits, problem, candidate);
        if (cost < 0 || (best && cost >= best_cost)) continue;
        best = variant;
        best_cost = cost;
        memcpy(parameters, candidate, sizeof candidate);
    }
    if (best && wanted && wanted->n_parameters) force_parameters(best, limits, problem, wanted, parameters);
    return best;
}

static bool exists(const hg_operation *operation, const wish *wanted)
{
    for (int i = 0; i < operation->count; i++)
        if (is_called(operation->variants[i], wanted, false) || is_called(operation->variants[i], wanted, true))
            return true;
    return false;
}

static bool unknown(hg_plan *plan, const hg_operation *operation, const wish *wanted)
{
    hg_context *ctx = hg_device_context(hg_plan_device(plan));
    hg_text names = {.ctx = ctx};
    for (int i = 0; i < operation->count; i++) hg_text_add(&names, "%s%s", i ? ", " : "", operation->variants[i]->name);
    hg_fail(ctx, HG_USAGE, "variants: %s has no variant '%.*s'; it has: %s", operation->name, (int)wanted->length,
            wanted->name, names.data ? names.data : "");
    hg_text_free(&names);
    return false;
}

void hg_operate(hg_plan *plan, const hg_node *node, const hg_operation *operation, const void *problem)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    const wish wanted = read_wish(hg_device_variants(hg_plan_device(plan)), operation);
    const hg_variant *variant = NULL;
    int parameters[HG_VARIANT_PARAMS] = {0};
    if (wanted.name && wanted.here && !exists(operation, &wanted)) {
        hg_plan_sticky(plan, unknown(plan, operation, &wanted));
        return;
    }
    if (wanted.name) variant = choose(operation, limits, problem, &wanted, false, parameters);
    if (wanted.name && !variant) variant = choose(operation, limits, problem, &wanted, true, parameters);
    if (!variant) variant = choose(operation, limits, problem, NULL, false, parameters);
    if (variant) variant->emit(plan, node, problem, parameters);
    else
        hg_plan_sticky(plan, hg_fail(hg_device_context(hg_plan_device(plan)), HG_INTERNAL, "%s: no variant of %s fits",
                                     node->name, operation->name));
}
