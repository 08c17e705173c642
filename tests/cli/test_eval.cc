/* godwit eval as scripts and readers meet it: files, pages, exit codes */
#include <gtest/gtest.h>
#include <cjson/cJSON.h>
#include <cmath>
#include "cli/page_parser.h"
#include "cli/run_program.h"
#include "eval/png_support.h"
extern "C" {
#include "cli/eval_page.h"
#include "eval/cards.h"
}

namespace {
const char *const EVIL = "<script>alert(1)</script>";

/* Two categories, three images; every kind of outcome: true, duplicate, class error, background, missed, crowd. */
struct CocoFiles {
    TempDir     dir;
    std::string gt = dir / "gt.json", dt = dir / "dt.json", other = dir / "other.json";

    void write(const std::string &path, const std::string &text) const
    {
        std::ofstream(path) << text;
    }
    explicit CocoFiles(const std::string &more = "")
    {
        write(gt, "{\"images\":[{\"id\":1,\"width\":200,\"height\":200" + more +
                      "},{\"id\":2,\"width\":200,\"height\":200" + more +
                      "},{\"id\":3,\"width\":200,\"height\":200" + more +
                      "}],\"categories\":[{\"id\":1,\"name\":\"cat\",\"frequency\":\"f\"},{\"id\":"
                      "5,\"name\":\"" +
                      EVIL +
                      "\",\"frequency\":\"r\"}],\"annotations\":["
                      "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,50,50],\"area\":"
                      "2500,\"iscrowd\":0},"
                      "{\"id\":2,\"image_id\":1,\"category_id\":5,\"bbox\":[100,100,40,40],"
                      "\"area\":1600,\"iscrowd\":0},"
                      "{\"id\":3,\"image_id\":2,\"category_id\":5,\"bbox\":[10,10,60,60],\"area\":"
                      "3600,\"iscrowd\":0},"
                      "{\"id\":4,\"image_id\":2,\"category_id\":1,\"bbox\":[0,120,80,80],\"area\":"
                      "6400,\"iscrowd\":0}]}");
        write(dt, results(.9));
        write(other, results(.05));
    }
    static std::string results(double first)
    {
        char text[1024];
        snprintf(text, sizeof text,
                 "[{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,50,50],\"score\":%g},"
                 "{\"image_id\":1,\"category_id\":1,\"bbox\":[1,0,50,50],\"score\":0.8},"
                 "{\"image_id\":1,\"category_id\":1,\"bbox\":[100,100,40,40],\"score\":0.7},"
                 "{\"image_id\":2,\"category_id\":5,\"bbox\":[10,10,60,60],\"score\":%g},"
                 "{\"image_id\":2,\"category_id\":5,\"bbox\":[150,10,20,20],\"score\":0.6}]",
                 first, first);
        return text;
    }
};

cJSON *read_json(const std::string &path)
{
    return cJSON_Parse(slurp(path).c_str());
}
cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

void expect_page(const std::string &page, const std::vector<const char *> &ids)
{
    Parsed p = parse(page);
    EXPECT_EQ("", p.error);
    EXPECT_TRUE(p.hrefs.empty()) << "asks for another file";
    EXPECT_EQ(1, p.elements["script"]) << "foreign text stays inert";
    for (const char *id : ids)
        EXPECT_TRUE(p.ids.count(id)) << id;
    for (const char *word : {"http://", "https://", "url(", "@import"})
        EXPECT_EQ(std::string::npos, page.find(word)) << word;
}

std::string page_of(const Card &card)
{
    Html h{};
    html_page_open(&h, card.title, card.found);
    eval_page_sections(&h, &card);
    html_page_close(&h);
    EXPECT_FALSE(h.is_broken);
    std::string page(h.data, h.n_bytes);
    html_release(&h);
    return page;
}
} // namespace

