/* LVIS: which results count, and files that are the other kind */
#include "coco_set.h"
#include <cstring>

TEST(Lvis, FederatedRulesDecideWhichResultsCount)
{
    auto run = [](const char *neg, const char *unfinished, int category) {
        CocoSet s;
        s.read.lvis = true;
        s.lvis.max_per_image = 300;
        s.categories = "{\"id\":1,\"frequency\":\"f\"},{\"id\":2,\"frequency\":\"c\"}";
        s.image(1, format(",\"neg_category_ids\":[%s],\"not_exhaustive_category_ids\":[%s]", neg,
                          unfinished));
        s.image(2, ",\"neg_category_ids\":[],\"not_exhaustive_category_ids\":[]");
        s.truth(1, 10, 10, 50, 50, "", -1, 0, 1);
        s.truth(2, 10, 10, 50, 50, "", -1, 0, 2);
        s.result(1, .95, 100, 100, 20, 20, category);
        s.result(1, .9, 10, 10, 50, 50, 1);
        s.result(2, .8, 10, 10, 50, 50, 2);
        EXPECT_EQ(OK, s.evaluate()) << status_text();
        return category == 1 ? s.stats[8] : s.stats[7]; // APf, APc
    };
    EXPECT_NEAR(1, run("", "", 2), 1e-15);  // neither present nor negative: dropped
    EXPECT_EQ(.5, run("2", "", 2));         // negative: false
    EXPECT_NEAR(1, run("", "1", 1), 1e-15); // not exhaustive: ignored
    EXPECT_EQ(.5, run("", "", 1));          // present: false
    EXPECT_NEAR(1, run("2", "2", 2), 1e-15);
}

TEST(Lvis, FilesScoredAsCocoAreWarnedOf)
{
    CocoSet s;
    s.image(1, ",\"neg_category_ids\":[],\"not_exhaustive_category_ids\":[]");
    s.truth(1, 0, 0, 9, 9);
    s.result(1, .5, 0, 0, 9, 9);
    s.expect(P1, P2, P2);
    EXPECT_NE(std::string::npos, s.warnings.find("`godwit eval lvis`")) << s.warnings;
    s.truths = "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,9,9],\"area\":81}";
    EXPECT_EQ(ERR_FORMAT, s.evaluate()) << "as LVIS writes it, without iscrowd";
}
TEST(Lvis, CocoFilesAreRefused)
{
    CocoSet s;
    s.read.lvis = true;
    s.lvis.max_per_image = 300;
    s.image(1);
    EXPECT_EQ(ERR_FORMAT, s.evaluate());
    EXPECT_NE(nullptr, strstr(status_text(), "no neg_category_ids")) << status_text();
}
