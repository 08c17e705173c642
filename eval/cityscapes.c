/* cityscapes.c -- the label table, and which prediction belongs to which image */
#include "eval/cityscapes_files.h"
#include "base/file.h"
#include "eval/folder.h"
#include <stdlib.h>
#include <string.h>

enum { VOID, FLAT, CONSTRUCTION, OBJECT, NATURE, SKY, HUMAN, VEHICLE };

static const char *const CATEGORY[CITYSCAPES_CATEGORIES] = {
    "void", "flat", "construction", "object", "nature", "sky", "human", "vehicle"};

static const CityscapesLabel LABEL[CITYSCAPES_LABELS] = {
    {"unlabeled", 255, VOID, false, true, 0},
    {"ego vehicle", 255, VOID, false, true, 0},
    {"rectification border", 255, VOID, false, true, 0},
    {"out of roi", 255, VOID, false, true, 0},
    {"static", 255, VOID, false, true, 0},
    {"dynamic", 255, VOID, false, true, 0},
    {"ground", 255, VOID, false, true, 0},
    {"road", 0, FLAT, false, false, 0},
    {"sidewalk", 1, FLAT, false, false, 0},
    {"parking", 255, FLAT, false, true, 0},
    {"rail track", 255, FLAT, false, true, 0},
    {"building", 2, CONSTRUCTION, false, false, 0},
    {"wall", 3, CONSTRUCTION, false, false, 0},
    {"fence", 4, CONSTRUCTION, false, false, 0},
    {"guard rail", 255, CONSTRUCTION, false, true, 0},
    {"bridge", 255, CONSTRUCTION, false, true, 0},
    {"tunnel", 255, CONSTRUCTION, false, true, 0},
    {"pole", 5, OBJECT, false, false, 0},
    {"polegroup", 255, OBJECT, false, true, 0},
    {"traffic light", 6, OBJECT, false, false, 0},
    {"traffic sign", 7, OBJECT, false, false, 0},
    {"vegetation", 8, NATURE, false, false, 0},
    {"terrain", 9, NATURE, false, false, 0},
    {"sky", 10, SKY, false, false, 0},
    {"person", 11, HUMAN, true, false, 3462.4756337644},
    {"rider", 12, HUMAN, true, false, 3930.4788056518},
    {"car", 13, VEHICLE, true, false, 12794.0202738185},
    {"truck", 14, VEHICLE, true, false, 27855.1264367816},
    {"bus", 15, VEHICLE, true, false, 35732.1511111111},
    {"caravan", 255, VEHICLE, true, true, 36771.8241758242},
    {"trailer", 255, VEHICLE, true, true, 16926.9763313609},
    {"train", 16, VEHICLE, true, false, 67583.7075812274},
    {"motorcycle", 17, VEHICLE, true, false, 6298.7200839748},
    {"bicycle", 18, VEHICLE, true, false, 4672.3249222261},
};

const CityscapesLabel *cityscapes_label(int id)
{
    return id >= 0 && id < CITYSCAPES_LABELS ? &LABEL[id] : NULL;
}

const char *cityscapes_category(int category)
{
    return category >= 0 && category < CITYSCAPES_CATEGORIES ? CATEGORY[category] : NULL;
}

int cityscapes_thing(int thing)
{
    static const int id[CITYSCAPES_THINGS] = {24, 25, 26, 27, 28, 31, 32, 33};
    return thing >= 0 && thing < CITYSCAPES_THINGS ? id[thing] : -1;
}

/* ---- pairs of files ---- */

/* Length of "<city>_<seq>_<frame>" in a file name; 0 when it has fewer than four parts. */
static size_t frame_length(const char *name)
{
    const char *p = name;
    for (int part = 0; part < 3; part++) {
        p = strchr(p, '_');
        if (!p)
            return 0;
        p++;
    }
    return (size_t)(p - 1 - name);
}

static int by_base(const void *x, const void *y)
{
    const char *a = *(const char *const *)x, *b = *(const char *const *)y;
    int         order = strcmp(file_base(a), file_base(b));
    return order ? order : strcmp(a, b);
}

/* The first name (sorted by base) that is not below the prefix. */
static int64_t lower_bound(char **path, int64_t n, const char *prefix, size_t len)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (strncmp(file_base(path[mid]), prefix, len) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static Status find_one(Arena *a, char **out, const char *truth, char **path, int64_t n,
                       const char *found_dir, const char *suffix)
{
    const char *base = file_base(truth);
    size_t      len = frame_length(base);
    if (len == 0)
        return status_fail(ERR_FORMAT,
                           "%s: expected a name of the form <city>_<sequence>_<frame>_gtFine_...",
                           truth);
    int64_t at = lower_bound(path, n, base, len);
    if (at == n || strncmp(file_base(path[at]), base, len) != 0)
        return status_fail(ERR_MISSING, "%s: no prediction %.*s*%s below this folder", found_dir,
                           (int)len, base, suffix);
    if (at + 1 < n && strncmp(file_base(path[at + 1]), base, len) == 0)
        return status_fail(ERR_FORMAT, "%s: several predictions for %s: %s and %s", found_dir,
                           truth, path[at], path[at + 1]);
    *out = file_join(a, found_dir, path[at]);
    return *out ? OK : ERR_MEMORY;
}

Status cityscapes_pairs(Arena *a, CityscapesPair **pairs, int64_t *n, const char *truth_dir,
                        const char *truth_suffix, const char *found_dir, const char *found_suffix)
{
    char  **truth = NULL, **found = NULL;
    int64_t n_found = 0;
    TRY(folder_walk(a, &truth, n, truth_dir, truth_suffix));
    TRY(folder_walk(a, &found, &n_found, found_dir, found_suffix));
    if (*n == 0)
        return status_fail(ERR_MISSING, "%s: no file *%s below this folder", truth_dir,
                           truth_suffix);
    if (n_found > 0)
        qsort(found, (size_t)n_found, sizeof *found, by_base);
    *pairs = ARENA_ARRAY(a, CityscapesPair, *n);
    if (!*pairs)
        return ERR_MEMORY;
    for (int64_t i = 0; i < *n; i++) {
        (*pairs)[i].truth = file_join(a, truth_dir, truth[i]);
        if (!(*pairs)[i].truth)
            return ERR_MEMORY;
        TRY(find_one(a, &(*pairs)[i].found, truth[i], found, n_found, found_dir, found_suffix));
    }
    return OK;
}

void cityscapes_keep_failure(CityscapesFailure *f, Status st, int64_t image)
{
    pthread_mutex_lock(&f->lock);
    if (f->st == OK || image < f->image) {
        f->st = st;
        f->image = image;
        strcpy(f->sentence, status_text());
    }
    pthread_mutex_unlock(&f->lock);
}
