/* COCO records that are refused, left out, warned of, or taken as they are */
#include "coco_set.h"
#include <cstring>

TEST_F(Coco, BadRecordsAreRefusedWithTheirPlace)
{
    one();
    std::string good = s.truths;
    s.truths = "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"area\":1}";
    expect_error("no \"iscrowd\"");
    s.truths = "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"iscrowd\":0}";
    expect_error("no \"area\"");
    s.truths = "{\"id\":1,\"id\":2,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"iscrowd\":"
               "0,\"area\":1}";
    expect_error("given twice");
    s.truths =
        "{\"id\":1,\"image_id\":1,\"category_id\":8,\"bbox\":[0,0,1,1],\"iscrowd\":0,\"area\":1}";
    expect_error("categories that the ground truth does not list: 8");
    s.truths = good;
    for (const char *bad :
         {"{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":\"high\"}",
          "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1],\"score\":0.5}",
          "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1e308,1],\"score\":0.5}",
          "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,NaN,1],\"score\":0.5}",
          "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":NaN}",
          "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":1e400}",
          "{\"image_id\":1,\"category_id\":1,\"score\":0.5}",
          "{\"image_id\":\"x\",\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":0.5}",
          "{\"image_id\":1,\"category_id\":1,\"bbox\":{},\"score\":0.5}", "7", "[]"}) {
        s.found = bad;
        expect_error("dt");
    }
}
TEST_F(Coco, TruncatedAnywhereIsRefused)
{
    std::string     gt = "{\"images\":[{\"id\":1}],\"annotations\":[{\"id\":1,\"image_id\":1,"
                         "\"category_id\":1,\"bbox\":[0,0,"
                         "1,1],\"area\":1,\"iscrowd\":0}],\"categories\":[{\"id\":1}]}";
    CocoReadOptions read = {};
    for (size_t n = 0; n < gt.size(); n++) {
        CocoTruth t = {};
        EXPECT_EQ(ERR_FORMAT, coco_truth_parse(&t, &read, gt.data(), (int64_t)n, "gt")) << n;
        coco_truth_release(&t);
    }
}
TEST_F(Coco, LargeIdsAreExact)
{
    s.images = "{\"id\":9007199254740993},{\"id\":9007199254740992}";
    s.truths = "{\"id\":-9223372036854775807,\"image_id\":9007199254740993,\"category_id\":1,"
               "\"bbox\":[0,0,9,9],"
               "\"area\":81,\"iscrowd\":0}";
    s.found = "{\"image_id\":9007199254740993,\"category_id\":1,\"bbox\":[0,0,9,9],\"score\":0.5}";
    s.expect(P1, P2, P2);
}
TEST_F(Coco, MasksOfOtherSizesAreRefusedOrLeftOutOrNeverMatch)
{
    s.opt.iou = COCO_SEGM;
    s.images = "{\"id\":1,\"width\":10,\"height\":10}";
    s.truths =
        "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,4,4],\"area\":16,\"iscrowd\":0,"
        "\"segmentation\":[[0,0,0,4,4,4,4,0]]}";
    s.found = "{\"image_id\":1,\"category_id\":1,\"segmentation\":{\"size\":[10,10],\"counts\":"
              "\"04600000l1\"},"
              "\"score\":0.5}";
    s.expect(P1, P2, P2);
    s.found = "{\"image_id\":1,\"category_id\":1,\"segmentation\":{\"size\":[10,11],\"counts\":"
              "\"04600000l1\"},"
              "\"score\":0.5}";
    expect_error(
        "dt: result 1 (image 1): the mask has 10 rows and 11 columns, its image 10 and 10");
    s.opt.bug_compatible = true; // as the reference: an overlap of -1
    s.expect(0, 0, 0);
    s.opt.bug_compatible = false;
    s.read.lenient = true;
    s.expect(0, 0, 0);
    EXPECT_NE(std::string::npos, s.warnings.find("1 masks of another size")) << s.warnings;
    append(&s.found, "{\"image_id\":1,\"category_id\":1,\"segmentation\":{\"size\":[10,10],"
                     "\"counts\":\"04600000l1\"},\"score\":0.4}");
    s.expect(P1, P2, P2); // what is left out costs nothing
    s.read.lenient = false;
    s.images = "{\"id\":1}"; // the image's size is not known, and only that of the polygon needed
    expect_error("gt: annotation 1 (image 1): polygons of an image without height and width");
    s.images = "{\"id\":1,\"width\":10,\"height\":10}";
    s.found =
        "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,4,4],\"score\":0.5}"; // its box as a polygon
    s.expect(P1, P2, P2);
    s.found = "{\"image_id\":1,\"category_id\":1,\"bbox\":[],\"segmentation\":{\"size\":[10,10],"
              "\"counts\":"
              "\"04600000l1\"},\"score\":0.5}";
    s.expect(P1, P2, P2);
}
TEST_F(Coco, BadMasksAreFoundOnImagesWithoutResultsToo)
{
    s.opt.iou = COCO_SEGM;
    s.images = "{\"id\":1,\"width\":10,\"height\":10},{\"id\":2,\"width\":10,\"height\":10}";
    const std::string head = "\"category_id\":1,\"bbox\":[0,0,4,4],\"area\":16,\"iscrowd\":0,"
                             "\"segmentation\":";
    const std::string good = "{\"id\":1,\"image_id\":1," + head + "[[0,0,0,4,4,4,4,0]]}";
    s.found = "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,4,4],\"score\":0.5}";
    for (const char *bad :
         {"{\"size\":[10,10],\"counts\":[5,1000]}", "[[0,0,1e12,4,4,4]]",
          "{\"size\":[10,10],\"counts\":\"PPPPPPPP\"}", "{\"size\":[9,9],\"counts\":[81]}"}) {
        s.truths = good + ",{\"id\":7,\"image_id\":2," + head + bad + "}";
        s.read.lenient = false;
        expect_error("gt: annotation 7 (image 2): ");
        s.read.lenient = true;
        s.expect(P1, P2, P2);
        EXPECT_NE(std::string::npos, s.warnings.find("the first: annotation 7 (image 2)"))
            << s.warnings;
    }
    s.truths = good + ",{\"id\":7,\"image_id\":2," + head + "[]}";
    s.expect(P1, P2, P2);
    EXPECT_NE(std::string::npos, s.warnings.find("without a polygon")) << s.warnings;
}
TEST_F(Coco, BoxesOutsideTheImageAreScoredAsTheyAre)
{
    s.image(1);
    s.truth(1, -50, -50, 10, 10);
    s.result(1, .9, -50, -50, 10, 10);
    s.expect(P1, P2, P2);
    s.truth(1, 5, 5, 0, 0); // without extent: nothing matches it
    s.result(1, .8, 5, 5, 0, 0);
    s.result(1, .7, 30, 30, -4, 5);
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(0.5049504950495048, s.stats[1]);
}
TEST_F(Coco, RunsThatEndEarlyAreCountedInAWarning)
{
    s.opt.iou = COCO_SEGM;
    s.images = "{\"id\":1,\"width\":10,\"height\":10}";
    s.truths = "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,4],\"area\":4,"
               "\"iscrowd\":0,\"segmentation\":{\"size\":[10,10],\"counts\":[0,4]}}";
    s.found = "{\"image_id\":1,\"category_id\":1,\"score\":0.5,\"segmentation\":{\"size\":[10,"
              "10],\"counts\":\"04\"}}";
    s.expect(P1, P2, P2);
    for (const char *side : {"gt: 1 masks have runs", "dt: 1 masks have runs"})
        EXPECT_NE(std::string::npos, s.warnings.find(side)) << s.warnings;
}
TEST_F(Coco, SharedNamesAreWarnedOfInTenLines)
{
    s.image(1);
    s.categories = "";
    for (int c = 1; c <= 300; c++)
        append(&s.categories, format("{\"id\":%d,\"name\":\"%s\"}", c, c % 2 ? "odd" : "even"));
    s.truth(1, 0, 0, 9, 9);
    s.result(1, .5, 0, 0, 9, 9);
    s.expect(P1, P2, P2);
    EXPECT_NE(std::string::npos, s.warnings.find("categories 2 and 4 are both called \"even\""));
    EXPECT_NE(std::string::npos, s.warnings.find("and 288 more categories share a name"));
    EXPECT_EQ(11, std::count(s.warnings.begin(), s.warnings.end(), '\n'));
}
TEST_F(Coco, MoreCategoriesThanMemoryAreRefused)
{
    s.image(1);
    s.categories = "";
    for (int c = 1; c <= 30000; c++)
        append(&s.categories, format("{\"id\":%d}", c));
    s.truth(1, 0, 0, 9, 9);
    expect_error("30000 categories");
}
TEST_F(Coco, BadMasksAreRefused)
{
    s.opt.iou = COCO_SEGM;
    s.images = "{\"id\":1,\"width\":10,\"height\":10}";
    std::string head =
        "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,4,4],\"area\":16,\"iscrowd\":0,"
        "\"segmentation\":";
    s.found = "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,4,4],\"score\":0.5}";
    for (const char *bad : {"[]", "[[1,2,3,4]]", "[[1,2]]", "\"x\"", "{\"size\":[10,10]}",
                            "{\"counts\":[1]}", "{\"size\":[10,10],\"counts\":[5,1000]}",
                            "{\"size\":[10,10],\"counts\":[-5]}", "[1,2,3,4,5,6]", "null", "7"}) {
        s.truths = head + bad + "}";
        EXPECT_EQ(ERR_FORMAT, s.evaluate()) << bad;
    }
    s.truths = head + "[[0,0,0,4,4,4,4,0]]}";
    for (const char *bad : {"{\"size\":[10,10],\"counts\":\"PPPPPPPP\"}", "[[0,0,0,4,4,4,4,0]]",
                            "{\"size\":[10,10],\"counts\":[0,100]}"}) {
        s.found = std::string("{\"image_id\":1,\"category_id\":1,\"score\":0.5,\"segmentation\":") +
                  bad + "}";
        EXPECT_EQ(ERR_FORMAT, s.evaluate()) << bad;
    }
}
