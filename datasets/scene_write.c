#include "datasets/scene_write.h"
#include "base/threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- pictures in parallel
 * --------------------------------------------------------------------------------------- */

typedef struct Batch {
    const SceneOptions *options;
    ScenePicture       *picture;
    int64_t             first;
    pthread_mutex_t     lock;
    Status              status; // of the first failure
    char                sentence[1024];
} Batch;

static Status make_picture(const SceneOptions *o, ScenePicture *p, Image *im, int64_t index)
{
    TRY(image_resize_buffer(im, o->size, o->size));
    TRY(scene_render(o, im->pixels, p->owner, &p->truth, index));
    p->jpeg.n_bytes = 0;
    return image_encode_jpeg(&p->jpeg, im, p->truth.jpeg_quality, JPEG_420);
}

static void batch_body(void *ctx, int64_t begin, int64_t end)
{
    Batch *b = ctx;
    Image  im = {0};
    for (int64_t i = begin; i < end; i++) {
        Status st = make_picture(b->options, &b->picture[i], &im, b->first + i);
        if (st == OK)
            continue;
        pthread_mutex_lock(&b->lock);
        if (b->status == OK) {
            b->status = st;
            snprintf(b->sentence, sizeof b->sentence, "%s", status_text());
        }
        pthread_mutex_unlock(&b->lock);
        break;
    }
    image_release(&im);
}

/* Pictures held at once: about 16 M pixels, so 64 scenes of any usual size and four of the largest.
 */
static int64_t batch_size(int64_t size)
{
    int64_t n = (16 << 20) / (size * size);
    return n > 64 ? 64 : n < 1 ? 1 : n;
}

static Status run_batch(Batch *b, SceneSink *sink, void *ctx, int64_t n)
{
    threads_for(n, 1, batch_body, b);
    if (b->status != OK)
        return status_fail(b->status, "%s", b->sentence);
    for (int64_t i = 0; i < n; i++)
        TRY(sink(ctx, &b->picture[i], b->first + i));
    return OK;
}

Status scene_each(const SceneOptions *o, SceneSink *sink, void *ctx, int64_t first, int64_t n)
{
    if (o->size < SCENE_MIN_SIZE || o->size > SCENE_MAX_SIZE)
        return status_fail(ERR_USAGE, "scene: size is %lld pixels, must be %d..%d",
                           (long long)o->size, SCENE_MIN_SIZE, SCENE_MAX_SIZE);
    Status       st = OK;
    int64_t      most = batch_size(o->size), area = o->size * o->size;
    ScenePicture picture[64] = {0};
    Batch        b = {.options = o, .picture = picture};
    pthread_mutex_init(&b.lock, NULL);
    for (int64_t i = 0; i < most; i++) {
        picture[i].owner = malloc((size_t)area);
        if (!picture[i].owner)
            TRY_OUT(status_no_memory("a batch of scenes", area));
    }
    for (int64_t done = 0; done < n; done += most) {
        b.first = first + done;
        TRY_OUT(run_batch(&b, sink, ctx, n - done < most ? n - done : most));
    }
out:
    for (int64_t i = 0; i < most; i++) {
        image_bytes_release(&picture[i].jpeg);
        free(picture[i].owner);
    }
    pthread_mutex_destroy(&b.lock);
    return st;
}

/* ---- files
 * ----------------------------------------------------------------------------------------------------
 */

Status scene_ranges(SceneRange range[3], SceneSplits s)
{
    const int64_t most = 1000000000;
    int64_t       n[3] = {s.n_train, s.n_val, s.n_test};
    for (int i = 0; i < 3; i++)
        if (n[i] < 0 || n[i] > most)
            return status_fail(ERR_USAGE, "scene: a split of %lld pictures, must be 0..%lld",
                               (long long)n[i], (long long)most);
    range[0] = (SceneRange){"train", 0, s.n_train};
    range[1] = (SceneRange){"val", s.n_train, s.n_val};
    range[2] = (SceneRange){"test", s.n_train + s.n_val, s.n_test};
    return OK;
}

Status scene_path(char *out, size_t n_bytes, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(out, n_bytes, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= n_bytes)
        return status_fail(ERR_USAGE, "scene: the path %.60s... is longer than %zu bytes", out,
                           n_bytes - 1);
    return OK;
}

Status scene_make_dirs(const char *path)
{
    char part[4096];
    TRY(scene_path(part, sizeof part, "%s", path));
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != 0)
            continue;
        char held = *p;
        *p = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return status_fail(ERR_CREATE, "%s: cannot make the folder: %s", part, strerror(errno));
        if (held == 0)
            return OK;
        *p = held;
    }
}

Status scene_create(FILE **f, const char *path)
{
    *f = fopen(path, "wb");
    if (!*f)
        return status_fail(ERR_CREATE, "%s: cannot create the file: %s", path, strerror(errno));
    return OK;
}

Status scene_finish(FILE *f, const char *path)
{
    int is_bad = ferror(f);
    if (fclose(f) != 0 || is_bad)
        return status_fail(ERR_IO, "%s: writing failed: %s", path, strerror(errno));
    return OK;
}

Status scene_write_file(const char *path, const ImageBytes *bytes)
{
    FILE *f;
    TRY(scene_create(&f, path));
    fwrite(bytes->data, 1, (size_t)bytes->n_bytes, f);
    return scene_finish(f, path);
}