TEST(EvalProgram, CocoWritesEveryFormOfItsAnswer)
{
    CocoFiles f;
    Ran       r = godwit("eval coco " + f.gt + " " + f.dt + " --analyse --against " + f.other +
                         " --resamples 50 --json " + (f.dir / "o.json") + " --csv " + (f.dir / "o.csv") +
                         " --html " + (f.dir / "o.html") + " --arrays " + (f.dir / "o.safetensors"));
    ASSERT_EQ(0, r.code) << r.err;
    for (const char *part : {"3 images, 2 categories, 4 annotations, 0 crowd", "5 results read",
                             "Average Precision  (AP) @[ IoU=0.50:0.95", "COCO box AP: mean over",
                             "best F1 at overlap .5", "2 results are true", "localisation",
                             "annotated as -> found as", "against " /* and the file */})
        EXPECT_NE(std::string::npos, r.out.find(part)) << part << "\n" << r.out;
    cJSON *j = read_json(f.dir / "o.json");
    ASSERT_TRUE(j);
    EXPECT_EQ(12, cJSON_GetArraySize(member(j, "stats")));
    EXPECT_EQ(2, cJSON_GetArraySize(member(j, "per_class")));
    EXPECT_TRUE(cJSON_IsNull(cJSON_GetArrayItem(member(j, "stats"), 3)))
        << "nothing small: undefined";
    EXPECT_EQ(member(j, "AP50")->valuedouble,
              cJSON_GetArrayItem(member(j, "stats"), 1)->valuedouble);
    EXPECT_EQ(5, member(member(j, "sizes"), "results_kept")->valueint);
    EXPECT_EQ(12, cJSON_GetArraySize(member(j, "definitions")));
    cJSON *errors = member(member(j, "analysis"), "errors");
    for (const char *kind : {"class", "duplicate", "background", "missed"})
        EXPECT_EQ(1, member(member(errors, kind), "count")->valueint) << kind;
    EXPECT_EQ(3, cJSON_GetArraySize(member(j, "confusion"))) << "two categories and background";
    EXPECT_EQ(2, cJSON_GetArraySize(member(member(j, "against"), "per_class")));
    cJSON_Delete(j);
    EXPECT_EQ(
        0u, slurp(f.dir / "o.csv")
                .find("category,id,AP,AP50,AP75,APs,APm,APl,AR,annotations,crowd,results\ncat,1,"));
    expect_page(slurp(f.dir / "o.html"), {"sizes", "against", "per_class", "curves", "errors",
                                          "thresholds", "confusion", "definitions"});
}

TEST(EvalProgram, BugCompatibleGivesMinusOneAndNoAnalysis)
{
    CocoFiles f;
    Ran       r =
        godwit("eval coco " + f.gt + " " + f.dt + " --bug-compatible --json " + (f.dir / "o.json"));
    ASSERT_EQ(0, r.code) << r.err;
    cJSON *j = read_json(f.dir / "o.json");
    EXPECT_EQ(-1, cJSON_GetArrayItem(member(j, "stats"), 3)->valuedouble);
    cJSON_Delete(j);
    for (const char *option : {"--analyse", "--html x.html", "--against x.json"}) {
        Ran refused = godwit("eval coco " + f.gt + " " + f.dt + " --bug-compatible " + option);
        EXPECT_EQ(64, refused.code) << option;
        EXPECT_NE(std::string::npos, refused.err.find("--bug-compatible")) << refused.err;
    }
}

TEST(EvalProgram, AreasAndThresholdsCanBeChosen)
{
    CocoFiles f;
    Ran       r =
        godwit("eval coco " + f.gt + " " + f.dt + " --areas all:0:1e10,large:3000:1e10,odd:0:2000" +
               " --thresholds .5,.75 --json " + (f.dir / "o.json") + " --csv " + (f.dir / "o.csv"));
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_EQ(0u, slurp(f.dir / "o.csv").find("category,id,AP,AP50,AP75,APl,AP_odd,AR,"));
    cJSON *j = read_json(f.dir / "o.json");
    EXPECT_EQ(2, cJSON_GetArraySize(member(j, "thresholds")));
    EXPECT_TRUE(cJSON_IsNull(member(j, "APs"))) << "no range is called small";
    EXPECT_GT(member(j, "APl")->valuedouble, 0);
    cJSON_Delete(j);
    for (const char *bad :
         {"--areas all", "--areas all:0", "--areas all:0:x", "--areas odd:0:9", "--areas all:9:0",
          "--areas all:0:9,all:0:9", "--areas all:0:9,", "--thresholds .5,", "--thresholds .9,.5",
          "--thresholds 0", "--thresholds x"})
        EXPECT_EQ(64, godwit("eval coco " + f.gt + " " + f.dt + " " + bad).code) << bad;
}

