extern "C" {
#include "base/recipe.h"
}
#include "base/scratch.h"
#include <cstring>

namespace {

struct Solver {
    double       lr;
    int64_t      iters;
    bool         nesterov;
    int          schedule;
    RecipeInts   milestones;
    RecipeFloats weights;
    double       decay;
};
struct Data {
    const char   *name;
    RecipeStrings splits;
};

const RecipeKey SOLVER_KEYS[] = {
    RECIPE_FLOAT(Solver, lr, "lr", "0.02", 0, 100, "learning rate for 16 images a step"),
    RECIPE_INT(Solver, iters, "iters", "90000", 1, 1e9, "steps of the run"),
    RECIPE_BOOL(Solver, nesterov, "nesterov", "false", "look ahead"),
    RECIPE_CHOICE(Solver, schedule, "schedule", "step", "step|cosine", "how the rate falls"),
    RECIPE_INTS(Solver, milestones, "milestones", "[60000, 80000]", 0, 1e9,
                "steps where the rate falls"),
    RECIPE_FLOATS(Solver, weights, "sub.weights", "1,2.5", 0, 10, "weights of the losses"),
};
const RecipeKey DATA_KEYS[] = {
    RECIPE_STRING(Data, name, "name", "voc", "name of the set"),
    RECIPE_STRINGS(Data, splits, "splits", "", "splits to read"),
};
const RecipeKey MORE_SOLVER_KEYS[] = {
    RECIPE_FLOAT(Solver, decay, "weight_decay", "1e-4", 0, 1, "decay of the weights"),
};

struct Recipe : ScratchTest {
    Arena       arena = {};
    Solver      solver = {};
    Data        data = {};
    RecipeTable tables[3] = {RECIPE_TABLE("solver", SOLVER_KEYS, &solver),
                             RECIPE_TABLE("data", DATA_KEYS, &data),
                             RECIPE_TABLE("solver", MORE_SOLVER_KEYS, &solver)};

    Status load(const char *name, std::vector<const char *> overrides = {})
    {
        const char  *folders[] = {dir.c_str()};
        RecipeSource s = {name, folders, 1, overrides.data(), (int)overrides.size()};
        return recipe_load(&arena, tables, 3, &s);
    }
    std::string refusal(const std::string &text)
    {
        EXPECT_EQ(ERR_RECIPE, load(put("r.json", text).c_str())) << text << "\n" << status_text();
        std::string s = status_text();
        return s.rfind(dir, 0) == 0 ? s.substr(dir.size() + 1) : s;
    }
    void TearDown() override
    {
        arena_release(&arena);
        ScratchTest::TearDown();
    }
};

} // namespace

TEST_F(Recipe, DefaultsComeFromTheTable)
{
    ASSERT_EQ(OK, recipe_load(&arena, tables, 3, nullptr));
    EXPECT_EQ(solver.lr, 0.02);
    EXPECT_EQ(solver.iters, 90000);
    EXPECT_FALSE(solver.nesterov);
    EXPECT_EQ(solver.schedule, 0);
    ASSERT_EQ(solver.milestones.n, 2);
    EXPECT_EQ(solver.milestones.v[1], 80000);
    ASSERT_EQ(solver.weights.n, 2);
    EXPECT_EQ(solver.weights.v[1], 2.5);
    EXPECT_EQ(solver.decay, 1e-4);
    EXPECT_STREQ(data.name, "voc");
    EXPECT_EQ(data.splits.n, 0);
}

TEST_F(Recipe, ParentThenRecipeThenOverridesDecide)
{
    put("parent.json", "{ // the parent\n \"solver\": {\"lr\": 0.1, \"iters\": 5, \"schedule\": "
                       "\"cosine\"}, \"data\": {\"name\": \"coco\"}}");
    put("child.json", "{\"base\": \"parent.json\", \"solver\": {\"iters\": 6, \"milestones\": [1, "
                      "2, 3] /* three */}}");
    ASSERT_EQ(OK,
              load("child", {"solver.sub.weights=3", "data.splits=a,b c", "solver.nesterov=true"}))
        << status_text();
    EXPECT_EQ(solver.lr, 0.1);
    EXPECT_EQ(solver.iters, 6);
    EXPECT_EQ(solver.schedule, 1);
    EXPECT_EQ(solver.milestones.n, 3);
    EXPECT_TRUE(solver.nesterov);
    ASSERT_EQ(solver.weights.n, 1);
    EXPECT_EQ(solver.weights.v[0], 3);
    EXPECT_STREQ(data.name, "coco");
    ASSERT_EQ(data.splits.n, 2);
    EXPECT_STREQ(data.splits.v[1], "b c");
}

