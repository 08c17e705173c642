/* COCO polygons and crowds of real photographs, and what pycocotools makes of them. */
#include "mask_support.h"
#include <cJSON.h>
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

    Rle segmentation(const cJSON *item)
    {
        const cJSON *s = at(item, "segmentation"), *v;
        int64_t h = (int64_t)number(at(item, "size"), 0), w = (int64_t)number(at(item, "size"), 1);
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
    std::map<int64_t, Rle> by_id;
    const cJSON           *item, *pair;
    int                    items = 0, ious = 0;
    cJSON_ArrayForEach(item, at(root, "items"))
    {
        Rle r = segmentation(item);
        EXPECT_EQ(at(item, "rle_counts")->valuestring, text(r));
        EXPECT_EQ(at(item, "area")->valuedouble, r.area);
        for (int i = 0; i < 4; i++)
            EXPECT_EQ(number(at(item, "bbox"), i), r.box[i]);
        by_id[(int64_t)at(item, "ann_id")->valuedouble] = r;
        items++;
    }
    cJSON_ArrayForEach(pair, at(root, "pairs"))
    {
        std::vector<Rle> r;
        const cJSON     *id;
        cJSON_ArrayForEach(id, at(pair, "ann_ids")) r.push_back(by_id.at((int64_t)id->valuedouble));
        for (int i = 0; i < (int)r.size(); i++)
            for (int j = 0; j < (int)r.size(); j++, ious++) {
                bool crowd = number(at(pair, "iscrowd"), j) != 0;
                EXPECT_EQ(number(cJSON_GetArrayItem(at(pair, "mask_iou"), i), j),
                          rle_iou(&r[i], &r[j], crowd));
            }
        Rle both = merged({r[0], r[1]}, true), either = merged({r[0], r[1]}, false);
        EXPECT_EQ(at(at(pair, "union01"), "counts")->valuestring, text(either));
        EXPECT_EQ(at(at(pair, "inter01"), "counts")->valuestring, text(both));
    }
    EXPECT_EQ(154, items);
    EXPECT_GT(ious, 500);
}
