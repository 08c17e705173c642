/* kinds of error, confusions, best F1 and curves of COCO, LVIS and VOC against counts made with NumPy and tidecv:
 * tests/golden/eval/analysis_cases.py */
#include "coco_set.h"
#include "voc_set.h"
#include <cjson/cJSON.h>
#include <cmath>
#include <fstream>
#include <sstream>

namespace {
enum { K = 4 };

cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}
double number(const cJSON *list, int i)
{
    return cJSON_GetArrayItem(list, i)->valuedouble;
}
std::string ids(const cJSON *list)
{
    std::string text;
    for (const cJSON *k = list->child; k; k = k->next)
        append(&text, std::to_string(k->valueint + 1));
    return text;
}

void expect_errors(const cJSON *want, const Analysis &x)
{
    EXPECT_EQ(member(want, "n_true")->valueint, x.n_true);
    for (int k = 0; k < K; k++)
        for (int e = 0; e < ERROR_KINDS; e++)
            EXPECT_EQ(number(cJSON_GetArrayItem(member(want, "errors"), k), e),
                      (double)x.class_errors[k * ERROR_KINDS + e])
                << "class " << k << " " << ERROR_NAME[e];
    for (int g = 0; g <= K; g++)
        for (int d = 0; d <= K; d++)
            EXPECT_EQ(number(cJSON_GetArrayItem(member(want, "confusion"), g), d),
                      (double)x.confusion[g * (K + 1) + d])
                << g << " as " << d;
}

/* Tolerance: precision has an eps in its denominator, and lvis and coco round differently from a plain quotient. */
void expect_curves(const cJSON *want, const Analysis &x, const MatchResult &m)
{
    for (int k = 0; k < K; k++) {
        const cJSON *c = cJSON_GetArrayItem(member(want, "classes"), k);
        double       first = m.precision[match_at(&m, 0, 0, k, 0, m.M - 1)];
        if (cJSON_IsNull(c)) {
            EXPECT_EQ(-1, first);
            EXPECT_TRUE(std::isnan(x.best[k].f1));
            continue;
        }
        for (int p = 0; p < 101; p++)
            EXPECT_NEAR(number(member(c, "precision"), p),
                        m.precision[match_at(&m, 0, p, k, 0, m.M - 1)], 1e-12)
                << "class " << k << " recall " << p;
        const cJSON *best = member(c, "best");
        if (cJSON_IsNull(best)) {
            EXPECT_TRUE(std::isnan(x.best[k].f1));
            continue;
        }
        EXPECT_NEAR(number(best, 0), x.best[k].f1, 1e-12);
        EXPECT_EQ(number(best, 1), x.best[k].score);
        EXPECT_NEAR(number(best, 2), x.best[k].precision, 1e-12);
        EXPECT_NEAR(number(best, 3), x.best[k].recall, 1e-12);
    }
}

void expect_case(Arena *a, const cJSON *want, const MatchTask *task, const MatchResult *m,
                 MatchSimilarity overlap)
{
    Analysis        x;
    AnalysisOptions opt = {.5};
    AnalysisInput   in = {task, m, overlap};
    ASSERT_EQ(OK, analysis_run(a, &opt, &x, &in)) << status_text();
    expect_errors(want, x);
    expect_curves(want, x, *m);
}

void check_coco(const cJSON *c, bool is_lvis)
{
    CocoSet s;
    bool    looked = false;
    s.categories.clear();
    for (int k = 1; k <= K; k++)
        append(&s.categories, format("{\"id\":%d,\"name\":\"k%d\",\"frequency\":\"f\"}", k, k));
    s.read.lvis = is_lvis;
    s.lvis.max_per_image = 300;
    for (int i = 0; i < member(c, "images")->valueint; i++)
        s.image(i + 1, is_lvis ? ",\"neg_category_ids\":[" +
                                     ids(cJSON_GetArrayItem(member(c, "neg"), i)) +
                                     "],\"not_exhaustive_category_ids\":[" +
                                     ids(cJSON_GetArrayItem(member(c, "unfinished"), i)) + "]"
                               : "");
    for (const cJSON *t = member(c, "truth")->child; t; t = t->next)
        s.truth((int)number(t, 0) + 1, number(t, 2), number(t, 3), number(t, 4), number(t, 5), "",
                -1, (int)number(t, 6), (int)number(t, 1) + 1);
    for (const cJSON *d = member(c, "found")->child; d; d = d->next)
        s.result((int)number(d, 0) + 1, number(d, 2), number(d, 3), number(d, 4), number(d, 5),
                 number(d, 6), (int)number(d, 1) + 1);
    s.look = [&](Arena *a, CocoResult *r, CocoTruth *, CocoResults *) {
        expect_case(a, member(c, "expect"), r->task, &r->match, r->overlap);
        looked = true;
    };
    s.look_lvis = [&](Arena *a, LvisResult *r) {
        expect_case(a, member(c, "expect"), r->task, &r->match, r->overlap);
        looked = true;
    };
    ASSERT_EQ(OK, s.evaluate()) << status_text();
    EXPECT_TRUE(looked);
}

void check_voc(const cJSON *c)
{
    VocTestSet     s;
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r;
    s.n_images = member(c, "images")->valueint;
    s.n_classes = K;
    for (const cJSON *t = member(c, "truth")->child; t; t = t->next)
        s.truth(number(t, 2), number(t, 3), number(t, 2) + number(t, 4),
                number(t, 3) + number(t, 5), number(t, 6) != 0, (int)number(t, 0),
                (int)number(t, 1));
    for (const cJSON *d = member(c, "found")->child; d; d = d->next)
        s.found(number(d, 2), number(d, 3), number(d, 4), number(d, 3) + number(d, 5),
                number(d, 4) + number(d, 6), (int)number(d, 0), (int)number(d, 1));
    VocSet set = s.set();
    ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r, &set)) << status_text();
    expect_case(&a, member(c, "expect"), r.task, &r.match, r.task->similarity);
    arena_release(&a);
}

void check(const char *metric, int wanted)
{
    std::ifstream in(std::string(GODWIT_SOURCE_DIR) + "/tests/golden/eval/analysis_cases.json");
    std::ostringstream text;
    text << in.rdbuf();
    cJSON *cases = cJSON_Parse(text.str().c_str());
    ASSERT_TRUE(cases);
    int n = 0;
    for (const cJSON *c = cases->child; c; c = c->next) {
        std::string name = member(c, "metric")->valuestring;
        if (name != metric)
            continue;
        SCOPED_TRACE(name + " set " + std::to_string(n++));
        if (name == "voc")
            check_voc(c);
        else
            check_coco(c, name == "lvis");
    }
    EXPECT_EQ(wanted, n);
    cJSON_Delete(cases);
}
} // namespace

TEST(AnalysisFixtures, CocoSetsWithAndWithoutCrowdsAgree)
{
    check("coco", 7);
}
TEST(AnalysisFixtures, LvisSetsUnderFederatedRulesAgree)
{
    check("lvis", 4);
}
TEST(AnalysisFixtures, VocSetsWithAndWithoutDifficultObjectsAgree)
{
    check("voc", 4);
}
