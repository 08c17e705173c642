/* annotations.c -- writes an annotation file of COCO's shape and any size, to time its reading
 *
 *      cc -O2 -o annotations tests/bench/annotations.c -lm
 *      ./annotations [IMAGES [ANNOTATIONS [VERTICES]]] > gt.json
 *
 * The defaults are train2017's: 118,287 images, 860,001 annotations in 80 categories, polygons of 27 vertices on average
 * with two decimals, 1 in 85 a crowd with run lengths; about 470 MB. The same numbers every time.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 2017;

/* 0 .. n-1 */
static long draw(long n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (long)((state >> 33) % (uint64_t)n);
}

static void put_crowd(void)
{
    long left = 640L * 480;
    printf("{\"counts\":[");
    while (left > 6000) {
        long run = 1 + draw(3000);
        printf("%ld,", run);
        left -= run;
    }
    printf("%ld],\"size\":[480,640]}", left);
}

static void put_polygon(double x, double y, double radius, long vertices)
{
    printf("[[");
    for (long v = 0; v < vertices; v++) {
        double angle = 6.283185307179586 * (double)v / (double)vertices;
        double r = radius * (.8 + (double)draw(400) / 1000);
        printf("%s%.2f,%.2f", v > 0 ? "," : "", fabs(x + r * cos(angle)), fabs(y + r * sin(angle)));
    }
    printf("]]");
}

static void put_image(long i)
{
    long id = i * 5 + 9;
    printf("%s{\"license\":%ld,\"file_name\":\"%012ld.jpg\",", i > 0 ? "," : "", 1 + draw(8), id);
    printf("\"coco_url\":\"http://images.cocodataset.org/train2017/%012ld.jpg\",", id);
    printf("\"date_captured\":\"2013-11-14 11:18:45\",\"height\":480,\"width\":640,\"id\":%ld}",
           id);
}

int main(int argc, char **argv)
{
    long images = argc > 1 ? atol(argv[1]) : 118287,
         annotations = argc > 2 ? atol(argv[2]) : 860001;
    long vertices = argc > 3 ? atol(argv[3]) : 27;
    if (images < 1 || annotations < 0 || vertices < 6) {
        fprintf(stderr, "usage: annotations [IMAGES [ANNOTATIONS [VERTICES >= 6]]]\n");
        return 64;
    }
    printf("{\"info\":{\"description\":\"synthetic\"},\"licenses\":[],\n\"images\":[");
    for (long i = 0; i < images; i++)
        put_image(i);
    printf("],\n\"annotations\":[");
    for (long a = 0; a < annotations; a++) {
        double x = (double)draw(64000) / 100, y = (double)draw(48000) / 100;
        double radius = 3 + (double)(draw(100) * draw(100)) / 100;
        int    crowd = draw(85) == 0;
        printf("%s{\"segmentation\":", a > 0 ? "," : "");
        if (crowd)
            put_crowd();
        else
            put_polygon(x, y, radius, vertices - 5 + draw(11));
        printf(",\"area\":%.4f,\"iscrowd\":%d,\"image_id\":%ld,\"bbox\":[%.2f,%.2f,%.2f,%.2f],"
               "\"category_id\":%ld,\"id\":%ld}",
               3 * radius * radius, crowd, draw(images) * 5 + 9, x, y, 2 * radius, 2 * radius,
               1 + draw(80), a + 1);
    }
    printf("],\n\"categories\":[");
    for (long c = 1; c <= 80; c++)
        printf("%s{\"supercategory\":\"s\",\"id\":%ld,\"name\":\"category %ld\"}", c > 1 ? "," : "",
               c, c);
    printf("]}\n");
    return 0;
}