/* The sentence, the names and the warning speak of the numbers that were computed. */
TEST(EvalProgram, HeadlinesSayWhatWasComputed)
{
    CocoFiles         f(",\"neg_category_ids\":[],\"not_exhaustive_category_ids\":[]");
    const std::string coco = "eval coco " + f.gt + " " + f.dt, json = f.dir / "o.json";
    auto              definition = [&](const std::string &words) {
        Ran r = godwit(words + " --json " + json);
        EXPECT_EQ(0, r.code) << r.err;
        cJSON      *j = read_json(json);
        std::string text = member(j, "definition")->valuestring;
        EXPECT_NE(std::string::npos, r.out.find(text)) << r.out;
        cJSON_Delete(j);
        return text;
    };
    EXPECT_EQ(coco_definition(COCO_BBOX), definition(coco));
    EXPECT_EQ(coco_definition(COCO_BBOX),
              definition(coco + " --thresholds .5,.55,.6,.65,.7,.75,.8,.85,.9,.95"));
    EXPECT_EQ("COCO box AP: 101-point interpolated precision at box IoU 0.5, all categories as "
              "one; crowds ignored; 100 results per image",
              definition(coco + " --thresholds .5 --class-agnostic"));
    EXPECT_EQ("COCO box AP: mean over box IoU 0.5, 0.75 of 101-point interpolated precision, over "
              "categories with annotations of 0 to 4000 square pixels; crowds ignored; 100 results "
              "per image and category",
              definition(coco + " --thresholds .5,.75 --areas all:0:4000"));
    Ran usual = godwit(coco);
    EXPECT_EQ(std::string::npos, usual.err.find("warning")) << usual.err;

    EXPECT_EQ("COCO box AP: mean over box IoU .50, .55 ... .95 of 101-point interpolated "
              "precision, over categories with annotations; crowds ignored; 100 results per image "
              "and category, which maxDets lacks: undefined; AP50 to APl at 50",
              definition(coco + " --max-dets 1,10,50"));
    Ran capped = godwit(coco + " --max-dets 10,1,10 --json " + json);
    EXPECT_NE(std::string::npos, capped.err.find("--max-dets 10,1,10 lacks")) << capped.err;
    cJSON *j = read_json(json);
    EXPECT_TRUE(cJSON_IsNull(member(j, "AP")));
    EXPECT_FALSE(member(j, "AR100"));
    for (const char *name : {"AR1", "AR10", "AR10_2"})
        EXPECT_TRUE(cJSON_IsNumber(member(j, name))) << name;
    cJSON_Delete(j);

    std::string lvis = definition("eval lvis " + f.gt + " " + f.dt + " --max-dets 100");
    EXPECT_NE(std::string::npos, lvis.find("; 100 results per image over all categories")) << lvis;
    j = read_json(json);
    EXPECT_TRUE(cJSON_IsNumber(member(j, "AR@100")));
    EXPECT_STREQ("recall with 100 results per image, mean over IoU .50, .55 ... .95",
                 member(member(j, "definitions"), "AR@100")->valuestring);
    EXPECT_FALSE(member(j, "AR@300"));
    cJSON_Delete(j);
    lvis = definition("eval lvis " + f.gt + " " + f.dt + " --max-dets -1");
    EXPECT_NE(std::string::npos, lvis.find("; all results per image")) << lvis;
}

