/* plan.c -- godwit plan pretrain|train RECIPE [key=value ...]: the memory that a recipe takes, before it runs */
#include "base/json.h"
#include "cli/device.h"
#include "cli/verbs.h"
#include "detect/plan.h"
#include "pretrain/plan.h"

#include <stdio.h>
#include <string.h>

typedef Status Planner(MemoryPlan *out, const RecipeSource *recipe, const Backend *like,
                       int64_t n_classes);

static const struct {
    const char *verb;
    Planner    *plan;
    int64_t     n_classes; // where the user names no number
} KINDS[] = {{"pretrain", pretrain_plan, 1000}, {"train", detect_plan, 20}};

/* What will run it: the backend of `device`, or NULL for a GPU that is not here. */
static Status find_device(const Backend **like, DeviceFacts *facts, const char *device)
{
    Status st = backend_open(like, device, F32);
    if (st == ERR_DEVICE && strcmp(device, "cuda") == 0) {
        *like = NULL;
        return OK;
    }
    TRY(st);
    return (*like)->describe ? (*like)->describe(facts) : OK;
}

static Status save(const MemoryPlan *p, const DeviceFacts *facts, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "what", p->what);
    json_put_int(&w, "state_bytes", p->state_bytes);
    json_put_int(&w, "step_bytes", p->step_bytes);
    json_put_int(&w, "total_bytes", p->state_bytes + p->step_bytes);
    if (facts->total_bytes > 0) {
        json_put_string(&w, "device", facts->name);
        json_put_int(&w, "device_bytes", facts->total_bytes);
    }
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

static void print_row(const char *what, int64_t bytes)
{
    bool is_small = bytes < 100000000;
    printf("  %-32s %8.2f %s\n", what, (double)bytes / (is_small ? 1e6 : 1e9),
           is_small ? "MB" : "GB");
}

static void print(const MemoryPlan *p, const DeviceFacts *facts)
{
    int64_t total = p->state_bytes + p->step_bytes;
    printf("%s\n", p->what);
    print_row("weights, gradients, optimiser", p->state_bytes);
    print_row("a step beside them, at most", p->step_bytes);
    print_row("in all", total);
    if (facts->total_bytes > 0)
        printf("  %s has %.2f GB, %.2f GB of them free: %s\n", facts->name,
               (double)facts->total_bytes / 1e9, (double)facts->free_bytes / 1e9,
               total < facts->free_bytes ? "fits" : "does not fit");
}

Status verb_plan(const Verb *verb, int argc, char **argv)
{
    int64_t     n_classes = 0;
    Option      options[] = {{"classes", OPTION_INT, &n_classes, "N",
                              "of the data (default 1000 in pretraining, 20 in detection)", false}};
    CommandLine line = {.verb = verb,
                        .options = options,
                        .n_options = 1,
                        .operands = "pretrain|train RECIPE [key=value ...]",
                        .max_operands = 2,
                        .takes_overrides = true};
    MemoryPlan  plan;
    DeviceFacts facts = {.name = ""};
    int         kind = 0;
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    while (line.n_operands == 2 && kind < 2 && strcmp(line.operand[0], KINDS[kind].verb) != 0)
        kind++;
    if (line.n_operands != 2 || kind == 2 || n_classes < 0 || n_classes > 1 << 20)
        TRY_OUT(status_fail(ERR_USAGE, "godwit plan: expects `godwit plan %s`", line.operands));
    RecipeSource recipe = {
        .name = line.operand[1], .overrides = line.override, .n_overrides = line.n_overrides};
    recipe.folders = recipe_folders(&recipe.n_folders);
    const Backend *like = NULL;
    TRY_OUT(find_device(&like, &facts, line.common.device));
    TRY_OUT(KINDS[kind].plan(&plan, &recipe, like, n_classes ? n_classes : KINDS[kind].n_classes));
    print(&plan, &facts);
    if (line.common.json)
        TRY_OUT(save(&plan, &facts, line.common.json));
out:
    options_release(&line);
    return st;
}
