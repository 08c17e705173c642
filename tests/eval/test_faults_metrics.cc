/* Memory that runs out at every call of the metrics that read folders, and of their analyses; see test_faults.cc */
#include "cityscapes_set.h"
#include "densepose_set.h"
#include "faults/every.h"
extern "C" {
#include "base/threads.h"
#include "eval/against.h"
#include "eval/analysis.h"
#include "eval/lvis.h"
#include "eval/semseg.h"
}

namespace {

/* Both that --analyse and --against ask for; a match compared with itself. */
Status analyse(Arena *a, const MatchTask *task, const MatchResult &match,
               const MatchSimilarity &overlap)
{
    AnalysisOptions how = {.5};
    AnalysisInput   in = {task, &match, overlap};
    Analysis        x;
    Status          st = analysis_run(a, &how, &x, &in);
    double         *ap = st == OK ? ARENA_ARRAY(a, double, match.K) : nullptr;
    if (st != OK || !ap)
        return st == OK ? ERR_MEMORY : st;
    AgainstOptions draw = {3, 1, AGAINST_POINTS};
    AgainstSide    side = {task, &match, ap};
    Against        y;
    return against_run(a, &draw, &y, &side, &side);
}

struct NoMemoryLvis : testing::Test {};
struct NoMemoryCityscapes : CityscapesTest {};
struct NoMemoryDensepose : DenseposeTest {};
struct NoMemorySemseg : testing::Test {};

/* What libspng calls zlib's missing window, and its own missing rows. */
const Library SPNG = {false, "IDAT stream error"};

} // namespace

TEST_F(NoMemoryLvis, ScoringAndAnalysingEndCleanly)
{
    threads_set(1);
    const char truth_text[] =
        R"({"images":[{"id":1,"height":40,"width":50,"neg_category_ids":[2],"not_exhaustive_category_ids":[1]}],
        "categories":[{"id":1,"name":"a","frequency":"f"},{"id":2,"name":"b","frequency":"r"}],
        "annotations":[{"id":1,"image_id":1,"category_id":1,"area":100,"bbox":[5,5,10,10]}]})";
    const char found_text[] = R"([{"image_id":1,"category_id":1,"score":0.9,"bbox":[5,5,10,9]},
        {"image_id":1,"category_id":2,"score":0.8,"bbox":[5,5,10,9]}])";
    EXPECT_GT(every_allocation_fails([&] {
                  CocoReadOptions read = {};
                  LvisOptions     options = {};
                  CocoTruth       truth = {};
                  CocoResults     found = {};
                  LvisResult      r = {};
                  Arena           a = {};
                  read.lvis = true;
                  options.max_per_image = 300;
                  Status st =
                      coco_truth_parse(&truth, &read, truth_text, sizeof truth_text - 1, "t");
                  if (st == OK)
                      st = coco_results_parse(&found, &read, &truth, found_text,
                                              sizeof found_text - 1, "f");
                  if (st == OK)
                      st = lvis_evaluate(&a, &options, &r, &truth, &found);
                  if (st == OK)
                      st = analyse(&a, r.task, r.match, r.overlap);
                  arena_release(&a);
                  coco_results_release(&found);
                  coco_truth_release(&truth);
                  return st;
              }),
              0);
    threads_set(0);
}

TEST_F(NoMemoryCityscapes, InstancesEndCleanly)
{
    const std::string gt = dir.path + "/gt", dt = dir.path + "/dt";
    threads_set(1);
    truth(A, 26000);
    truth(B, 24001);
    found(A);
    found(B);
    scene.write(dir, base);
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      CityscapesRecords   kept = {};
                      CityscapesInstances scores;
                      CityscapesMatch    *match = nullptr;
                      Arena               room = {};
                      Status st = cityscapes_records_read(&kept, gt.c_str(), dt.c_str());
                      if (st == OK)
                          st = cityscapes_instances(&scores, &kept);
                      if (st == OK)
                          st = cityscapes_match(&room, &match, &kept);
                      if (st == OK)
                          st = analyse(&room, &match->task, match->result, match->overlap);
                      arena_release(&room);
                      cityscapes_records_release(&kept);
                      return st;
                  },
                  SPNG),
              0);
    threads_set(0);
}

TEST_F(NoMemoryCityscapes, PixelsEndCleanly)
{
    const std::string gt = dir.path + "/gt", px = dir.path + "/px";
    threads_set(1);
    truth(A, 26000);
    scene.write(dir, base);
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      Arena  room = {};
                      Status st = cityscapes_pixels(&room, &p, gt.c_str(), px.c_str());
                      arena_release(&room);
                      return st;
                  },
                  SPNG),
              0);
    threads_set(0);
}

TEST_F(NoMemoryDensepose, ScoringAndAnalysingEndCleanly)
{
    const std::string body_file = *home / "surface", gt = dir / "gt.json", dt = dir / "dt.json";
    threads_set(1);
    found.push_back(elsewhere(.8));
    for (const char *mask :
         {"[[90,20,150,20,150,80,90,80]]", "{\"size\":[120,160],\"counts\":\"04\"}"}) {
        persons.push_back(Person());
        persons.back().id = (int)persons.size();
        persons.back().full_masks = false;
        persons.back().extra = std::string(",\"segmentation\":") + mask;
    }
    ap();
    options.mode = DENSEPOSE_GPSM;
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      DenseposeData    kept = {};
                      DenseposeSurface body = {};
                      Arena            room = {};
                      Status           st = densepose_surface_open(&body, body_file.c_str());
                      if (st == OK)
                          st = densepose_read(&kept, gt.c_str(), dt.c_str());
                      if (st == OK)
                          st = densepose_evaluate(&room, &options, &r, &kept, &body);
                      if (st == OK)
                          st = analyse(&room, r.task, r.match, r.overlap);
                      arena_release(&room);
                      densepose_release(&kept);
                      densepose_surface_close(&body);
                      return st;
                  },
                  SPNG),
              0);
    threads_set(0);
}

TEST_F(NoMemorySemseg, FoldersEndCleanly)
{
    Folder            dir;
    const std::string gt = dir.path + "/gt", dt = dir.path + "/dt";
    threads_set(1);
    for (const char *folder : {"gt/", "dt/"})
        write_gray(dir / (std::string(folder) + "a.png"), 3, 2, {0, 1, 2, 0, 1, 255});
    write_gray(dir / "dt/a.png", 3, 2, {0, 1, 2, 1, 1, 0});
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      Arena         room = {};
                      SemsegOptions options = {3, SEMSEG_VOID, false};
                      SemsegResult  r;
                      Status st = semseg_evaluate_dirs(&room, &options, &r, gt.c_str(), dt.c_str());
                      arena_release(&room);
                      return st;
                  },
                  SPNG),
              0);
    threads_set(0);
}
