/* Memory that runs out at every call of reading and scoring results. Whoever scores in one thread only is covered whole:
 * allocations fail in the calling thread. */
#include "eval/coco_set.h"
#include "eval/png_support.h"
#include "faults/every.h"
extern "C" {
#include "base/threads.h"
#include "eval/cityscapes_files.h"
#include "eval/label_png.h"
#include "eval/polygon.h"
#include "eval/rle.h"
#include "eval/voc_files.h"
}

namespace {

struct NoMemory : testing::Test {
    void SetUp() override
    {
        threads_set(1);
    }
    void TearDown() override
    {
        threads_set(0);
    }
};

const char TRUTH[] = R"({"images":[{"id":1,"height":40,"width":50},{"id":2,"height":40,"width":50}],
    "categories":[{"id":1,"name":"a"},{"id":2,"name":"b"}],
    "annotations":[
        {"id":1,"image_id":1,"category_id":1,"iscrowd":0,"area":100,"bbox":[5,5,10,10],
         "segmentation":[[5,5,15,5,15,15,5,15]]},
        {"id":2,"image_id":2,"category_id":2,"iscrowd":1,"area":64,"bbox":[0,0,8,8],
         "segmentation":{"counts":[0,8,32,8,1952],"size":[40,50]}}]})";
const char FOUND[] = R"([
    {"image_id":1,"category_id":1,"score":0.9,"bbox":[5,5,10,9],"segmentation":{"counts":"f0:","size":[40,50]}},
    {"image_id":2,"category_id":2,"score":0.5,"bbox":[1,1,5,5],"segmentation":{"counts":"f0:","size":[40,50]}}])";

Status score_coco(CocoIou iou)
{
    CocoReadOptions read = {};
    CocoEvalOptions options = {};
    CocoTruth       truth = {};
    CocoResults     found = {};
    CocoResult      r = {};
    Arena           a = {};
    read.iou = options.iou = iou;
    Status st = coco_truth_parse(&truth, &read, TRUTH, sizeof TRUTH - 1, "truth");
    if (st == OK)
        st = coco_results_parse(&found, &read, &truth, FOUND, sizeof FOUND - 1, "found");
    if (st == OK)
        st = coco_evaluate(&a, &options, &r, &truth, &found);
    arena_release(&a);
    coco_results_release(&found);
    coco_truth_release(&truth);
    return st;
}

} // namespace

TEST_F(NoMemory, CocoBoxesAndMasks)
{
    EXPECT_GT(every_allocation_fails([] { return score_coco(COCO_BBOX); }), 0);
    EXPECT_GT(every_allocation_fails([] { return score_coco(COCO_SEGM); }), 0);
}

TEST_F(NoMemory, Masks)
{
    const double xy[] = {1, 1, 8, 1, 8, 8, 1, 8};
    EXPECT_GT(every_allocation_fails([&] {
                  Arena   a = {};
                  Rle     pair[2], both;
                  int64_t len;
                  Status  st = polygon_to_rle(&a, &pair[0], xy, 4, 10, 12);
                  if (st == OK)
                      st = rle_from_string(&a, &pair[1], "f0:", 3, 10, 12);
                  if (st == OK)
                      st = rle_merge(&a, &both, pair, 2, false);
                  if (st == OK && !rle_to_string(&a, &both, &len))
                      st = ERR_MEMORY;
                  arena_release(&a);
                  return st;
              }),
              0);
}

TEST_F(NoMemory, LabelImages)
{
    Folder            dir;
    const std::string narrow = dir.path + "/8.png", wide = dir.path + "/16.png";
    write_gray(narrow, 3, 2, {0, 1, 2, 3, 4, 5});
    write_gray16(wide, 3, 2, {0, 1, 2, 3, 4, 26001});
    for (const std::string &file : {narrow, wide})
        EXPECT_GT(every_allocation_fails(
                      [&] {
                          Arena      a = {};
                          LabelImage image;
                          Status     st = label_png_read(&a, &image, file.c_str());
                          if (st == OK)
                              st = label_png_read_wide(&a, &image, file.c_str());
                          if (st == OK)
                              st = mask_png_read(&a, &image, file.c_str());
                          arena_release(&a);
                          return st;
                      },
                      {false, "IDAT stream error"}),
                  0)
            << file; // zlib's missing window, as libspng calls it
}

TEST_F(NoMemory, VocResults)
{
    Folder            dir;
    const std::string root = dir.path + "/VOC2007", txt = dir.path + "/comp4_det_test_dog.txt";
    std::filesystem::create_directories(root + "/ImageSets/Main");
    std::filesystem::create_directories(root + "/Annotations");
    write_text(root + "/ImageSets/Main/test.txt", "000001\n");
    write_text(root + "/Annotations/000001.xml",
               "<annotation><object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</"
               "xmax><ymax>9</ymax>"
               "</bndbox></object></annotation>");
    write_text(txt, "000001 0.9 1 1 9 9\n000001 0.5 1 2 9 9\n");
    EXPECT_GT(every_allocation_fails([&] {
                  VocData data = {};
                  Status  st = voc_data_open(&data, nullptr, root.c_str(), "test");
                  if (st == OK)
                      st = voc_data_results(&data, txt.c_str());
                  voc_data_release(&data);
                  return st;
              }),
              0);
}

TEST_F(NoMemory, CityscapesLists)
{
    Folder            dir;
    const std::string list = dir.path + "/pred.txt";
    const char        text[] = "a.png 24 0.9\nb.png 26 0.5\n";
    EXPECT_GT(every_allocation_fails([&] {
                  Arena            a = {};
                  CityscapesFound *found = nullptr;
                  int64_t          n = 0;
                  Status           st = cityscapes_parse_list(&a, &found, &n, text, sizeof text - 1,
                                                              list.c_str(), dir.path.c_str());
                  arena_release(&a);
                  return st;
              }),
              0);
}
