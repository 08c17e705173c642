/* DensePose: cases of the specification on the surface of densepose_set.h */
#include "densepose_set.h"
extern "C" {
#include "base/threads.h"
}

TEST_F(DenseposeTest, DistancesAreSymmetricAndZeroOnTheDiagonal)
{
    EXPECT_EQ(.01 * 2, densepose_distance(&surface, 5, 3));
    EXPECT_EQ(.01 * 2, densepose_distance(&surface, 3, 5));
    EXPECT_EQ(0, densepose_distance(&surface, 7, 7));
    EXPECT_EQ(.01 * 2399, densepose_distance(&surface, 2399, 0));
    EXPECT_EQ(830, densepose_nearest(&surface, 9, u_of(830), v_of(830)));
    EXPECT_EQ(-1, densepose_nearest(&surface, 0, 0, 0));
    EXPECT_EQ(-1, densepose_nearest(&surface, 25, 0, 0));
    EXPECT_EQ(-1, densepose_nearest(&surface, 1.5, 0, 0));
}

TEST_F(DenseposeTest, PerfectIsOneInEveryMode)
{
    for (DenseposeMode mode : {DENSEPOSE_GPS, DENSEPOSE_GPSM, DENSEPOSE_IOU})
        EXPECT_NEAR(1, ap(mode), 3e-16);
    EXPECT_EQ(10, r.n_stats);
    EXPECT_STREQ("AP50", r.name[1]);
}

TEST_F(DenseposeTest, AShiftedUCostsItsGeodesicDistance)
{
    persons[0].points = found[0].points = {{100, 100, 5}};
    found[0].du = .5; // 4 rows of 10 vertices: d = .4, kappa .351
    EXPECT_NEAR(0.5223876309315274, gps(), 1e-12);
}

TEST_F(DenseposeTest, WrongPartsAndBackgroundScoreByDistanceAndZero)
{
    persons[0].points = found[0].points = {{100, 100, 5}};
    found[0].part = 24;
    EXPECT_LT(gps(), 1e-12);
    persons[0].points = {{100, 100, 5}, {10, 10, 7}};
    found[0].points = {{100, 100, 5}, {10, 10, -1}}; // the second pixel is background
    found[0].part = 0;
    EXPECT_NEAR(.5, gps(), 1e-12);
}

TEST_F(DenseposeTest, PointsOutsideTheResultScoreZero)
{
    set(found[0].box, 20, 20, 20, 20); // of three points only (50,60) falls inside
    persons[0].points = {{50, 60, 5}, {100, 100, 105}, {200, 150, 830}};
    found[0].points = {{50. * 60 / 20, 60. * 60 / 20, 5}};
    EXPECT_NEAR(1.0 / 3, gps(), 1e-12);
    set(found[0].box, 100, 100, 20, 20);
    EXPECT_EQ(0, gps());
    set(found[0].box, 20, 20, 0, 60);
    EXPECT_EQ(0, gps());
}

TEST_F(DenseposeTest, NoUsablePointIsZero)
{
    persons[0].points = {};
    EXPECT_EQ(0, gps());
    persons[0].points = {{100, 100, -1}};
    EXPECT_EQ(0, gps());
    persons[0].points = {{100, 100, -1}, {50, 60, 5}}; // part 0 is dropped, the other counts
    EXPECT_NEAR(1, gps(), 1e-12);
}

TEST_F(DenseposeTest, ResultsOnImagesWithoutCountedPersonsAreIgnored)
{
    found.push_back(elsewhere(.95));
    found[1].image = 2;
    EXPECT_NEAR(1, ap(), 1e-12); // no person at all
    persons.push_back(Person());
    persons[1].image = 2;
    persons[1].id = 2;
    persons[1].has_points = false;
    EXPECT_NEAR(1, ap(), 1e-12); // only one without points
}

TEST_F(DenseposeTest, AFalsePositiveBesideACountedPersonCosts)
{
    found.push_back(elsewhere(.95));
    EXPECT_NEAR(.5, ap(), 1e-12);
}