TEST_F(Recipe, MistakesAreNamedWithFileLineAndNearestKey)
{
    EXPECT_EQ(refusal("{\"solver\": {\n\"iterz\": 3}}"),
              "r.json:2: solver.iterz: is no known key; did you mean \"solver.iters\"?");
    EXPECT_EQ(refusal("{\n\n\"lr\": 3}"),
              "r.json:3: lr: is no known key; did you mean \"solver.lr\"?");
    EXPECT_EQ(refusal("{\"zzzzzzzzzzzz\": 3}"), "r.json:1: zzzzzzzzzzzz: is no known key");
    EXPECT_EQ(refusal("{\"solver\": {\"lr\": \"x\"}}"),
              "r.json:1: solver.lr: expected a number, found a string");
    EXPECT_EQ(refusal("{\"solver\": {\"iters\": 1.5}}"),
              "r.json:1: solver.iters: expected an integer, found a number");
    EXPECT_EQ(refusal("{\"solver\": {\"iters\": 0}}"),
              "r.json:1: solver.iters: 0 is outside 1 .. 1000000000");
    EXPECT_EQ(refusal("{\"solver\": {\"milestones\": [1, -1]}}"),
              "r.json:1: solver.milestones: -1 is outside 0 .. 1000000000");
    EXPECT_EQ(refusal("{\"solver\": {\"schedule\": \"cos\"}}"),
              "r.json:1: solver.schedule: \"cos\" is none of step|cosine");
    EXPECT_EQ(refusal("{\"solver\": {\"lr\": 1,\n\"lr\": 2}}"),
              "r.json:2: solver.lr: the key stands twice, first in line 1");
    EXPECT_EQ(refusal("{\"solver\": {\"lr\": 1}, \"solver.lr\": 2}"),
              "r.json:1: solver.lr: is set twice");
    EXPECT_EQ(refusal("{\"solver\": 3}"),
              "r.json:1: solver: expected an object of keys, found an integer");
    EXPECT_EQ(refusal("{\"solver\": {\"lr\": {}}}"),
              "r.json:1: solver.lr: expected a number, found an object");
    EXPECT_EQ(refusal("[]"), "r.json: expected an object, found an array");
    EXPECT_EQ(refusal("{\"solver\": {\"lr\": null}}"),
              "r.json:1: solver.lr: expected a number, found null");
    EXPECT_NE(refusal("{\"solver\": {\"lr\": 1,}}").find("r.json:1: (byte"), std::string::npos);
    EXPECT_NE(refusal("{\"solver\": {\"lr\": NaN}}").find("r.json:1: (byte"), std::string::npos);
    EXPECT_NE(refusal("{\"" + std::string(5000, 'k') + "\": 1}").find("is no known key"),
              std::string::npos);
}

TEST_F(Recipe, OverridesAreCheckedLikeFiles)
{
    EXPECT_EQ(ERR_RECIPE, load(nullptr, {"solver.lr=abc"}));
    EXPECT_STREQ(status_text(), "override: solver.lr: expected a number, found \"abc\"");
    EXPECT_EQ(ERR_RECIPE, load(nullptr, {"solver.rl=1"}));
    EXPECT_STREQ(status_text(),
                 "override: solver.rl: is no known key; did you mean \"solver.lr\"?");
    EXPECT_EQ(ERR_RECIPE, load(nullptr, {"solver.lr=1", "solver.lr=2"}));
    EXPECT_EQ(ERR_RECIPE, load(nullptr, {"solver.lr"}));
    EXPECT_EQ(ERR_RECIPE, load(nullptr, {"=1"}));
    EXPECT_EQ(ERR_RECIPE, load(nullptr, {"solver.lr=0,5"}));
    EXPECT_EQ(OK, load(nullptr, {"solver.lr=0.5", "solver.milestones=", "data.name=a=b \"c"}));
    EXPECT_EQ(solver.lr, 0.5);
    EXPECT_EQ(solver.milestones.n, 0);
    EXPECT_STREQ(data.name, "a=b \"c");
}

TEST_F(Recipe, CyclesAndLongChainsAreRefused)
{
    put("a.json", "{\"base\": \"b\"}");
    put("b.json", "{\"base\": \"a.json\"}");
    EXPECT_EQ(ERR_RECIPE, load("a"));
    EXPECT_NE(strstr(status_text(), "is its own base"), nullptr) << status_text();
    for (int i = 0; i < 9; i++)
        put("c" + std::to_string(i) + ".json", "{\"base\": \"c" + std::to_string(i + 1) + "\"}");
    put("c9.json", "{}");
    EXPECT_EQ(ERR_RECIPE, load("c0"));
    EXPECT_EQ(OK, load("c2"));
    put("d.json", "{\"base\": \"nowhere\"}");
    EXPECT_EQ(ERR_RECIPE, load("d"));
    EXPECT_NE(strstr(status_text(), "d.json:1: base: the parent \"nowhere\" cannot be found"),
              nullptr)
        << status_text();
}

