/* Files that are read in pieces give the same columns, the same numbers and the same refusals as files read whole. */
#include "coco_set.h"
extern "C" {
#include "base/threads.h"
}
#include <cstring>

namespace {

template <class T>
void put(std::string *all, const T *column, int64_t n)
{
    *all += std::to_string(n) + ":";
    if (column && n > 0)
        all->append(reinterpret_cast<const char *>(column), (size_t)n * sizeof *column);
}

/* Everything in the rows, as bytes; windows are compared by what they hold. */
std::string bytes_of(const CocoRows &r)
{
    std::string all;
    put(&all, r.id, r.id ? r.n : 0);
    put(&all, r.image, r.n);
    put(&all, r.category, r.n);
    put(&all, r.box, 4 * r.n);
    put(&all, r.area, r.n);
    put(&all, r.score, r.score ? r.n : 0);
    put(&all, r.is_crowd, r.is_crowd ? r.n : 0);
    put(&all, r.ignore, r.ignore ? r.n : 0);
    put(&all, r.n_visible, r.n_visible ? r.n : 0);
    put(&all, r.keypoint, r.keypoint ? 3 * r.n_keypoints * r.n : 0);
    for (int64_t i = 0; r.mask && i < r.n; i++) {
        const CocoMask &m = r.mask[i];
        all += std::to_string(m.kind) + " " + std::to_string(m.h) + "x" + std::to_string(m.w) + " ";
        put(&all, r.part + m.part_at, m.n_parts);
        if (m.kind == COCO_MASK_STRING)
            put(&all, r.text + m.at, m.n);
        else
            put(&all, r.number + m.at, m.n);
    }
    return all;
}

std::string bytes_of(const CocoTruth &t)
{
    std::string all = bytes_of(t.rows);
    for (int64_t i = 0; i < t.n_images; i++) {
        const CocoImage &m = t.image[i];
        all += format("%lld %s %d %d %d %d ", (long long)m.id, m.name ? m.name : "-", m.h, m.w,
                      m.has_neg, m.has_unfinished);
        if (m.n_neg > 0)
            put(&all, t.listed + m.neg_at, m.n_neg);
        if (m.n_unfinished > 0)
            put(&all, t.listed + m.unfinished_at, m.n_unfinished);
    }
    for (int64_t k = 0; k < t.n_categories; k++)
        all += format("%lld %s %c ", (long long)t.category[k].id, t.category[k].name,
                      t.category[k].frequency ? t.category[k].frequency : '-');
    return all + text_cstr(&t.warnings);
}

struct Files {
    std::string     gt, dt;
    CocoReadOptions read = {};

    /* The columns as bytes, or the sentence. */
    std::string columns(int threads, int64_t piece_bytes)
    {
        CocoTruth   t = {};
        CocoResults d = {};
        threads_set(threads);
        read.piece_bytes = piece_bytes;
        Status st = coco_truth_parse(&t, &read, gt.data(), (int64_t)gt.size(), "gt");
        if (st == OK)
            st = coco_results_parse(&d, &read, &t, dt.data(), (int64_t)dt.size(), "dt");
        std::string all = st == OK ? bytes_of(t) + bytes_of(d.rows) + text_cstr(&d.warnings)
                                   : std::string("refused: ") + status_text();
        coco_truth_release(&t);
        coco_results_release(&d);
        threads_set(0);
        return all;
    }
    void expect_same()
    {
        std::string whole = columns(1, 0);
        for (int threads : {2, 7, 16})
            for (int64_t piece : {100, 700, 5000})
                EXPECT_TRUE(columns(threads, piece) == whole)
                    << threads << " threads, pieces of " << piece << ": " << whole.substr(0, 200);
    }
};

std::string joined(int n, const std::function<std::string(int)> &one, const char *between = ",\n")
{
    std::string list;
    for (int i = 0; i < n; i++)
        list += (i ? between : "") + one(i);
    return list;
}

std::string image_id(int i, bool text)
{
    return text ? format("\"photo %d }, {\"", i) : format("%d", i);
}

/* 20 images, 90 annotations with each kind of mask and 17 keypoints, 150 results. */
Files make(CocoIou iou, bool text_ids, bool lvis)
{
    Files f;
    f.read.iou = iou;
    f.read.lvis = lvis;
    f.gt = "{\"info\": {\"x\": [1, {}]}, \"images\": [" + joined(20, [&](int i) {
               return format("{\"id\": %s, \"width\": 40, \"height\": 30%s}",
                             image_id(i, text_ids).c_str(),
                             lvis ? format(", \"neg_category_ids\": [%d, 2], "
                                           "\"not_exhaustive_category_ids\": [%s]",
                                           i % 3 + 1, i % 2 ? "3" : "")
                                        .c_str()
                                  : "");
           });
    f.gt +=
        "], \"annotations\": [" + joined(90, [&](int i) {
            const char *masks[] = {"[[1, 1, 9.5, 1, 9.5, 8], [2, 2, 5, 2, 5, 5, 2, 5.25]]",
                                   "{\"size\": [30, 40], \"counts\": [5, 10, 1185]}",
                                   "{\"counts\": \"5:iT1\", \"size\": [30, 40]}"};
            return format("{\"id\": %d, \"image_id\": %s, \"category_id\": %d, \"iscrowd\": %d, "
                          "\"area\": %d.5, "
                          "\"bbox\": [%d, 1, 8.5, 7], \"segmentation\": %s, \"num_keypoints\": 17, "
                          "\"keypoints\": [%s]}",
                          i + 1, image_id(i % 20, text_ids).c_str(), i % 3 + 1, i % 7 == 0 && !lvis,
                          i, i % 11, masks[i % 3],
                          joined(
                              17, [&](int k) { return format("%d, %d, 2", i + k, k); }, ", ")
                              .c_str());
        });
    f.gt += "], \"categories\": [" +
            joined(3,
                   [&](int i) {
                       return format("{\"id\": %d, \"name\": \"}, {%d\", \"frequency\": \"%c\"}",
                                     i + 1, i, "rcf"[i]);
                   }) +
            "]}";
    f.dt =
        "[" +
        joined(150,
               [&](int i) {
                   std::string what =
                       iou == COCO_BBOX ? format("\"bbox\": [%d, 1, 8, %d]", i % 13, i % 5 + 3)
                       : iou == COCO_SEGM
                           ? std::string(
                                 "\"segmentation\": {\"size\": [30, 40], \"counts\": \"5:iT1\"}")
                           : "\"keypoints\": [" +
                                 joined(
                                     17, [&](int k) { return format("%d, %d, 1", i % 20 + k, k); },
                                     ", ") +
                                 "]";
                   return format("{\"image_id\": %s, \"category_id\": %d, \"score\": %.3f, %s}",
                                 image_id(i % 20, text_ids).c_str(), i % 4 + 1, i % 10 / 10.,
                                 what.c_str());
               }) +
        "]";
    return f;
}

} // namespace

