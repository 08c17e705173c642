/* scene_voc.c -- detection scenes as PASCAL VOC and COCO files
 *
 * VOC boxes count pixels from 1 and include the last one: x1 y1 x2 y2 (0-based edges) -> x1+1 y1+1
 * x2 y2. COCO boxes are x y width height from 0; ids of images, annotations and categories count
 * from 1.
 */
#include "datasets/scene_write.h"

#include <stdlib.h>
#include <string.h>

/* ---- outlines
 * ---------------------------------------------------------------------------------------------------
 */

typedef struct Mask {
    uint8_t *owner; // (size,size); traced pixels are cleared
    int32_t *stack; // room for size * size entries
    int      size;
    uint8_t  id;
} Mask;

static bool is_inside(const Mask *m, int x, int y)
{
    return x >= 0 && y >= 0 && x < m->size && y < m->size && m->owner[y * m->size + x] == m->id;
}

/* The outer border of the 8-connected component whose first pixel in reading order is (x0,y0),
 * clockwise along the cracks between pixels, a vertex at each turn:
 *
 *      heading right, at the corner:  left pixel | right pixel      inside on the left  -> turn
 * left else on the right   -> straight on else                -> turn right
 */
static void write_outline(FILE *f, const Mask *m, int x0, int y0)
{
    static const int step[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};   // right down left up
    static const int left[4][2] = {{0, -1}, {0, 0}, {-1, 0}, {-1, -1}}; // pixel ahead on the left
    int              x = x0, y = y0, heading = 0;
    fprintf(f, "[%d,%d", x, y);
    do {
        x += step[heading][0];
        y += step[heading][1];
        int lx = x + left[heading][0], ly = y + left[heading][1];
        int right = (heading + 1) & 3;
        int rx = x + left[right][0], ry = y + left[right][1]; // ahead on the right
        int turn = is_inside(m, lx, ly) ? 3 : is_inside(m, rx, ry) ? 0 : 1;
        if (turn != 0 && !(x == x0 && y == y0 && ((heading + turn) & 3) == 0))
            fprintf(f, ",%d,%d", x, y);
        heading = (heading + turn) & 3;
    } while (!(x == x0 && y == y0 && heading == 0));
    fputc(']', f);
}

static void clear_component(Mask *m, int x0, int y0)
{
    int64_t n = 0;
    m->stack[n] = y0 * m->size + x0;
    m->owner[m->stack[n++]] = 0;
    while (n > 0) {
        int at = m->stack[--n], x = at % m->size, y = at / m->size;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++)
                if (is_inside(m, x + dx, y + dy)) {
                    int next = (y + dy) * m->size + x + dx;
                    m->owner[next] = 0; // before it is pushed, so no pixel is pushed twice
                    m->stack[n++] = next;
                }
    }
}

/* COCO polygons, one a component; holes are filled. Clears the object from the mask. */
static void write_polygons(FILE *f, Mask *m, const int box[4])
{
    const char *comma = "";
    fputc('[', f);
    for (int y = box[1]; y < box[3]; y++)
        for (int x = box[0]; x < box[2]; x++)
            if (is_inside(m, x, y)) {
                fputs(comma, f);
                write_outline(f, m, x, y);
                clear_component(m, x, y);
                comma = ",";
            }
    fputc(']', f);
}

/* ---- one picture
 * ------------------------------------------------------------------------------------------------
 */