TEST_F(Recipe, AMissingRecipeNamesTheNearest)
{
    put("voc_r50_c4.json", "{}");
    EXPECT_EQ(ERR_MISSING, load("voc_r50_c5"));
    EXPECT_NE(strstr(status_text(), "did you mean \"voc_r50_c4\"?"), nullptr) << status_text();
}

TEST_F(Recipe, TheResolvedRecipeReadsBackTheSame)
{
    ASSERT_EQ(OK, load(nullptr, {"solver.lr=0.1", "data.name=x\"y", "data.splits=p,q"}));
    Text first = {}, second = {};
    recipe_write(&first, tables, 3);
    EXPECT_STREQ(
        text_cstr(&first),
        "{\n  \"solver\": {\n    \"lr\": 0.1,\n    \"iters\": 90000,\n    \"nesterov\": false,\n"
        "    \"schedule\": \"step\",\n    \"milestones\": [60000, 80000],\n    \"sub\": {\n"
        "      \"weights\": [1, 2.5]\n    },\n    \"weight_decay\": 0.0001\n  },\n  \"data\": {\n"
        "    \"name\": \"x\\\"y\",\n    \"splits\": [\"p\", \"q\"]\n  }\n}");
    uint64_t h1, h2, h3;
    ASSERT_EQ(OK, recipe_hash(&h1, tables, 3));
    ASSERT_EQ(OK, load(put("back.json", text_cstr(&first)).c_str())) << status_text();
    recipe_write(&second, tables, 3);
    EXPECT_STREQ(text_cstr(&first), text_cstr(&second));
    ASSERT_EQ(OK, recipe_hash(&h2, tables, 3));
    EXPECT_EQ(h1, h2);
    ASSERT_EQ(OK, load(nullptr, {"solver.lr=0.2"}));
    ASSERT_EQ(OK, recipe_hash(&h3, tables, 3));
    EXPECT_NE(h1, h3);
    text_release(&first);
    text_release(&second);
}

TEST_F(Recipe, TheFirstKeyThatDiffersIsNamed)
{
    auto resolved = [&](const char *override) {
        Text t = {};
        EXPECT_EQ(OK, override ? load(nullptr, {override}) : load(nullptr)) << status_text();
        recipe_write(&t, tables, 3);
        std::string text = text_cstr(&t);
        text_release(&t);
        return text;
    };
    auto change = [&](const std::string &a, const std::string &b) {
        Text t = {};
        recipe_difference(&t, a.c_str(), b.c_str());
        std::string text = t.len ? text_cstr(&t) : "";
        text_release(&t);
        return text;
    };
    std::string plain = resolved(nullptr);
    EXPECT_EQ("", change(plain, plain));
    EXPECT_EQ("solver.lr was 0.02, now 0.5", change(plain, resolved("solver.lr=0.5")));
    EXPECT_EQ("solver.sub.weights was [1, 2.5], now [1]",
              change(plain, resolved("solver.sub.weights=[1]")));
    EXPECT_EQ("data.splits was [\"p\"], now []", change(resolved("data.splits=p"), plain));
    EXPECT_EQ("", change("{\n  \"old\": 1\n}", "{\n  \"new\": 1\n}"));
    EXPECT_EQ("", change("{", "not lines"));
}

TEST_F(Recipe, HelpSaysNameDefaultRangeAndSentence)
{
    Text t = {};
    recipe_help(&t, tables, 3);
    EXPECT_NE(strstr(text_cstr(&t),
                     "  solver.lr = 0.02   (0 .. 100)\n      learning rate for 16 images a step\n"),
              nullptr);
    EXPECT_NE(strstr(text_cstr(&t), "  solver.schedule = step   (step|cosine)\n"), nullptr);
    EXPECT_NE(strstr(text_cstr(&t), "  data.splits = \"\"\n"), nullptr);
    text_release(&t);
}

TEST(RecipeDistance, CountsEdits)
{
    EXPECT_EQ(recipe_distance("", ""), 0);
    EXPECT_EQ(recipe_distance("abc", ""), 3);
    EXPECT_EQ(recipe_distance("momentum", "momentun"), 1);
    EXPECT_EQ(recipe_distance("lr", "rl"), 1);
    EXPECT_EQ(recipe_distance("kitten", "sitting"), 3);
}