TEST_F(DenseposeTest, ABoxOnAPersonWithoutPointsIsExcusedAtFourFifths)
{
    persons.push_back(Person());
    persons[1].id = 2;
    persons[1].has_points = false;
    set(persons[1].box, 90, 20, 60, 60);
    found.push_back(elsewhere(.95));
    EXPECT_NEAR(1, ap(), 1e-12);
    found[1].box[2] = 42; // box IoU .7
    EXPECT_NEAR(.5, ap(), 1e-12);
    found[1].box[2] = 60;
    found.push_back(found[1]); // the second one on the same person
    EXPECT_LT(ap(), .6);
    persons[1].crowd = 1;
    EXPECT_NEAR(1, ap(), 1e-12);
}

TEST_F(DenseposeTest, ATruePositiveCanBecomeIgnoredThroughItsBox)
{
    persons[0].points = found[0].points = {{100, 100, 5}};
    found[0].du = .5; // GPS .52: matched at .5 only
    EXPECT_NEAR(.1, ap(), 1e-12);
    persons.push_back(persons[0]);
    persons[1].id = 2;
    persons[1].has_points = false;
    set(persons[0].box, 10, 15, 70, 70); // the box fits the other person better
    persons[0].points = {{100. * 60 / 70 + 10 * 255. / 70, 100. * 60 / 70 + 5 * 255. / 70, 5}};
    EXPECT_EQ(0, ap());
}

TEST_F(DenseposeTest, MasksAreResizedAsScipyResizesThem)
{
    set(persons[0].box, 20, 20, 12, 14);
    set(found[0].box, 20, 20, 12, 14);
    EXPECT_EQ(0.8511904761904762, mask_iou());
    set(persons[0].box, 20.6, 20.6, 60.7, 60.7);
    set(found[0].box, 20.6, 20.6, 60.7, 60.7);
    EXPECT_EQ(0.9674818597151303, mask_iou());
}

TEST_F(DenseposeTest, WithoutDpMasksTheSegmentationIsUsed)
{
    persons[0].full_masks = false;
    EXPECT_EQ(0, mask_iou());
    persons[0].extra = ",\"segmentation\":[]";
    EXPECT_EQ(0, mask_iou());
    persons[0].extra = ",\"segmentation\":[[20,20,80,20,80,65,20,65]]";
    EXPECT_EQ(.75, mask_iou());
    persons[0].points.push_back({10, 10, 7});
    persons[0].points.erase(persons[0].points.begin());
    found[0].points = {{50, 60, 5}, {200, 150, 830}, {10, 10, -1}}; // GPS 2/3
    found[0].background = 1;
    read();
    double g = gps();
    EXPECT_NEAR(2.0 / 3, g, 1e-12);
    EXPECT_NEAR(std::sqrt(.5), std::sqrt(g * mask_iou()),
                2e-4); // one pixel of the mask is background
}

TEST_F(DenseposeTest, TwentyResultsAnImageCount)
{
    found.clear();
    for (int i = 0; i < 20; i++)
        found.push_back(elsewhere(.95));
    found.push_back(Found());
    EXPECT_EQ(0, ap());
    found.erase(found.begin());
    EXPECT_NEAR(.05, ap(), 1e-12);
}

TEST_F(DenseposeTest, LowerThresholdsAddTheirOwnNumbers)
{
    options.least = .2;
    ap();
    ASSERT_EQ(13, r.n_stats);
    EXPECT_STREQ("AP20", r.name[1]);
    EXPECT_STREQ("AP30", r.name[2]);
    EXPECT_STREQ("AP40", r.name[3]);
    EXPECT_EQ(16, r.n_thresholds);
}

TEST_F(DenseposeTest, SmallPersonsHaveNoMediumAndLargeNumbers)
{
    persons[0].area = 900;
    EXPECT_NEAR(1, ap(), 1e-12);
    EXPECT_EQ(-1, r.stat[3]);
    EXPECT_EQ(-1, r.stat[4]);
}

TEST_F(DenseposeTest, AnnotationZeroCountsUnlessBugsAreWanted)
{
    persons[0].id = 0;
    EXPECT_NEAR(1, ap(), 1e-12);
    options.bug_compatible = true;
    EXPECT_EQ(0, ap());
}

TEST_F(DenseposeTest, NumbersDoNotDependOnTheNumberOfThreads)
{
    found.push_back(elsewhere(.95));
    ap(DENSEPOSE_GPSM);
    DenseposeResult first = r;
    for (int n : {1, 2, 7, 16}) {
        threads_set(n);
        ap(DENSEPOSE_GPSM);
        EXPECT_EQ(0, memcmp(first.stat, r.stat, sizeof r.stat));
    }
    threads_set(0);
}

