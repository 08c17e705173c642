/* COCO polygons and crowds of real photographs, and what pycocotools makes of them. */
#include "mask_support.h"
#include <cJSON.h>
#include <array>
#include <cstdio>
#include <map>

namespace {

cJSON *load(const std::string &path)
{
    FILE *f = fopen(path.c_str(), "rb");
    if (!f)
        return nullptr;
    std::string bytes;
    char        buffer[65536];
    size_t      n;
    while ((n = fread(buffer, 1, sizeof buffer, f)) > 0)
        bytes.append(buffer, n);
    fclose(f);
    return cJSON_ParseWithLength(bytes.data(), bytes.size());
}

const cJSON *at(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

double number(const cJSON *list, int i)
{
    return cJSON_GetArrayItem(list, i)->valuedouble;
}

} // namespace

class RleFixture : public MaskTest {
  protected:
    cJSON *root = nullptr;
    ~RleFixture() override
    {
        cJSON_Delete(root);
    }

    /* of an annotation or item on an image of (h,w) */
    Rle segmentation(const cJSON *item, int64_t h, int64_t w)
    {
        const cJSON *s = at(item, "segmentation"), *v;
        if (cJSON_IsObject(s)) {
            Counts runs;
            cJSON_ArrayForEach(v, at(s, "counts")) runs.push_back((uint32_t)v->valuedouble);
            return mask(runs, h, w);
        }
        std::vector<double>  xy;
        std::vector<int64_t> lengths;
        const cJSON         *p;
        cJSON_ArrayForEach(p, s)
        {
            lengths.push_back(cJSON_GetArraySize(p));
            cJSON_ArrayForEach(v, p) xy.push_back(v->valuedouble);
        }
        Rle r = {};
        EXPECT_EQ(OK, polygon_list_to_rle(&a, &r, xy.data(), lengths.data(),
                                          (int64_t)lengths.size(), h, w))
            << status_text();
        return r;
    }
};

TEST_F(RleFixture, RealAnnotationsAgreeToTheLastBit)
{
    root = load(GODWIT_SHARED_DIR "/data/eval-fixtures/coco-rle/rle.json");
    if (!root)
        GTEST_SKIP() << "no ../shared/data/eval-fixtures/coco-rle here";
    const cJSON *item;
    int          items = 0;
    cJSON_ArrayForEach(item, at(root, "items"))
    {
        const cJSON *size = at(item, "size");
        Rle          r = segmentation(item, (int64_t)number(size, 0), (int64_t)number(size, 1));
        EXPECT_EQ(at(item, "rle_counts")->valuestring, text(r));
        EXPECT_EQ(at(item, "area")->valuedouble, r.area);
        for (int i = 0; i < 4; i++)
            EXPECT_EQ(number(at(item, "bbox"), i), r.box[i]);
        items++;
    }
    EXPECT_EQ(154, items);
}

TEST_F(RleFixture, RealPairsAgreeToTheLastBit)
{
    root = load(GODWIT_SHARED_DIR "/data/eval-fixtures/coco-rle/rle.json");
    cJSON *truth = load(GODWIT_SHARED_DIR "/data/coco-mini/annotations/instances_val2017.json");
    if (!root || !truth) {
        cJSON_Delete(truth);
        GTEST_SKIP() << "no ../shared/data/eval-fixtures/coco-rle or coco-mini here";
    }
    std::map<int64_t, std::pair<int64_t, int64_t>>   size; // of an image: h, w
    std::map<int64_t, std::pair<Rle, const cJSON *>> by_id;
    const cJSON                                     *v, *pair;
    int                                              ious = 0;
    cJSON_ArrayForEach(v, at(truth, "images")) size[(int64_t)at(v, "id")->valuedouble] = {
        at(v, "height")->valueint, at(v, "width")->valueint};
    cJSON_ArrayForEach(v, at(truth, "annotations"))
    {
        auto hw = size.at((int64_t)at(v, "image_id")->valuedouble);
        by_id[(int64_t)at(v, "id")->valuedouble] = {segmentation(v, hw.first, hw.second),
                                                    at(v, "bbox")};
    }
    cJSON_ArrayForEach(pair, at(root, "pairs"))
    {
        std::vector<Rle>                   r;
        std::vector<std::array<double, 4>> b;
        cJSON_ArrayForEach(v, at(pair, "ann_ids"))
        {
            auto &found = by_id.at((int64_t)v->valuedouble);
            r.push_back(found.first);
            b.push_back({number(found.second, 0), number(found.second, 1), number(found.second, 2),
                         number(found.second, 3)});
        }
        for (int i = 0; i < (int)r.size(); i++)
            for (int j = 0; j < (int)r.size(); j++, ious++) {
                bool crowd = number(at(pair, "iscrowd"), j) != 0;
                EXPECT_EQ(number(cJSON_GetArrayItem(at(pair, "mask_iou"), i), j),
                          rle_iou(&r[i], &r[j], crowd));
                EXPECT_EQ(number(cJSON_GetArrayItem(at(pair, "box_iou"), i), j),
                          rle_box_iou(b[i].data(), b[j].data(), crowd));
            }
        EXPECT_EQ(at(at(pair, "union01"), "counts")->valuestring,
                  text(merged({r[0], r[1]}, false)));
        EXPECT_EQ(at(at(pair, "inter01"), "counts")->valuestring, text(merged({r[0], r[1]}, true)));
    }
    EXPECT_GT(ious, 500);
    cJSON_Delete(truth);
}
