// memory that runs out at every call of opening and decoding: pictures, folders, shards, VOC, COCO, loaders
#include "data_test.h"
#include "faults/every.h"
#include "golden/datasets/golden.h"
#include "voc_folder.h"
extern "C" {
#include "base/log.h"
#include "datasets/check.h"
#include "datasets/det_loader.h"
#include "datasets/loader.h"
#include "datasets/source.h"
}
#include <fcntl.h>
#include <unistd.h>

/* libjpeg tries a smaller pool; libspng calls zlib's missing window a broken stream. */
static const Library LIBRARIES = {true, "IDAT stream error"};

TEST(NoMemory, DecodingPictures)
{
    for (const FileGolden &g : FILES) {
        std::vector<uint8_t> b = from_hex(g.hex);
        EXPECT_GT(every_allocation_fails(
                      [&] {
                          Image  im = {};
                          Status st =
                              image_decode(&im, nullptr, b.data(), (int64_t)b.size(), g.name);
                          EXPECT_TRUE(st != OK ||
                                      g.hash == fnv(im.pixels, (size_t)(3 * im.width * im.height)));
                          image_release(&im);
                          return st;
                      },
                      LIBRARIES),
                  0)
            << g.name;
    }
}

TEST(NoMemory, EncodingPictures)
{
    Picture in(37, 23);
    for (bool png : {false, true})
        EXPECT_GT(every_allocation_fails(
                      [&] {
                          ImageBytes b = {};
                          Status     st = png ? image_encode_png(&b, &in.im)
                                              : image_encode_jpeg(&b, &in.im, 80, JPEG_420);
                          image_bytes_release(&b);
                          return st;
                      },
                      LIBRARIES),
                  0)
            << (png ? "PNG" : "JPEG");
}

TEST(NoMemory, OpeningFolders)
{
    TempDir d;
    for (const char *name : {"/cat/a.jpg", "/cat/deep/b.jpg", "/dog/c.png"})
        spill(d.path + name, encoded(Picture(20, 10).im));
    EXPECT_GT(every_allocation_fails([&] {
                  Source *s = nullptr;
                  Status  st = source_open(&s, d.path.c_str());
                  source_close(s);
                  return st;
              }),
              0);
}

TEST(NoMemory, LoadingAnnotations)
{
    VocFolder f;
    f.add("a", 40, 30, object("dog", 5, 6, 20, 30) + object("person", 1, 1, 40, 30));
    f.add("b", 30, 40, object("cat", 1, 1, 9, 9));
    EXPECT_GT(every_allocation_fails([&] {
                  DetSet set = {};
                  Status st = f.load(&set);
                  detset_release(&set);
                  return st;
              }),
              0);
    const std::string json = f.dir.path + "/coco.json", pictures = f.root + "/JPEGImages";
    spill(json, std::string(R"({"images":[{"id":1,"file_name":"a.jpg","width":40,"height":30}],
        "categories":[{"id":3,"name":"dog"}],
        "annotations":[{"id":1,"image_id":1,"category_id":3,"bbox":[1,2,3,4],"iscrowd":0}]})"));
    EXPECT_GT(every_allocation_fails([&] {
                  DetSet set = {};
                  Status st = coco_load(&set, nullptr, json.c_str(), pictures.c_str());
                  detset_release(&set);
                  return st;
              }),
              0);
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      CheckReport  r = {};
                      CheckOptions o = {};
                      Status       st = check_voc(&r, &o, f.root.c_str(), "train");
                      EXPECT_TRUE(st != OK || r.n_errors == 0);
                      check_release(&r);
                      return st;
                  },
                  LIBRARIES),
              0);
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      CheckReport r = {};
                      Status      st = check_coco(&r, nullptr, json.c_str(), pictures.c_str());
                      EXPECT_TRUE(st != OK || r.n_errors == 0);
                      check_release(&r);
                      return st;
                  },
                  LIBRARIES),
              0);
}

/* A loader works with the threads that could be started. */
static const Library FEWER_WORKERS = {true, nullptr};

/* The workers allocate for themselves; here the opening thread fails, and must stop those that run already. */
TEST(NoMemory, OpeningLoaders)
{
    VocFolder f;
    for (int i = 0; i < 4; i++)
        f.add(std::to_string(i), 40, 30, object("dog", 5, 6, 20, 30));
    Source           *source = nullptr;
    DetSet            set = {};
    const std::string pictures = f.root + "/JPEGImages";
    ASSERT_OK(source_open(&source, pictures.c_str()));
    ASSERT_OK(f.load(&set));
    LoaderOptions o = {};
    o.augment = augment_options(AUGMENT_TEST, 16);
    o.batch = 2;
    o.n_views = 1;
    o.n_workers = 2;
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      Loader     *l = nullptr;
                      LoaderBatch batch;
                      Status      st = loader_open(&l, source, &o);
                      if (st == OK)
                          st = loader_next(l, &batch);
                      loader_close(l);
                      return st;
                  },
                  FEWER_WORKERS),
              0);
    int64_t          size = 32;
    DetLoaderOptions d = det_loader_options();
    d.train = true;
    d.batch = 2;
    d.sizes = &size;
    d.n_sizes = 1;
    d.n_workers = 2;
    EXPECT_GT(every_allocation_fails(
                  [&] {
                      DetLoader *l = nullptr;
                      DetBatch   batch;
                      Status     st = det_loader_open(&l, &set, &d);
                      if (st == OK)
                          st = det_loader_next(l, &batch);
                      det_loader_close(l);
                      return st;
                  },
                  FEWER_WORKERS),
              0);
    source_close(source);
    detset_release(&set);
}
