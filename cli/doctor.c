/* doctor.c -- godwit doctor: what this machine can do and what is missing */
#include "base/file.h"
#include "base/json.h"
#include "base/recipe.h"
#include "base/threads.h"
#include "cli/device.h"
#include "cli/system.h"
#include "cli/verbs.h"
#include "kernels/backend.h"
#include "kernels/bench.h"
#include "pretrain/device_decoder.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct Finding {
    const char *what;
    char        is[320];
    bool        is_fine;
} Finding;

/* Both rooms' recipes by bare name, as the verbs will look for them. */
static void find_recipes(Finding *f)
{
    Arena              arena = {0};
    char              *one = NULL, *other = NULL;
    int                n = 0;
    const char *const *folders = recipe_folders(&n);
    f->what = "recipes";
    f->is_fine = recipe_find(&arena, &one, "moco_v2_r50_in1m_200ep", folders, n) == OK &&
                 recipe_find(&arena, &other, "voc_r50_c4_24k_moco", folders, n) == OK;
    snprintf(f->is, sizeof f->is, "%s", f->is_fine ? file_dir(&arena, one) : status_text());
    arena_release(&arena);
}

static void find_gaps(Finding *f)
{
    size_t n = 0;
    f->what = "GPU lacks";
    f->is_fine = true;
    snprintf(f->is, sizeof f->is, "nothing");
    for (const BackendGap *gap = backend_cuda_gaps(); gap && gap->entry && n < sizeof f->is; gap++)
        n += (size_t)snprintf(f->is + n, sizeof f->is - n, "%s%s: %s", n > 0 ? "; " : "",
                              gap->entry, gap->why);
}

/* A machine without a GPU is fine; one whose GPU, or what was asked for, does not open is not. */
static int look(Finding *f, const char *device)
{
    int n = 0;
    f[n].what = "processor";
    system_processor(f[n].is, sizeof f[n].is);
    f[n++].is_fine = true;
    f[n].what = "cores";
    snprintf(f[n].is, sizeof f[n].is, "%d usable", threads_count());
    f[n++].is_fine = true;
    f[n].what = "vector units";
    snprintf(f[n].is, sizeof f[n].is, "%s", system_vectors());
    f[n++].is_fine = true;

    long   pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
    double gb = (double)pages * (double)page / 1e9;
    f[n].what = "memory";
    snprintf(f[n].is, sizeof f[n].is, "%.1f GB%s", gb, gb < 2 ? ": the demo wants 2" : "");
    f[n++].is_fine = gb >= 2;

    struct statvfs disk;
    f[n].what = "disk here";
    if (statvfs(".", &disk) == 0) {
        double free_gb = (double)disk.f_bavail * (double)disk.f_frsize / 1e9;
        snprintf(f[n].is, sizeof f[n].is, "%.1f GB free%s", free_gb,
                 free_gb < 1 ? ": checkpoints may not fit" : "");
        f[n].is_fine = free_gb >= 1;
    } else {
        snprintf(f[n].is, sizeof f[n].is, "this folder cannot be examined");
    }
    n++;

    f[n].what = "oneDNN";
    snprintf(f[n].is, sizeof f[n].is, "%s", bench_onednn_version());
    f[n++].is_fine = true;

    find_recipes(&f[n++]);

    f[n].what = "GPU";
    const Backend *gpu = NULL;
    bool           is_ready = backend_open(&gpu, "cuda", F32) == OK;
    DeviceFacts    facts = {.name = ""};
    if (is_ready && gpu->describe && gpu->describe(&facts) == OK)
        snprintf(f[n].is, sizeof f[n].is, "%s, %.1f of %.1f GB free: --device cuda", facts.name,
                 (double)facts.free_bytes / 1e9, (double)facts.total_bytes / 1e9);
    else
        snprintf(f[n].is, sizeof f[n].is, "%s", status_text());
    f[n++].is_fine = is_ready || !(backend_may_have_cuda() || strcmp(device, "cuda") == 0);
    if (is_ready)
        find_gaps(&f[n++]);
    if (is_ready && gpu->jpeg_open) {
        JpegDecoders decoders;
        f[n].what = "GPU's JPEG";
        snprintf(f[n].is, sizeof f[n].is, "%s",
                 device_decoders(&decoders, gpu) == OK ? "decodes: data.decode=device"
                                                       : status_text());
        f[n++].is_fine = true;
    }
    return n;
}

static Status write_json(const char *path, const Finding *f, int n)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "version", GODWIT_VERSION);
    for (int i = 0; i < n; i++)
        json_put_string(&w, f[i].what, f[i].is);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

Status verb_doctor(const Verb *verb, int argc, char **argv)
{
    CommandLine line = {.verb = verb, .operands = "", .max_operands = 0};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    Finding finding[16] = {0};
    int     n = look(finding, line.common.device), wrong = 0;
    printf("godwit %s\n", GODWIT_VERSION);
    for (int i = 0; i < n; i++) {
        printf("  %-4s %-14s %s\n", finding[i].is_fine ? "ok" : "!!", finding[i].what,
               finding[i].is);
        wrong += !finding[i].is_fine;
    }
    printf(wrong ? "%d thing%s to look at\n" : "all is well\n", wrong, wrong == 1 ? "" : "s");
    if (line.common.json)
        TRY_OUT(write_json(line.common.json, finding, n));
    const Backend *asked_for;
    TRY_OUT(backend_open(&asked_for, line.common.device, F32));
out:
    options_release(&line);
    return st;
}
