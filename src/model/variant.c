#include "model/variant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/conv.h"
#include "model/plan_private.h"
#include "model/tuning.h"

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

double hg_variant_cost(const hg_operation *operation, const hg_variant *variant, const hg_device_info *limits, const void *problem, int *parameters)
{
    if (operation->is_pooled(problem) && !variant->pooled) return -1;
    return operation->has_halves(problem) && !variant->half ? -1 : variant->fit(limits, problem, parameters);
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
        double cost = hg_variant_cost(operation, variant, limits, problem, candidate);
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

bool hg_variants_check(hg_device *dev)
{
    static const hg_operation *const operations[] = {&hg_conv_forward, &hg_conv_data, &hg_conv_weight};
    for (const char *item = hg_device_variants(dev); item && *item;) {
        const size_t length = strcspn(item, ",");
        const char *equals = memchr(item, '=', length);
        const wish named = {.name = item, .length = strcspn(item, ":,")};
        bool known = !length;
        for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
            const char *own = operations[i]->name;
            known |= equals ? strlen(own) == (size_t)(equals - item) && memcmp(item, own, strlen(own)) == 0 : exists(operations[i], &named);
        }
        for (const char *const *way = hg_record_ways; *way; way++) known |= strlen(*way) == length && memcmp(item, *way, length) == 0;
        if (!known)
            return hg_fail(hg_device_context(dev), HG_USAGE, "variants: '%.*s' is unknown: a variant's name stands alone, for all operations, or behind "
                           "conv_forward=, conv_data= or conv_weight=; behind step= stands enqueue, lanes or replay", (int)length, item);
        item += length + (item[length] == ',');
    }
    return true;
}

/* ---- picks */

void hg_pick_text(const hg_pick *pick, char text[HG_PICK_TEXT])
{
    int n = snprintf(text, HG_PICK_TEXT, "%s", pick->variant->name);
    for (int i = 0; pick->variant->parameters[i] && n < HG_PICK_TEXT; i++)
        n += snprintf(text + n, (size_t)(HG_PICK_TEXT - n), ":%d", pick->parameters[i]);
}

bool hg_pick_same(const hg_pick *a, const hg_pick *b)
{
    return a->variant == b->variant && memcmp(a->parameters, b->parameters, sizeof a->parameters) == 0;
}

bool hg_pick_parse(const hg_operation *operation, const hg_device_info *limits, const void *problem, const char *text, hg_pick *pick)
{
    const wish named = {.name = text, .length = strcspn(text, ":")};
    *pick = (hg_pick){0};
    for (int i = 0; i < operation->count && !pick->variant; i++)
        if (is_called(operation->variants[i], &named, false)) pick->variant = operation->variants[i];
    if (!pick->variant) return false;
    const char *p = text + named.length;
    for (int i = 0; pick->variant->parameters[i]; i++) {
        char *end;
        if (*p != ':') return false;
        const long number = strtol(p + 1, &end, 10);
        if (end == p + 1 || number < 0 || number > 1 << 20) return false;
        pick->parameters[i] = (int)number;
        p = end;
    }
    int fitting[HG_VARIANT_PARAMS] = {0};
    const bool fits = hg_variant_cost(operation, pick->variant, limits, problem, fitting) >= 0;
    return *p == 0 && fits && (!pick->variant->accepts || pick->variant->accepts(limits, problem, pick->parameters));
}

/* ---- deciding */

static bool pick_forced(hg_plan *plan, const hg_operation *operation, const void *problem, hg_pick *pick)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    const wish wanted = read_wish(hg_device_variants(hg_plan_device(plan)), operation);
    if (!wanted.name) return false;
    if (wanted.here && !exists(operation, &wanted)) hg_plan_sticky(plan, unknown(plan, operation, &wanted));
    pick->variant = choose(operation, limits, problem, &wanted, false, pick->parameters);
    if (!pick->variant) pick->variant = choose(operation, limits, problem, &wanted, true, pick->parameters);
    return pick->variant != NULL;
}

static bool pick_tuned(hg_plan *plan, const hg_operation *operation, const void *problem, const char *key, hg_pick *pick)
{
    const hg_tuning *tuning = plan->arenas->tuning;
    const char *text = tuning ? hg_tuning_find(tuning, key) : NULL;
    if (!text) return false;
    if (hg_pick_parse(operation, hg_plan_limits(plan), problem, text, pick)) return true;
    hg_log(plan->ctx, HG_LOG_DEBUG, "tuning: '%s' does not fit %s any more: passed over", text, key);
    return false;
}

/* The expected best; the plain one where that is known to take the process down. */
static bool pick_expected(hg_plan *plan, const hg_operation *operation, const void *problem, const char *key, hg_pick *pick)
{
    const hg_tuning *tuning = plan->arenas->tuning;
    char text[HG_PICK_TEXT];
    *pick = (hg_pick){0};
    pick->variant = choose(operation, hg_plan_limits(plan), problem, NULL, false, pick->parameters);
    if (!pick->variant || !tuning) return pick->variant != NULL;
    hg_pick_text(pick, text);
    return !hg_tuning_has_crashed(tuning, key, text) || hg_pick_parse(operation, hg_plan_limits(plan), problem, "plain", pick);
}

bool hg_can_operate(const hg_plan *plan, const hg_operation *operation, const void *problem)
{
    const hg_device_info *limits = hg_plan_limits(plan);
    const wish wanted = read_wish(hg_device_variants(hg_plan_device(plan)), operation);
    int parameters[HG_VARIANT_PARAMS] = {0};
    if (wanted.name && exists(operation, &wanted))
        return choose(operation, limits, problem, &wanted, false, parameters) || choose(operation, limits, problem, &wanted, true, parameters);
    const hg_variant *best = choose(operation, limits, problem, NULL, false, parameters);
    return best && (wanted.name || hg_variant_cost(operation, best, limits, problem, parameters) < HG_VARIANT_FOREIGN);
}

static const char *key_of(hg_plan *plan, const hg_operation *operation, const void *problem)
{
    char text[HG_KEY_TEXT];
    operation->describe(problem, text);
    const char *key = hg_arena_format(plan->arena, "%s %s", operation->name, text);
    return hg_plan_sticky(plan, key != NULL) ? key : "";
}

void hg_operate(hg_plan *plan, const hg_node *node, const hg_operation *operation, const void *problem)
{
    hg_trial *trial = plan->trial;
    const char *key = key_of(plan, operation, problem);
    hg_pick pick = {0};
    bool expected = false;
    if (trial && (trial->count || strcmp(key, trial->key) != 0)) return;
    if (trial) {
        if (!hg_plan_sticky(plan, trial->pick(trial->user, operation, hg_plan_limits(plan), problem, &pick))) return;
    } else if (!pick_forced(plan, operation, problem, &pick) && !plan->failed && !pick_tuned(plan, operation, problem, key, &pick)) {
        expected = pick_expected(plan, operation, problem, key, &pick);
        if (!expected) hg_plan_sticky(plan, hg_fail(plan->ctx, HG_INTERNAL, "%s: no variant of %s fits", node->name, operation->name));
    }
    if (plan->failed) return;
    const int first = plan->n_launches;
    pick.variant->emit(plan, node, problem, pick.parameters);
    char text[HG_PICK_TEXT];
    hg_pick_text(&pick, text);
    hg_plan_decided(plan, (hg_decision){.key = key, .pick = hg_arena_text(plan->arena, text), .expected = expected, .node = node->index,
                                        .backward = plan->in_backward, .first = first, .count = plan->n_launches - first});
    if (trial) trial->first = first, trial->count = plan->n_launches - first;
}