TEST(EvalProgram, UnlistedIdsAreRefusedOrCounted)
{
    CocoFiles         f;
    const std::string coco = "eval coco " + f.gt + " ";
    EXPECT_EQ(0, godwit(coco + f.dt + " --images 1,3 --categories 5").code);
    Ran image = godwit(coco + f.dt + " --images 1,99999999");
    EXPECT_EQ(65, image.code) << image.out;
    EXPECT_NE(std::string::npos, image.err.find("--images: 99999999 is not in " + f.gt))
        << image.err;
    Ran category = godwit(coco + f.dt + " --categories 2");
    EXPECT_EQ(65, category.code) << category.out;
    EXPECT_NE(std::string::npos, category.err.find("--categories: 2 is not in")) << category.err;

    const std::string more = f.dir / "more.json";
    f.write(more, "[{\"image_id\":8,\"category_id\":1,\"bbox\":[0,0,9,9],\"score\":1},"
                  "{\"image_id\":9,\"category_id\":1,\"bbox\":[0,0,9,9],\"score\":1}]");
    Ran refused = godwit(coco + more), left = godwit(coco + more + " --ignore-unknown");
    EXPECT_EQ(65, refused.code);
    EXPECT_NE(std::string::npos, refused.err.find("--ignore-unknown")) << refused.err;
    EXPECT_EQ(0, left.code);
    EXPECT_NE(std::string::npos, left.err.find("2 results on images that")) << left.err;
}

TEST(EvalProgram, LenientLeavesOutMasksWithACount)
{
    TempDir dir;
    std::ofstream(dir / "gt.json")
        << "{\"images\":[{\"id\":1,\"width\":10,\"height\":10}],\"categories\":[{\"id\":1,"
           "\"name\":\"a\"}],\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":1,"
           "\"iscrowd\":0,\"area\":16,\"bbox\":[0,0,4,4],\"segmentation\":[[0,0,0,4,4,4,4,0]]}]}";
    std::ofstream(dir / "dt.json")
        << "[{\"image_id\":1,\"category_id\":1,\"score\":0.9,\"segmentation\":{\"size\":[10,12],"
           "\"counts\":\"04600000l1\"}}]";
    const std::string words =
        "eval coco " + (dir / "gt.json") + " " + (dir / "dt.json") + " --iou segm";
    Ran refused = godwit(words);
    EXPECT_EQ(65, refused.code);
    EXPECT_NE(std::string::npos, refused.err.find("result 1 (image 1)")) << refused.err;
    EXPECT_NE(std::string::npos, refused.err.find("--lenient")) << refused.err;
    Ran lenient = godwit(words + " --lenient");
    EXPECT_EQ(0, lenient.code);
    EXPECT_NE(std::string::npos, lenient.err.find("1 masks of another size")) << lenient.err;
    EXPECT_EQ(0, godwit(words + " --bug-compatible").code);
}

TEST(EvalProgram, BenchSaysWhenThereIsNobodyToCompareWith)
{
    CocoFiles         f;
    const std::string words =
        "bench eval --rounds 1 --gt " + f.gt + " --dt " + f.dt + " --python " + (f.dir / "python");
    Ran none = godwit(words);
    EXPECT_EQ(66, none.code) << none.out;
    EXPECT_NE(std::string::npos, none.err.find(f.dir / "python")) << none.err;
    auto python = [&](const char *script) {
        f.write(f.dir / "python", script);
        std::filesystem::permissions(f.dir / "python", std::filesystem::perms::owner_all);
    };
    python("#!/bin/sh\nexit 1\n");
    Ran broken = godwit(words);
    EXPECT_EQ(66, broken.code) << broken.out;
    EXPECT_NE(std::string::npos, broken.err.find("expected a Python")) << broken.err;
    python("#!/bin/sh\n[ \"$2\" = 'import sys' ]\n"); // has no module of a peer
    Ran alone = godwit(words);
    EXPECT_EQ(0, alone.code) << alone.err;
    EXPECT_NE(std::string::npos, alone.out.find("no peer installed in " + (f.dir / "python")))
        << alone.out;
}

