#include "base/voc_split.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { MOST_NAMED = 8 };

/* The stem of "train.txt"; NULL for other names. The name is cut. */
static const char *stem_of(char *name)
{
    size_t n = strlen(name);
    if (n <= 4 || strcmp(name + n - 4, ".txt") != 0)
        return NULL;
    name[n - 4] = 0;
    return name;
}

/* dog_train beside train: VOC keeps a list a class. */
static bool is_of_a_class(const char *stem, const char *const *all, int64_t n)
{
    const char *end = strrchr(stem, '_');
    for (int64_t i = 0; end && i < n; i++)
        if (strcmp(all[i], end + 1) == 0)
            return true;
    return false;
}

/* "test, train, trainval, val" */
static Status put_splits(Text *out, Arena *a, const char *lists)
{
    char  **name = NULL;
    int64_t n = 0, n_stems = 0, n_put = 0;
    TRY(file_list(a, &name, &n, lists));
    const char **stem = ARENA_ARRAY(a, const char *, n);
    if (!stem)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n; i++)
        if ((stem[n_stems] = stem_of(name[i])))
            n_stems++;
    for (int64_t i = 0; i < n_stems && n_put < MOST_NAMED; i++)
        if (!is_of_a_class(stem[i], stem, n_stems))
            text_printf(out, "%s%s", n_put++ ? ", " : "", stem[i]);
    return text_status(out);
}

/* The first folder below `root` that has lists; NULL when there is none. */
static Status find_voc(Arena *a, const char **out, const char *root)
{
    char  **name = NULL;
    int64_t n = 0;
    *out = NULL;
    TRY(file_list(a, &name, &n, root));
    for (int64_t i = 0; i < n && !*out; i++) {
        const char *folder = file_join(a, root, name[i]);
        const char *lists = folder ? file_join(a, folder, "ImageSets/Main") : NULL;
        if (!lists)
            return ERR_MEMORY;
        if (file_is_dir(lists))
            *out = folder;
    }
    return OK;
}

static Status fail(Arena *a, Text *splits, const char *root, const char *split)
{
    const char *lists = file_join(a, root, "ImageSets/Main"), *folder = NULL;
    const char *path = lists ? arena_printf(a, "%s/%s.txt", lists, split) : NULL;
    if (!path)
        return ERR_MEMORY;
    if (file_is_dir(lists)) {
        TRY(put_splits(splits, a, lists));
        if (splits->len > 0)
            return status_fail(ERR_MISSING, "%s: there is no such list; the split is one of %s",
                               path, text_cstr(splits));
    } else if (file_is_dir(root)) {
        TRY(find_voc(a, &folder, root));
        if (folder)
            return status_fail(ERR_MISSING, "%s holds VOC folders; name one of them: %s", root,
                               folder);
    }
    return file_fail_open(path, ENOENT);
}

Status voc_split_fail(const char *root, const char *split)
{
    Arena  a = {0};
    Text   splits = {0};
    Status st = fail(&a, &splits, root, split);
    text_release(&splits);
    arena_release(&a);
    return st;
}