static Status write_annotation(const char *voc, const SceneOptions *o, const SceneTruth *t,
                               int64_t id)
{
    char  path[4096];
    FILE *f;
    TRY(scene_path(path, sizeof path, "%s/Annotations/%06lld.xml", voc, (long long)id));
    TRY(scene_create(&f, path));
    fprintf(f,
            "<annotation>\n\t<folder>Scenes</folder>\n\t<filename>%06lld.jpg</filename>\n"
            "\t<source>\n\t\t<database>godwit generated scenes, seed %llu</database>\n"
            "\t\t<annotation>exact</annotation>\n\t\t<image>generated</image>\n\t</source>\n"
            "\t<size>\n\t\t<width>%lld</width>\n\t\t<height>%lld</height>\n\t\t<depth>3</"
            "depth>\n\t</size>\n"
            "\t<segmented>0</segmented>\n",
            (long long)id, (unsigned long long)o->seed, (long long)o->size, (long long)o->size);
    for (int i = 0; i < t->n_objects; i++) {
        const SceneObject *s = &t->object[i];
        fprintf(f,
                "\t<object>\n\t\t<name>%s</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>%d</"
                "truncated>\n"
                "\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>%d</"
                "xmin>\n\t\t\t<ymin>%d</ymin>\n"
                "\t\t\t<xmax>%d</xmax>\n\t\t\t<ymax>%d</ymax>\n\t\t</bndbox>\n\t</object>\n",
                scene_class_name(o->kind, s->class_id), s->is_truncated, s->box[0] + 1,
                s->box[1] + 1, s->box[2], s->box[3]);
    }
    fputs("</annotation>\n", f);
    return scene_finish(f, path);
}

typedef struct VocWriter {
    const SceneOptions *options;
    const char         *voc;     // .../VOCdevkit/Scenes
    FILE               *list[2]; // the split's list, and trainval's or NULL
    FILE               *class_list[2][SCENE_DETECTION_CLASSES]; // likewise, one a class
    FILE               *json; // annotations; images go to `images`
    FILE               *images;
    Mask                mask;
    int64_t             n_images, n_annotations;
} VocWriter;

static void write_coco(VocWriter *w, const ScenePicture *p, int64_t id)
{
    int size = (int)w->options->size;
    fprintf(w->images, "%s\n{\"id\":%lld,\"file_name\":\"%06lld.jpg\",\"width\":%d,\"height\":%d}",
            w->n_images++ ? "," : "", (long long)id, (long long)id, size, size);
    memcpy(w->mask.owner, p->owner, (size_t)size * (size_t)size);
    for (int i = 0; i < p->truth.n_objects; i++) {
        const SceneObject *s = &p->truth.object[i];
        fprintf(w->json,
                "%s\n{\"id\":%lld,\"image_id\":%lld,\"category_id\":%d,\"bbox\":[%d,%d,%d,%d],"
                "\"area\":%lld,"
                "\"iscrowd\":0,\"segmentation\":",
                w->n_annotations ? "," : "", (long long)w->n_annotations + 1, (long long)id,
                s->class_id + 1, s->box[0], s->box[1], s->box[2] - s->box[0], s->box[3] - s->box[1],
                (long long)s->area_px2);
        w->mask.id = (uint8_t)(i + 1);
        write_polygons(w->json, &w->mask, s->box);
        fputc('}', w->json);
        w->n_annotations++;
    }
}

static Status voc_sink(void *ctx, const ScenePicture *p, int64_t index)
{
    VocWriter *w = ctx;
    long long  id = (long long)index + 1;
    char       path[4096];
    TRY(scene_path(path, sizeof path, "%s/JPEGImages/%06lld.jpg", w->voc, id));
    TRY(scene_write_file(path, &p->jpeg));
    TRY(write_annotation(w->voc, w->options, &p->truth, id));
    for (int l = 0; l < 2 && w->list[l]; l++) {
        fprintf(w->list[l], "%06lld\n", id);
        for (int c = 0; c < SCENE_DETECTION_CLASSES; c++) {
            bool is_present = false;
            for (int i = 0; i < p->truth.n_objects; i++)
                is_present |= p->truth.object[i].class_id == c;
            fprintf(w->class_list[l][c], "%06lld %2d\n", id, is_present ? 1 : -1);
        }
    }
    write_coco(w, p, id);
    return OK;
}

/* ---- one split
 * --------------------------------------------------------------------------------------------------
 */

/* COCO wants three arrays in one object. Images are kept in memory (60 bytes each) until the
 * annotations are out. */