TEST(EvalProgram, LvisComparesUnderFederatedRules)
{
    CocoFiles f(",\"neg_category_ids\":[],\"not_exhaustive_category_ids\":[]");
    Ran       r = godwit("eval lvis " + f.gt + " " + f.dt + " --against " + f.other +
                         " --resamples 50 --json " + (f.dir / "o.json") + " --csv " + (f.dir / "o.csv") +
                         " --html " + (f.dir / "o.html"));
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("1 rare, 0 common, 1 frequent")) << r.out;
    EXPECT_NE(std::string::npos, slurp(f.dir / "o.csv").find(",checked,frequency\ncat,1,"));
    cJSON *j = read_json(f.dir / "o.json");
    EXPECT_EQ(13, cJSON_GetArraySize(member(j, "stats")));
    EXPECT_STREQ("r",
                 member(cJSON_GetArrayItem(member(j, "per_class"), 1), "frequency")->valuestring);
    EXPECT_TRUE(member(j, "against") && member(j, "analysis"));
    cJSON_Delete(j);
    expect_page(slurp(f.dir / "o.html"), {"against", "curves", "errors", "confusion"});
}

TEST(EvalProgram, VocComparesTwoResultFiles)
{
    TempDir     dir;
    std::string root = dir / "VOC2007";
    std::filesystem::create_directories(root + "/ImageSets/Main");
    std::filesystem::create_directories(root + "/Annotations");
    std::ofstream(root + "/ImageSets/Main/test.txt") << "000001\n000002\n";
    for (const char *id : {"000001", "000002"})
        std::ofstream(root + "/Annotations/" + id + ".xml")
            << "<annotation><object><name>cat</name><difficult>0</difficult><bndbox><xmin>10</xmin>"
               "<ymin>10</ymin><xmax>50</xmax><ymax>50</ymax></bndbox></object></annotation>";
    for (const char *score : {"0.9", "0.2"})
        std::ofstream(dir / (std::string(score) + ".json"))
            << "[{\"image_id\":1,\"category\":\"cat\",\"bbox\":[9,9,41,41],\"score\":" << score
            << "},{\"image_id\":1,\"category\":\"cat\",\"bbox\":[100,9,41,41],\"score\":0.5},"
               "{\"image_id\":2,\"category\":\"dog\",\"bbox\":[9,9,41,41],\"score\":0.7}]";
    Ran r = godwit("eval voc " + root + " " + (dir / "0.9.json") + " --against " +
                   (dir / "0.2.json") + " --resamples 20 --json " + (dir / "o.json") + " --csv " +
                   (dir / "o.csv") + " --html " + (dir / "o.html"));
    ASSERT_EQ(0, r.code) << r.err;
    cJSON *j = read_json(dir / "o.json");
    EXPECT_STREQ("11-point", member(j, "average")->valuestring);
    EXPECT_EQ(10, cJSON_GetArraySize(member(j, "per_threshold")));
    EXPECT_EQ(1,
              member(member(member(member(j, "analysis"), "errors"), "class"), "count")->valueint);
    cJSON *all = member(j, "against");
    EXPECT_NEAR(6. / 11 - 3. / 11, member(all, "difference")->valuedouble, 1e-12)
        << "recall .5 reaches six points, with precision 1 or 1/2";
    cJSON_Delete(j);
    EXPECT_NE(std::string::npos, slurp(dir / "o.csv").find("AP_11_point@0.50"));
    expect_page(slurp(dir / "o.html"),
                {"against", "per_class", "per_threshold", "curves", "confusion"});
}

/* One page, JSON and CSV of a metric with everything that can be asked of it. */
static cJSON *ask_everything(const TempDir &dir, const std::string &words)
{
    Ran r = godwit("eval " + words + " --resamples 50 --json " + (dir / "o.json") + " --csv " +
                   (dir / "o.csv") + " --html " + (dir / "o.html"));
    EXPECT_EQ(0, r.code) << r.err;
    for (const char *part :
         {"best F1 at overlap .5", "errors by kind", "against ", "95 % interval"})
        EXPECT_NE(std::string::npos, r.out.find(part)) << part << "\n" << r.out;
    EXPECT_NE(std::string::npos, r.err.find("peak memory ")) << r.err;
    expect_page(slurp(dir / "o.html"), {"sizes", "against", "per_class", "per_threshold", "curves",
                                        "errors", "thresholds", "confusion", "definitions"});
    cJSON *j = read_json(dir / "o.json");
    EXPECT_TRUE(j);
    return j;
}