TEST(CocoRead, PiecesGiveTheColumnsOfTheWholeFile)
{
    for (CocoIou iou : {COCO_BBOX, COCO_SEGM, COCO_KEYPOINTS})
        for (bool text_ids : {false, true}) {
            Files f = make(iou, text_ids, false);
            ASSERT_EQ(f.columns(1, 0).find("refused"), std::string::npos) << f.columns(1, 0);
            f.expect_same();
        }
    make(COCO_BBOX, false, true).expect_same();
    make(COCO_SEGM, false, true).expect_same();
}

TEST(CocoRead, RefusalsNameTheSameLineHoweverTheFileIsRead)
{
    struct Damage {
        const char *old_text, *new_text, *sentence;
    };
    const Damage DAMAGE[] = {
        {"\"id\": 70,", "\"id\": 70x,", "gt:89: (byte"},
        {"\"id\": 70,", "\"id\": \"70\",", "gt:89: (byte"},
        {"\"id\": 70,", "", "has no \"id\""},
        {"\"id\": 70,", "\"id\": 69,", "annotation id 69 is used twice"},
        {"\"id\": 70,", "\"id\": 70, \"id\": 70,", "\"id\" given twice"},
        {"]}", "]", "gt:111:"},
        {"\"categories\"", "\"images\"", "\"images\" given twice"},
        {"\"categories\"", "\"kinds\"", "no \"categories\""},
    };
    for (const Damage &d : DAMAGE) {
        Files  f = make(COCO_BBOX, false, false);
        size_t at = f.gt.rfind(d.old_text);
        ASSERT_NE(at, std::string::npos) << d.old_text;
        f.gt.replace(at, strlen(d.old_text), d.new_text);
        EXPECT_NE(f.columns(1, 0).find(d.sentence), std::string::npos) << f.columns(1, 0);
        f.expect_same();
    }
    Files f = make(COCO_BBOX, false, false);
    f.dt.replace(f.dt.rfind("\"bbox\""), 6, "\"box\"");
    EXPECT_NE(f.columns(1, 0).find("dt:150: (byte"), std::string::npos) << f.columns(1, 0);
    f.expect_same();
}

/* The first result decides whether all are boxes, masks or poses; each row must have the first one's keypoints. */
TEST(CocoRead, WhatTheFirstRecordDecidesHoldsInEveryPiece)
{
    Files f = make(COCO_KEYPOINTS, false, false);
    f.dt.replace(f.dt.rfind("\"keypoints\": [") + 14, 0, "1, 1, 1, ");
    EXPECT_NE(f.columns(1, 0).find("keypoints has 54 numbers, expected 51"), std::string::npos);
    f.expect_same();
    f = make(COCO_BBOX, false, false);
    f.dt.replace(f.dt.rfind("\"image_id\": ") + 12, 0, "\"x\", \"was\": ");
    EXPECT_NE(f.columns(1, 0).find("strings in one place and numbers in another"),
              std::string::npos);
    f.expect_same();
}