/* ---- ImageNet layout
 * ------------------------------------------------------------------------------------------ */

typedef struct Folder {
    SceneKind   kind;
    const char *split_dir;
} Folder;

static Status folder_sink(void *ctx, const ScenePicture *p, int64_t index)
{
    const Folder *folder = ctx;
    char          path[4096];
    TRY(scene_path(path, sizeof path, "%s/%s/%06lld.jpg", folder->split_dir,
                   scene_class_name(folder->kind, p->truth.class_id), (long long)index + 1));
    return scene_write_file(path, &p->jpeg);
}

static Status want_labels(const SceneOptions *o)
{
    if (o->kind != SCENE_OBJECT)
        return status_fail(ERR_USAGE,
                           "scene: detection scenes have no single label; a labelled folder "
                           "or shard wants object pictures");
    return scene_check(o);
}

Status scene_write_folder(const SceneOptions *o, const char *dir, SceneSplits splits)
{
    SceneRange range[3];
    TRY(want_labels(o));
    TRY(scene_ranges(range, splits));
    for (int s = 0; s < 3; s++) {
        char split_dir[4096], path[4096];
        if (range[s].n == 0)
            continue;
        TRY(scene_path(split_dir, sizeof split_dir, "%s/%s", dir, range[s].name));
        for (int c = 0; c < scene_classes(o->kind); c++) {
            TRY(scene_path(path, sizeof path, "%s/%s", split_dir, scene_class_name(o->kind, c)));
            TRY(scene_make_dirs(path));
        }
        Folder folder = {o->kind, split_dir};
        TRY(scene_each(o, folder_sink, &folder, range[s].first, range[s].n));
    }
    return OK;
}

/* ---- WebDataset shards
 * ------------------------------------------------------------------------------------------ */

typedef struct Shards {
    const char *dir;
    SceneRange  range;
    int64_t     per_shard;
    FILE       *f; // the open shard, NULL between shards
    char        path[4096];
} Shards;

/* One ustar member: 512-byte header, content, zeros up to a multiple of 512 (POSIX.1-1988 "ustar").
 */
static void tar_member(FILE *f, const char *name, const void *bytes, int64_t n_bytes)
{
    char header[512] = {0};
    snprintf(header, 100, "%s", name);
    memcpy(header + 100, "0000644", 8);
    memcpy(header + 108, "0000000", 8);
    memcpy(header + 116, "0000000", 8);
    snprintf(header + 124, 12, "%011llo", (long long)n_bytes);
    memcpy(header + 136, "00000000000", 12); // modified at 0: equal seeds give equal bytes
    memset(header + 148, ' ', 8);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    fwrite(header, 1, 512, f);
    fwrite(bytes, 1, (size_t)n_bytes, f);
    static const char zeros[512];
    fwrite(zeros, 1, (size_t)(-n_bytes & 511), f);
}

static Status shard_close(Shards *s)
{
    static const char end[1024];
    if (!s->f)
        return OK;
    fwrite(end, 1, sizeof end, s->f);
    FILE *f = s->f;
    s->f = NULL;
    return scene_finish(f, s->path);
}

static Status shard_sink(void *ctx, const ScenePicture *p, int64_t index)
{
    Shards *s = ctx;
    int64_t place = index - s->range.first;
    if (place % s->per_shard == 0) {
        TRY(shard_close(s));
        TRY(scene_path(s->path, sizeof s->path, "%s/%s-%06lld.tar", s->dir, s->range.name,
                       (long long)(place / s->per_shard)));
        TRY(scene_create(&s->f, s->path));
    }
    char name[64], label[16];
    int  n = snprintf(label, sizeof label, "%d", p->truth.class_id);
    snprintf(name, sizeof name, "%09lld.jpg", (long long)index + 1);
    tar_member(s->f, name, p->jpeg.data, p->jpeg.n_bytes);
    snprintf(name, sizeof name, "%09lld.cls", (long long)index + 1);
    tar_member(s->f, name, label, n);
    return OK;
}

/* One class name a line, in the order of the labels. */
static Status write_class_list(const SceneOptions *o, const char *dir)
{
    char  path[4096];
    FILE *f;
    TRY(scene_path(path, sizeof path, "%s/classes.txt", dir));
    TRY(scene_create(&f, path));
    for (int c = 0; c < scene_classes(o->kind); c++)
        fprintf(f, "%s\n", scene_class_name(o->kind, c));
    return scene_finish(f, path);
}

Status scene_write_shards(const SceneOptions *o, const char *dir, SceneSplits splits,
                          int64_t per_shard)
{
    SceneRange range[3];
    TRY(want_labels(o));
    TRY(scene_ranges(range, splits));
    if (per_shard < 1)
        return status_fail(ERR_USAGE, "scene: %lld pictures a shard, must be at least 1",
                           (long long)per_shard);
    TRY(scene_make_dirs(dir));
    TRY(write_class_list(o, dir));
    for (int r = 0; r < 3; r++) {
        Shards s = {.dir = dir, .range = range[r], .per_shard = per_shard};
        Status st = scene_each(o, shard_sink, &s, range[r].first, range[r].n);
        if (st != OK) {
            if (s.f)
                fclose(s.f);
            return st;
        }
        TRY(shard_close(&s));
    }
    return OK;
}