TEST(EvalProgram, CityscapesInstancesAreAnalysedAndCompared)
{
    TempDir dir;
    for (const char *folder : {"gt", "a", "b"})
        std::filesystem::create_directories(dir / folder);
    for (int i = 0; i < 3; i++) {
        std::string           base = "town_00000" + std::to_string(i) + "_000019";
        std::vector<uint16_t> ids(40 * 40, 7);
        std::vector<uint8_t>  car(40 * 40), beside(40 * 40);
        for (int y = 0; y < 12; y++)
            for (int x = 0; x < 12; x++) {
                ids[(size_t)(y * 40 + x)] = 26000;
                car[(size_t)(y * 40 + x)] = 255;
                beside[(size_t)(y * 40 + x + 6)] = 255;
            }
        write_gray16(dir / ("gt/" + base + "_gtFine_instanceIds.png"), 40, 40, ids);
        for (const char *folder : {"a/", "b/"}) {
            write_gray(dir / (folder + base + "_0.png"), 40, 40, car);
            write_gray(dir / (folder + base + "_1.png"), 40, 40, beside);
            std::ofstream(dir / (folder + base + ".txt"))
                << base << "_0.png 26 " << (folder[0] == 'a' ? .9 : .3) << "\n"
                << base << "_1.png " << (i == 0 ? 25 : 26) << " 0.6\n";
        }
    }
    cJSON *j = ask_everything(dir, "cityscapes " + (dir / "gt") + " " + (dir / "a") +
                                       " --against " + (dir / "b"));
    cJSON *errors = member(member(j, "analysis"), "errors");
    EXPECT_EQ(2, member(member(errors, "localisation"), "count")->valueint);
    EXPECT_EQ(1, member(member(errors, "both"), "count")->valueint) << "a rider beside a car";
    EXPECT_EQ(3, member(member(j, "analysis"), "true_results")->valueint);
    EXPECT_EQ(1, member(j, "AP")->valuedouble);
    /* b: two false results, then three true: precision 0, then 3/5 at recall 1: half of the triangle's height */
    EXPECT_NEAR(1 - .3, member(member(j, "against"), "difference")->valuedouble, 1e-12);
    EXPECT_EQ(8, cJSON_GetArraySize(member(member(j, "against"), "per_class")));
    EXPECT_EQ(9, cJSON_GetArraySize(member(j, "confusion")));
    EXPECT_EQ(0u, slurp(dir / "o.csv").find("class,AP,AP50,instances,predictions,ap@0.50,"));
    cJSON_Delete(j);
}