TEST_F(DenseposeTest, MalformedRecordsAreRefusedWithTheirLine)
{
    auto refused = [&](const std::string &truth, const std::string &results) {
        densepose_release(&data);
        write_text(dir / "gt.json", truth);
        write_text(dir / "dt.json", results);
        Status st = densepose_read(&data, (dir / "gt.json").c_str(), (dir / "dt.json").c_str());
        EXPECT_EQ(ERR_FORMAT, st);
        EXPECT_NE(nullptr, strstr(status_text(), ".json:")) << status_text();
    };
    std::string good = truth_json(), results = found_json();
    auto        without = [](std::string s, const std::string &word, const std::string &instead) {
        EXPECT_NE(std::string::npos, s.find(word));
        return s.replace(s.find(word), word.size(), instead);
    };
    refused(without(good, "dp_I", "dp_J"), results);
    refused(without(good, "\"dp_U\":[", "\"dp_U\":[0,"), results);
    refused(without(good, "\"bbox\":[20,", "\"bbox\":[1e99,"), results);
    refused(without(good, "\"size\":[256,256]", "\"size\":[256,255]"), results);
    refused(without(good, "[0,65536]", "[0,65537]"), results);
    refused(without(good, "\"image_id\":1", "\"image_id\":7"), results);
    refused(good, without(results, "\"image_id\":1", "\"image_id\":7"));
    refused(good, without(results, "\"uv_shape\":[3,60,60]", "\"uv_shape\":[3,60,10]"));
    refused(good, without(results, "\"score\":", "\"scare\":"));
    refused(good, "{}");
}

TEST_F(DenseposeTest, DamagedGridsAreRefused)
{
    std::string good = found_json();
    write_text(dir / "gt.json", truth_json());
    size_t at = good.find("uv_data") + 10;
    for (std::string bad :
         {std::string("####"), std::string(""), good.substr(at, 40), std::string("AAAA")}) {
        densepose_release(&data);
        write_text(dir / "dt.json", good.substr(0, at) + bad + "\"}]");
        ASSERT_EQ(OK, densepose_read(&data, (dir / "gt.json").c_str(), (dir / "dt.json").c_str()))
            << status_text();
        EXPECT_EQ(ERR_FORMAT, densepose_evaluate(&a, &options, &r, &data, &surface)) << bad;
        EXPECT_NE(nullptr, strstr(status_text(), "result 0 (image 1): uv_data")) << status_text();
    }
}

TEST_F(DenseposeTest, SizesThatTheBytesCannotHoldAreRefusedBeforeAnythingIsAllocated)
{
    ASSERT_EQ(OK, read()) << status_text();
    DenseposeFound f = data.found[0];
    uint8_t       *iuv = nullptr;
    f.h = f.w = 65536;
    EXPECT_EQ(ERR_FORMAT, densepose_grid(&a, &iuv, &f));
    EXPECT_NE(nullptr, strstr(status_text(), "65536")) << status_text();
    EXPECT_LT(a.peak_bytes, 1 << 20);
    std::string huge = truth_json();
    huge.replace(huge.find("\"width\":160"), 11, "\"width\":65536");
    huge.replace(huge.find("\"height\":120"), 12, "\"height\":65536");
    write_text(dir / "gt.json", huge);
    densepose_release(&data);
    EXPECT_EQ(ERR_FORMAT,
              densepose_read(&data, (dir / "gt.json").c_str(), (dir / "dt.json").c_str()));
    EXPECT_NE(nullptr, strstr(status_text(), "65536 x 65536 pixels")) << status_text();
}

TEST_F(DenseposeTest, DamagedSurfacesAreRefused)
{
    DenseposeSurface s;
    std::string      good = surface_bytes(), path = dir / "surface";
    auto             refused = [&](const std::string &bytes) {
        write_text(path, bytes);
        EXPECT_EQ(ERR_FORMAT, densepose_surface_open(&s, path.c_str()));
    };
    refused("");
    refused(good.substr(0, 31));
    refused(good.substr(0, good.size() - 1));
    refused("X" + good.substr(1));
    std::string bad = good;
    bad[8] = 0x7f; // the number of vertices
    refused(bad);
    bad = good;
    bad[32 + 16 * VERTICES] = 25; // a part
    refused(bad);
    bad = good;
    memset(&bad[32], 0xff, 8); // a NaN
    refused(bad);
}
