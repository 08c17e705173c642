/* fuzz_densepose.c -- ground truth and results of any bytes are refused with a sentence, or give numbers between -1 and 1
 * in every mode; so is a body surface. The first byte: bits 0, 1 the mode, or 3 for a surface; the zero byte parts the
 * two texts. */
#include "base/file.h"
#include "eval/densepose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERTICES = 24 };

static char home[] = "/tmp/godwit-fuzz-densepose-XXXXXX", path[64];

static void put(const void *bytes, int64_t n)
{
    if (file_write(path, bytes, n) != OK)
        abort();
}

/* A vertex a part, all of them one apart. */
static void small_surface(DenseposeSurface *s)
{
    struct {
        char     magic[8];
        uint32_t head[6];
        double   u[VERTICES], v[VERTICES];
        uint32_t part[VERTICES], vertex[VERTICES];
        double   distance[VERTICES * (VERTICES - 1) / 2];
    } file = {.magic = {'G', 'W', 'S', 'U', 'R', 'F', '1', '\n'}, .head = {VERTICES, VERTICES, 8}};
    for (uint32_t i = 0; i < VERTICES; i++) {
        file.part[i] = i + 1;
        file.vertex[i] = i;
    }
    for (int i = 0; i < VERTICES * (VERTICES - 1) / 2; i++)
        file.distance[i] = .1;
    put(&file, sizeof file);
    if (densepose_surface_open(s, path) != OK)
        abort();
}

static void read_surface(const uint8_t *bytes, size_t n)
{
    DenseposeSurface s;
    double           sum = 0;
    put(bytes, (int64_t)n);
    Status st = densepose_surface_open(&s, path);
    if (st != OK && st != ERR_FORMAT)
        abort();
    for (int64_t i = 0; st == OK && i < s.n_vertices && i < 100; i++)
        sum += densepose_distance(&s, i, s.n_vertices - 1);
    for (int part = 0; st == OK && part <= 25; part++)
        if (densepose_nearest(&s, part, .5, .5) >= s.n_vertices ||
            densepose_nearest_byte(&s, part, 7, 255) >= s.n_vertices)
            abort();
    if (isinf(sum) && sum < 0)
        put("", 0); // only so that the distances are read
    densepose_surface_close(&s);
}

static void score(DenseposeMode mode, const char *text, size_t n)
{
    static DenseposeSurface surface;
    const char             *end = memchr(text, 0, n);
    DenseposeOptions        options = {.mode = mode};
    DenseposeData           data = {0};
    DenseposeResult         r;
    Arena                   a = {0};
    if (!surface.u)
        small_surface(&surface);
    if (!end)
        return;
    Status st = densepose_parse(&data, text, end - text, end + 1, (int64_t)n - (end - text) - 1);
    if (st == OK)
        st = densepose_evaluate(&a, &options, &r, &data, &surface);
    if (st != OK && st != ERR_FORMAT)
        abort();
    for (int i = 0; st == OK && i < r.n_stats; i++)
        if (!(r.stat[i] >= -1 &&
              (r.stat[i] <= 1 || r.name[i][1] == 'R'))) // crowds may be found often
            abort();
    arena_release(&a);
    densepose_release(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static bool ready;
    if (!ready) {
        if (!mkdtemp(home))
            abort();
        strcpy(path, home);
        strcat(path, "/surface");
        ready = true;
    }
    if (n < 1)
        return 0;
    if ((bytes[0] & 3) == 3)
        read_surface(bytes + 1, n - 1);
    else
        score((DenseposeMode)(bytes[0] & 3), (const char *)bytes + 1, n - 1);
    return 0;
}