TEST(EvalProgram, DensePoseIsAnalysedAndCompared)
{
    const int            side = 60;
    TempDir              dir;
    std::string          surface = "GWSURF1\n", png = dir / "grid.png";
    auto                 put = [&](const void *p, size_t n) { surface.append((const char *)p, n); };
    const uint32_t       head[6] = {24, 24, 8, 0, 0, 0}; // one vertex a part, all far apart
    std::vector<double>  zero(24), far(24 * 23 / 2, 5.);
    std::vector<uint8_t> iuv(3 * side * side);
    put(head, sizeof head);
    put(zero.data(), 8 * 24);
    put(zero.data(), 8 * 24);
    for (uint32_t part = 1; part <= 24; part++)
        put(&part, 4);
    for (uint32_t vertex = 0; vertex < 24; vertex++)
        put(&vertex, 4);
    put(far.data(), 8 * far.size());
    std::ofstream(dir / "surface", std::ios::binary) << surface;
    for (size_t i = 0; i < iuv.size(); i += 3)
        iuv[i] = 2; // everything is torso
    write_png(png, side, side, SPNG_COLOR_TYPE_TRUECOLOR, 8, iuv.data(), iuv.size());
    std::string data, bytes = slurp(png);
    const char *digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t b = 0;
        for (size_t k = 0; k < 3; k++)
            b = b << 8 | (i + k < bytes.size() ? (uint8_t)bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            data += i + k <= bytes.size() ? digit[b >> (18 - 6 * k) & 63] : '=';
    }
    auto result = [&](int image, int x, double score) {
        return "{\"image_id\":" + std::to_string(image) + ",\"category_id\":1,\"bbox\":[" +
               std::to_string(x) + ",0,60,60],\"score\":" + std::to_string(score) +
               ",\"uv_shape\":[3,60,60],\"uv_data\":\"" + data + "\"}";
    };
    std::string images, persons, good, bad;
    for (int i = 1; i <= 3; i++) {
        std::string id = std::to_string(i), comma = i > 1 ? "," : "";
        images += comma + "{\"id\":" + id + ",\"height\":120,\"width\":200}";
        persons += comma + "{\"id\":" + id + ",\"image_id\":" + id +
                   ",\"category_id\":1,\"area\":3600,\"bbox\":[0,0,60,60],\"dp_x\":[100],"
                   "\"dp_y\":[100],\"dp_I\":[2],\"dp_U\":[0],\"dp_V\":[0]}";
        good += comma + result(i, 0, .9) + "," + result(i, 120, .6);
        bad += comma + result(i, 0, .3) + "," + result(i, 120, .6);
    }
    std::ofstream(dir / "gt.json")
        << "{\"images\":[" << images << "],\"categories\":[{\"id\":1,\"name\":\"" << EVIL
        << "\"}],\"annotations\":[" << persons << "]}";
    std::ofstream(dir / "a.json") << "[" << good << "]";
    std::ofstream(dir / "b.json") << "[" << bad << "]";
    cJSON *j = ask_everything(dir, "densepose " + (dir / "gt.json") + " " + (dir / "a.json") +
                                       " --surface " + (dir / "surface") + " --against " +
                                       (dir / "b.json"));
    cJSON *errors = member(member(j, "analysis"), "errors");
    EXPECT_EQ(3, member(member(errors, "background"), "count")->valueint);
    EXPECT_EQ(3, member(member(j, "analysis"), "true_results")->valueint);
    EXPECT_EQ(1, cJSON_GetArraySize(member(j, "per_class")));
    EXPECT_NEAR(1 - .5, member(member(j, "against"), "difference")->valuedouble, 1e-12);
    EXPECT_EQ(2, cJSON_GetArraySize(member(j, "confusion")));
    EXPECT_NE(std::string::npos, slurp(dir / "o.csv")
                                     .find("category,id,AP,AP50,AP75,APm,APl,AR,"
                                           "persons,with_points,results\n"));
    cJSON_Delete(j);
    Ran refused = godwit("eval densepose " + (dir / "gt.json") + " " + (dir / "a.json") +
                         " --surface " + (dir / "surface") + " --analyse --bug-compatible");
    EXPECT_EQ(64, refused.code);
}

TEST(EvalProgram, OptionsOutOfRangeAndMissingFilesAreNamed)
{
    CocoFiles f;
    Ran       zero =
        godwit("eval coco " + f.gt + " " + f.dt + " --against " + f.other + " --resamples 0");
    EXPECT_EQ(64, zero.code);
    EXPECT_NE(std::string::npos, zero.err.find("1 to 100000")) << zero.err;
    Ran missing = godwit("eval coco " + f.gt + " " + f.dt + " --against " + (f.dir / "none.json"));
    EXPECT_EQ(66, missing.code) << missing.err;
    EXPECT_NE(std::string::npos, missing.err.find("none.json")) << missing.err;
    Ran pixels = godwit("eval cityscapes gt dt --task pixel --analyse");
    EXPECT_EQ(64, pixels.code) << pixels.err;
    EXPECT_NE(std::string::npos, pixels.err.find("--task instance")) << pixels.err;
    Ran folder = godwit("eval coco " + f.gt + " " + f.dt + " --html " + (f.dir / "no/such/o.html"));
    EXPECT_NE(0, folder.code);
    EXPECT_NE(std::string::npos, folder.err.find("o.html")) << folder.err;
}