static Status write_split(VocWriter *w, SceneRange range, const char *dir)
{
    Status st = OK;
    char  *images = NULL, path[4096];
    size_t n_bytes;
    TRY(scene_path(path, sizeof path, "%s/annotations/instances_%s.json", dir, range.name));
    TRY(scene_create(&w->json, path));
    w->images = open_memstream(&images, &n_bytes);
    w->n_images = w->n_annotations = 0;
    if (!w->images)
        TRY_OUT(status_no_memory("the image list of a COCO file", 4096));

    fputs("{\"info\":{\"description\":\"godwit generated scenes\"},\n\"annotations\":[", w->json);
    TRY_OUT(scene_each(w->options, voc_sink, w, range.first, range.n));
    if (fclose(w->images) != 0) {
        w->images = NULL;
        TRY_OUT(status_no_memory("the image list of a COCO file", (long long)n_bytes));
    }
    w->images = NULL;
    fprintf(w->json, "],\n\"images\":[%s],\n\"categories\":[", images);
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++)
        fprintf(w->json, "%s\n{\"id\":%d,\"name\":\"%s\",\"supercategory\":\"thing\"}",
                c ? "," : "", c + 1, scene_class_name(SCENE_DETECTION, c));
    fputs("]}\n", w->json);
out:
    if (w->images)
        fclose(w->images);
    free(images);
    if (st != OK)
        fclose(w->json);
    else
        st = scene_finish(w->json, path);
    return st;
}

static Status open_lists(VocWriter *w, int l, const char *split)
{
    char path[4096];
    TRY(scene_path(path, sizeof path, "%s/ImageSets/Main/%s.txt", w->voc, split));
    TRY(scene_create(&w->list[l], path));
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++) {
        TRY(scene_path(path, sizeof path, "%s/ImageSets/Main/%s_%s.txt", w->voc,
                       scene_class_name(SCENE_DETECTION, c), split));
        TRY(scene_create(&w->class_list[l][c], path));
    }
    return OK;
}

static Status close_one(FILE **f, Status st, const char *voc)
{
    Status closed = *f ? scene_finish(*f, voc) : OK;
    *f = NULL;
    return st == OK ? closed : st;
}

static Status close_lists(VocWriter *w, int l, Status st)
{
    st = close_one(&w->list[l], st, w->voc);
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++)
        st = close_one(&w->class_list[l][c], st, w->voc);
    return st;
}

/* trainval follows train and val: its lists are open during both, in slot 1. */
static Status write_splits(VocWriter *w, const char *dir, const SceneRange range[3])
{
    Status st = open_lists(w, 1, "trainval");
    for (int s = 0; s < 3 && st == OK; s++) {
        if (s == 2)
            st = close_lists(w, 1, st);
        if (st == OK)
            st = open_lists(w, 0, range[s].name);
        if (st == OK)
            st = write_split(w, range[s], dir);
        st = close_lists(w, 0, st);
    }
    return close_lists(w, 1, st);
}

Status scene_write_voc(const SceneOptions *o, const char *dir, SceneSplits splits)
{
    static const char *const folder[] = {"JPEGImages", "Annotations", "ImageSets/Main"};
    char                     voc[4096], path[4096];
    SceneRange               range[3];
    if (o->kind != SCENE_DETECTION)
        return status_fail(ERR_USAGE, "scene: a VOC tree wants detection scenes");
    TRY(scene_check(o));
    TRY(scene_ranges(range, splits));
    TRY(scene_path(voc, sizeof voc, "%s/VOCdevkit/Scenes", dir));
    for (int i = 0; i < 3; i++) {
        TRY(scene_path(path, sizeof path, "%s/%s", voc, folder[i]));
        TRY(scene_make_dirs(path));
    }
    TRY(scene_path(path, sizeof path, "%s/annotations", dir));
    TRY(scene_make_dirs(path));

    size_t    area = (size_t)o->size * (size_t)o->size;
    VocWriter w = {.options = o, .voc = voc, .mask = {.size = (int)o->size}};
    w.mask.owner = malloc(area);
    w.mask.stack = malloc(area * sizeof(int32_t));
    Status st = w.mask.owner && w.mask.stack
                    ? write_splits(&w, dir, range)
                    : status_no_memory("the outline of a scene", (long long)area * 5);
    free(w.mask.owner);
    free(w.mask.stack);
    return st;
}