TEST(EvalProgram, OutputThatCannotBeWrittenIsSaid)
{
    CocoFiles   f;
    std::string full = f.dir / "full", run = "eval coco " + f.gt + " " + f.dt;
    std::filesystem::create_symlink("/dev/full", full);
    for (const char *option : {" --json ", " --csv ", " --html ", " --arrays "}) {
        Ran r = godwit(run + option + full);
        EXPECT_EQ(74, r.code) << option << r.err;
        EXPECT_NE(std::string::npos, r.err.find("full: ")) << r.err;
        EXPECT_EQ(73, godwit(run + option + (f.dir / "no/such/file")).code) << option;
        EXPECT_EQ(73, godwit(run + option + (f.dir / "")).code) << option << " a folder";
    }
    EXPECT_TRUE(std::filesystem::is_symlink(full));
}

TEST(EvalProgram, EveryMetricExplainsItsOptionsAndItsAnswer)
{
    for (const char *metric : {"voc", "coco", "lvis", "cityscapes", "semseg", "densepose"}) {
        Ran r = godwit(std::string("eval ") + metric + " --help");
        EXPECT_EQ(0, r.code);
        for (const char *part :
             {"--json FILE", "--csv FILE", "--html FILE", "Prints", "docs/eval.md"})
            EXPECT_NE(std::string::npos, r.out.find(part)) << metric << ": " << part << "\n"
                                                           << r.out;
        bool matches = std::string(metric) != "semseg"; // label images have no scores
        EXPECT_EQ(matches, r.out.find("--confusion-score X") != std::string::npos) << metric;
        EXPECT_NE(std::string::npos, r.out.find("--against RESULTS")) << metric;
    }
}

/* ---- cards of metrics whose files are large ---- */

TEST(EvalPage, CityscapesAndDensePoseMakeWholePages)
{
    Arena a = {};
    Card  card;
    auto  c = std::make_unique<CityscapesInstances>();
    for (auto &row : c->ap)
        for (double &ap : row)
            ap = NAN;
    c->ap[0][0] = .5;
    ASSERT_EQ(OK, cityscapes_instances_card(&a, &card, c.get()));
    EXPECT_EQ(.5, card.table[1].column[0].value[0]) << "classes without ground truth are left out";
    EXPECT_TRUE(std::isnan(card.table[1].column[0].value[1]));
    expect_page(page_of(card), {"sizes", "per_class", "per_threshold"});

    auto p = std::make_unique<CityscapesPixels>();
    p->confusion[7][7] = 30;
    p->confusion[7][8] = 10;
    ASSERT_EQ(OK, cityscapes_pixels_card(&a, &card, p.get()));
    EXPECT_EQ(40, card.table[0].column[2].value[0]) << "road";
    EXPECT_EQ(10, card.table[0].column[3].value[1]) << "sidewalk, predicted";
    expect_page(page_of(card), {"per_class", "per_category", "confusion"});

    DenseposeOptions opt = {};
    DenseposeResult  d = {};
    DenseposeData    none = {};
    d.n_stats = 2;
    d.name[0] = "AP";
    d.name[1] = "AP50";
    d.stat[1] = -1;
    d.n_thresholds = 1;
    d.threshold[0] = .5;
    d.ap_at[0] = .25;
    ASSERT_EQ(OK, densepose_card(&a, &card, &opt, &d, &none));
    EXPECT_STREQ("average precision at GPS .50", card.stat[1].meaning);
    EXPECT_TRUE(std::isnan(card.stat[1].value));
    expect_page(page_of(card), {"sizes", "per_threshold"});
    arena_release(&a);
}

TEST(EvalPage, SemsegShowsItsConfusionsInPixels)
{
    Arena         a = {};
    Card          card;
    SemsegOptions opt = {2, SEMSEG_VOID, false};
    SemsegResult  r;
    const int64_t confusion[6] = {90, 10, 0, 5, 95, 0};
    const char   *name[2] = {"cat", EVIL};
    ASSERT_EQ(OK, semseg_score(&a, &opt, &r, confusion));
    ASSERT_EQ(OK, semseg_card(&a, &card, &r, name));
    std::string page = page_of(card);
    expect_page(page, {"per_class", "confusion"});
    EXPECT_NE(std::string::npos, page.find("cat found as cat: 90 (90.0 %)"));
    Text text = {};
    card_text(&text, &card);
    EXPECT_NE(nullptr, strstr(text_cstr(&text), "10  cat -> <script>"));
    text_release(&text);
    arena_release(&a);
}
