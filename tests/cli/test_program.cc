/* The program as scripts meet it: verbs, options, exit codes, one sentence on stderr. */
#include "cli/run_program.h"
#include <cmath>
#include <gtest/gtest.h>

static int lines(const std::string &s)
{
    int n = 0;
    for (char c : s)
        n += c == '\n';
    return n;
}

TEST(Program, WithoutAVerbListsTheVerbsAndExits64)
{
    Ran r = godwit("");
    EXPECT_EQ(r.code, 64);
    EXPECT_NE(r.out.find("pretrain"), std::string::npos);
}

TEST(Program, AnUnknownVerbNamesTheNearest)
{
    Ran r = godwit("pretain");
    EXPECT_EQ(r.code, 64);
    EXPECT_NE(r.err.find("did you mean pretrain?"), std::string::npos) << r.err;
    EXPECT_EQ(lines(r.err), 1);
}

TEST(Program, AnUnknownOptionNamesTheNearest)
{
    Ran r = godwit("doctor --jsn x");
    EXPECT_EQ(r.code, 64);
    EXPECT_NE(r.err.find("did you mean --json?"), std::string::npos) << r.err;
}

TEST(Program, AMissingRequiredOptionIsNamed)
{
    Ran r = godwit("knn --test x");
    EXPECT_EQ(r.code, 64);
    EXPECT_NE(r.err.find("--train"), std::string::npos) << r.err;
}

TEST(Program, ShardsMayBeMoreThanFilesThatTheShellAllows)
{
    TempDir dir;
    namespace fs = std::filesystem;
    ASSERT_EQ(0, godwit("scenes --kind object --layout shards --train 1 --val 0 --test 0 --out " +
                        (dir / "data"))
                     .code);
    fs::create_directory(dir / "many");
    for (const auto &e : fs::recursive_directory_iterator(dir / "data"))
        for (int i = 0; e.path().extension() == ".tar" && i < 60; i++)
            fs::copy(e.path(), dir / ("many/" + std::to_string(i) + ".tar"),
                     fs::copy_options::skip_existing);
    std::string check = "check --data " + (dir / "many");
    EXPECT_EQ(0, godwit(check).code);
    Ran raised = godwit(check, "ulimit -S -n 40;");
    EXPECT_EQ(0, raised.code) << raised.err;
    Ran bound = godwit(check, "ulimit -n 40;");
    EXPECT_EQ(71, bound.code);
    EXPECT_NE(std::string::npos, bound.err.find("`ulimit -n NUMBER` sets how many may be open"))
        << bound.err;
}

TEST(Program, ANumberIsANumber)
{
    for (const char *bad : {"two", "1x", "''", "1e3"}) {
        Ran r = godwit(std::string("doctor --threads ") + bad);
        EXPECT_EQ(r.code, 64) << bad;
        EXPECT_EQ(lines(r.err), 1) << r.err;
    }
    EXPECT_EQ(godwit("doctor --threads 100000").code, 64);
    EXPECT_EQ(godwit("doctor --threads -1").code, 64);
}

TEST(Program, EveryVerbExplainsItself)
{
    for (const char *verb : {"demo", "scenes", "check", "pretrain", "knn", "embed", "train",
                             "predict", "eval", "compare", "bench", "doctor"}) {
        Ran help = godwit(std::string(verb) + " --help");
        EXPECT_EQ(help.code, 0) << verb;
        EXPECT_NE(help.out.find("usage: godwit " + std::string(verb)), std::string::npos)
            << help.out;
        Ran through_help = godwit(std::string("help ") + verb);
        EXPECT_EQ(through_help.out, help.out) << verb;
    }
    for (const char *two : {"eval coco", "bench data"}) {
        Ran help = godwit(std::string(two) + " --help"),
            through = godwit(std::string("help ") + two);
        EXPECT_EQ(0, through.code) << through.err;
        EXPECT_EQ(help.out, through.out);
        EXPECT_NE(std::string::npos, help.out.find("usage: godwit " + std::string(two)));
    }
    EXPECT_EQ(64, godwit("help eval cocoa").code);
}

TEST(Program, DoctorFailsWhereWhatWasAskedForDoesNotOpen)
{
    unsetenv("GODWIT_CUDA");
    setenv("GODWIT_CUDA", "/nowhere/plugin.so", 1);
    Ran named = godwit("doctor"), asked = godwit("doctor --device cuda");
    unsetenv("GODWIT_CUDA");
    EXPECT_EQ(0, named.code);
    EXPECT_NE(std::string::npos, named.out.find("1 thing to look at")) << named.out;
    EXPECT_EQ(71, asked.code);
    EXPECT_NE(std::string::npos, asked.out.find("!!   GPU")) << asked.out;
}

TEST(Program, DoctorWritesJson)
{
    TempDir dir;
    Ran     r = godwit("doctor --json " + (dir / "d.json"));
    EXPECT_EQ(r.code, 0) << r.err;
    EXPECT_NE(r.out.find("oneDNN"), std::string::npos);
    EXPECT_NE(slurp(dir / "d.json").find("\"oneDNN\""), std::string::npos);
}

TEST(Program, AClosedStdoutIsAnErrorNotADeath)
{
    Ran r = godwit("help 1>&-");
    EXPECT_GE(r.code, 0);
    std::string command = std::string(GODWIT_PROGRAM) + " help > /dev/full 2>/dev/null";
    int         status = std::system(command.c_str());
    EXPECT_EQ(WEXITSTATUS(status), 74);
}

/* The exit code of a shell command that begins behind the program's name; what it prints is dropped. */
static int exit_of(const std::string &words)
{
    int status = std::system((std::string(GODWIT_PROGRAM) + " " + words).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Program, WhatCannotBeWrittenToStdoutIsToldByEveryWord)
{
    for (const char *words : {"--version", "--help", "help"})
        EXPECT_EQ(74, exit_of(std::string(words) + " >/dev/full 2>/dev/null")) << words;
}

/* What is said must not land in the files that are opened first. */
TEST(Program, ClosedStreamsLeaveFilesAlone)
{
    TempDir     dir;
    std::string out = dir / "m.json", run = dir / "run";
    ASSERT_EQ(
        0,
        godwit("scenes --kind object --layout folder --size 16 --train 8 --val 0 --test 0 --out " +
               (dir / "o"))
            .code);
    std::string words = "pretrain moco_tiny --data " + (dir / "o/train") + " --out " + run +
                        " --threads 1 solver.iters=2 data.batch=4 knn.every=0 --json " + out;
    EXPECT_EQ(0, exit_of(words + " <&- 2>&- >/dev/null"));
    EXPECT_EQ(0u, slurp(run + "/metrics.jsonl").find("{")) << slurp(run + "/metrics.jsonl");
    EXPECT_EQ(std::string::npos, slurp(run + "/metrics.jsonl").find("\nstep"));
    EXPECT_EQ(0u, slurp(out).find("{"));
}

TEST(Program, AFileThatMayNotGrowIsAnErrorNotADeath)
{
    TempDir     dir;
    std::string words = std::string("ulimit -f 8; ") + GODWIT_PROGRAM +
                        " scenes --size 256 --train 9 --val 0 --test 0 --out " + (dir / "s") +
                        " >/dev/null 2>&1";
    int status = std::system(("bash -c '" + words + "'").c_str());
    ASSERT_TRUE(WIFEXITED(status)) << WTERMSIG(status);
    EXPECT_EQ(74, WEXITSTATUS(status));
}

TEST(Program, AnEmptyOptionIsRefused)
{
    Ran r = godwit("scenes --out '' --train 1");
    EXPECT_EQ(64, r.code);
    EXPECT_NE(std::string::npos, r.err.find("--out DIR is empty")) << r.err;
}

/* A name from the disk begins no line of its own and moves no cursor. */
TEST(Program, NamesAreShownOnOneLine)
{
    TempDir dir;
    std::filesystem::create_directories(dir / "d/a");
    std::ofstream(dir / "d/a/\x1b[2Jbad\nwarning: all is well.jpg") << "";
    Ran r = godwit("check --data " + (dir / "d") + " --decode");
    for (const std::string &said : {r.out, r.err}) {
        EXPECT_EQ(std::string::npos, said.find('\x1b')) << said;
        EXPECT_EQ(std::string::npos, said.find("\nwarning: all is well")) << said;
    }
    EXPECT_NE(std::string::npos, r.out.find("bad?warning")) << r.out;
}

TEST(Program, MissingInputsExit66AndBadRecipes78)
{
    TempDir dir;
    EXPECT_EQ(godwit("check --data " + (dir / "nowhere")).code, 66);
    Ran none = godwit("pretrain no_such_recipe --data x --out " + (dir / "r"));
    EXPECT_EQ(none.code, 66) << none.err;
    Ran value = godwit("pretrain moco_demo moco.K=none --data x --out " + (dir / "r"));
    EXPECT_EQ(value.code, 78);
    EXPECT_NE(value.err.find("moco.K"), std::string::npos) << value.err; // a key with a capital
    Ran key = godwit("pretrain moco_demo solver.lrr=1 --data x --out " + (dir / "r"));
    EXPECT_EQ(key.code, 78) << key.err;
    EXPECT_NE(key.err.find("solver.lr"), std::string::npos) << key.err;
}

TEST(Program, QuietLeavesResultsAndWarnings)
{
    TempDir     dir;
    std::string train = "pretrain moco_tiny --data " + (dir / "s") +
                        " data.train=train-*.tar --threads 1 solver.iters=2 --out ";
    ASSERT_EQ(0, godwit("scenes --kind object --layout shards --train 24 --val 0 --test 0 --out " +
                        (dir / "s"))
                     .code);
    Ran loud = godwit(train + (dir / "loud")), quiet = godwit(train + (dir / "quiet") + " --quiet");
    EXPECT_EQ(0, quiet.code);
    EXPECT_GT(lines(loud.err), 5) << loud.err;
    EXPECT_EQ(1, lines(quiet.err)) << quiet.err; // 32 keys of 24 pictures
    EXPECT_EQ(0u, quiet.err.find("warning: moco.K")) << quiet.err;
    EXPECT_NE(std::string::npos, quiet.out.find("2 steps, loss")) << quiet.out;
}

TEST(Program, WrittenScenesPassTheCheck)
{
    TempDir dir;
    Ran     made = godwit("scenes --train 12 --val 4 --test 4 --seed 3 --out " + (dir / "s"));
    ASSERT_EQ(made.code, 0) << made.err;
    Ran checked = godwit("check --decode --data " + (dir / "s") +
                         "/VOCdevkit/Scenes --split trainval --json " + (dir / "c.json"));
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
    EXPECT_NE(checked.out.find("16 images"), std::string::npos) << checked.out;
    Ran devkit = godwit("check --data " + (dir / "s") + "/VOCdevkit"); // not a folder of pictures
    EXPECT_EQ(devkit.code, 64) << devkit.out;
    EXPECT_NE(devkit.err.find("VOCdevkit/Scenes"), std::string::npos) << devkit.err;
}

/* The same scenes lie there as VOC and as COCO. */
TEST(Program, CheckOpensCocoAnnotationsOrSaysHow)
{
    TempDir           dir;
    const std::string s = dir / "s", voc = s + "/VOCdevkit/Scenes";
    ASSERT_EQ(0, godwit("scenes --train 6 --val 0 --test 2 --out " + s).code);
    Ran whole = godwit("check --data " + s);
    EXPECT_EQ(64, whole.code) << whole.out;
    EXPECT_NE(std::string::npos, whole.err.find("--data " + voc)) << whole.err;
    std::filesystem::rename(s + "/VOCdevkit/Scenes/JPEGImages", s + "/train");
    std::filesystem::remove_all(s + "/VOCdevkit");
    Ran coco = godwit("check --data " + s);
    EXPECT_EQ(64, coco.code) << coco.out;
    EXPECT_NE(std::string::npos, coco.err.find("--data " + s + "/PICTURES --annotations " + s +
                                               "/annotations/instances_test.json"))
        << coco.err;

    const std::string words =
        "check --data " + s + "/train --annotations " + s + "/annotations/instances_train.json";
    Ran good = godwit(words + " --decode");
    EXPECT_EQ(0, good.code) << good.out << good.err;
    EXPECT_NE(std::string::npos, good.out.find("6 images")) << good.out;
    EXPECT_EQ(64, godwit(words + " --split train").code);
    std::filesystem::remove(s + "/train/000003.jpg");
    Ran bad = godwit(words);
    EXPECT_EQ(65, bad.code) << bad.out;
    EXPECT_NE(std::string::npos, bad.out.find("000003.jpg")) << bad.out;
    std::ofstream(s + "/annotations/instances_train.json") << "{";
    EXPECT_EQ(65, godwit(words).code);
}

TEST(Program, ScenesSaysAsJsonWhatItWroteAndRefusesWhatItCannotWrite)
{
    TempDir dir;
    Ran     made = godwit("scenes --train 3 --val 0 --test 2 --out " + (dir / "s") + " --json " +
                          (dir / "s.json"));
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_NE(slurp(dir / "s.json").find("\"train\": 3"), std::string::npos)
        << slurp(dir / "s.json");
    for (const char *bad : {"--size 99999", "--size 15", "--layout shards",
                            "--layout voc --kind object", "--layout tree", "--train -1"}) {
        Ran r = godwit("scenes --out " + (dir / "none") + " " + bad);
        EXPECT_EQ(r.code, 64) << bad << ": " << r.err;
        EXPECT_EQ(lines(r.err), 1) << r.err;
    }
    EXPECT_FALSE(std::filesystem::exists(dir / "none"));
}

TEST(Program, ScenesLeavesAnOldSetAlone)
{
    TempDir dir;
    auto    files = [&](const std::string &name) {
        std::filesystem::recursive_directory_iterator all(dir / name), end;
        return std::distance(all, end);
    };
    for (const char *how : {"voc", "folder --kind object", "shards --kind object"}) {
        const std::string words =
            std::string("scenes --size 16 --train 3 --val 0 --test 0 --out ") +
            (dir / std::string(1, how[0])) + " --layout " + how;
        ASSERT_EQ(0, godwit(words).code) << how;
        auto n = files(std::string(1, how[0]));
        Ran  again = godwit(words + " --seed 1");
        EXPECT_EQ(64, again.code) << how;
        EXPECT_NE(std::string::npos, again.err.find("choose another folder")) << again.err;
        EXPECT_EQ(n, files(std::string(1, how[0]))) << how;
    }
}

/* Class folders are numbered by rank: the test set's only class is the bank's second. */
TEST(Program, NearestNeighboursKnowClassesByTheirNames)
{
    TempDir dir;
    for (const char *name : {"train", "test"})
        ASSERT_EQ(
            0,
            godwit(std::string("scenes --kind object --train 2 --val 0 --test 0 --size 16 --out ") +
                   (dir / name))
                .code);
    std::filesystem::path bank = dir / "train/train", test = dir / "test/train";
    std::string           kept;
    for (auto &e : std::filesystem::recursive_directory_iterator(bank))
        if (e.path().extension() == ".jpg")
            kept = std::max(kept, e.path().parent_path().filename().string());
    for (auto &tree : {bank, test})
        for (auto &e : std::filesystem::directory_iterator(tree))
            if (tree == test ? e.path().filename() != kept : std::filesystem::is_empty(e.path()))
                std::filesystem::remove_all(e.path());
    std::string words =
        "knn --features pixels --k 1 --train " + bank.string() + " --test " + test.string();
    Ran r = godwit(words + " --json " + (dir / "knn.json"));
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_NE(r.out.find(" 768 pixels features"), std::string::npos) << r.out; // as they are
    EXPECT_NE(slurp(dir / "knn.json").find("\"top1\": 1,"), std::string::npos)
        << slurp(dir / "knn.json");
    std::filesystem::rename(test / kept, test / "unheard_of");
    Ran unknown = godwit(words);
    EXPECT_EQ(unknown.code, 65) << unknown.out;
    EXPECT_NE(unknown.err.find("\"unheard_of\""), std::string::npos) << unknown.err;
    for (const char *bad :
         {" --limit -1", " --crop -1", " --crop 5000", " --k 0", " --temperature 0"})
        EXPECT_EQ(64, godwit(words + bad).code) << bad;
}

/* A run of one evaluation, as `godwit train` leaves it. */
static std::string evaluated_run(const TempDir &dir, const std::string &name,
                                 const std::string &definition)
{
    std::filesystem::create_directories(dir / name);
    std::ofstream(dir / (name + "/metrics.jsonl"))
        << "{\"step\":9,\"kind\":\"eval\",\"ap\":0.25,\"ap50\":0.5,\"ap75\":0.125,\"init\":"
           "\"moco\",\"definition\":\""
        << definition << "\"}\n";
    return dir / name;
}

TEST(Program, CompareRefusesPretraining)
{
    TempDir     dir;
    std::string run = evaluated_run(dir, "moco", "");
    std::ofstream(run + "/backbone.safetensors") << "weights";
    Ran r = godwit("compare " + run);
    EXPECT_EQ(65, r.code);
    EXPECT_NE(std::string::npos, r.err.find("is a pretraining run and has no AP")) << r.err;
}

TEST(Program, CompareShowsThePapersRowsBesideVocsApAlone)
{
    TempDir     dir;
    std::string coco_ap =
        "COCO box AP: mean over box IoU .50, .55 ... .95 of 101-point interpolated precision, over "
        "categories with annotations; crowds ignored; 100 results per image and category";
    Ran voc = godwit("compare " + evaluated_run(dir, "voc", "VOC2007 AP"));
    EXPECT_EQ(0, voc.code) << voc.err;
    EXPECT_NE(std::string::npos, voc.out.find("published, not ours"));
    EXPECT_NE(std::string::npos, voc.out.find("VOC 07+12 trainval"));
    EXPECT_NE(std::string::npos, voc.out.find("VOC 07 trainval"));
    Ran coco = godwit("compare " + evaluated_run(dir, "coco", coco_ap));
    EXPECT_EQ(0, coco.code) << coco.err;
    EXPECT_NE(std::string::npos, coco.out.find("25.0")) << coco.out;
    EXPECT_NE(std::string::npos, coco.out.find("AP: COCO box AP")) << coco.out;
    EXPECT_EQ(std::string::npos, coco.out.find("published")) << coco.out;
    EXPECT_EQ(65,
              godwit("compare " + (dir / "voc") + " " + (dir / "coco")).code); // two definitions
}

TEST(Program, TheDemoRefusesAShareThatIsNone)
{
    TempDir dir;
    for (const char *bad : {"0", "-0.5", "1.5", "nan"}) {
        Ran r = godwit(std::string("demo --scale ") + bad + " --out " + (dir / "demo"));
        EXPECT_EQ(64, r.code) << bad;
        EXPECT_NE(std::string::npos, r.err.find("--scale")) << r.err;
    }
    EXPECT_FALSE(std::filesystem::exists(dir / "demo"));
}

/* Five pictures are no batch, so that these demos end behind making them. */
TEST(Program, TheDemoGoesOnWithItsOwnSettingsAlone)
{
    TempDir           dir;
    const std::string words = "demo --quiet --out " + (dir / "demo") + " --scale ";
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(65, godwit(words + "0.001").code);
    Ran other = godwit(words + "0.002"), seed = godwit(words + "0.001 --seed 1");
    EXPECT_EQ(64, other.code) << other.err;
    EXPECT_NE(std::string::npos, other.err.find("--scale 0.001, not --seed 0 --scale 0.002"))
        << other.err;
    EXPECT_NE(std::string::npos, other.err.find("another --out")) << other.err;
    EXPECT_EQ(64, seed.code) << seed.err;
}

/* The classes of the demo's recipe are not sorted and not all in these few pictures. */
TEST(Program, EvalVocGivesTheRunsNumbersFromItsDetections)
{
    TempDir     dir;
    std::string run = dir / "run", data = dir / "data";
    ASSERT_EQ(0, godwit("scenes --out " + data + " --size 96 --train 4 --val 0 --test 8").code);
    std::string train =
        "train demo_c4 --data " + data + "/VOCdevkit --out " + run +
        " --threads 1 solver.iters=4 'solver.milestones=[]' 'data.sizes=[96]' data.test_size=96"
        " model.width=0.125 'data.train=[\"Scenes/train\"]' --json " +
        (dir / "run.json");
    ASSERT_EQ(0, godwit(train).code);
    auto number = [](const std::string &json, const std::string &key) {
        size_t at = json.find("\"" + key + "\":");
        return at == std::string::npos ? NAN : std::atof(json.c_str() + at + key.size() + 3);
    };
    double ap50 = number(slurp(dir / "run.json"), "AP50");
    Ran    r = godwit(
           "eval voc --gt " + data + "/VOCdevkit/Scenes --dt " + run +
           "/detections.json --skip-empty-classes --json " + (dir / "eval.json") +
           " --classes striped_disc,checkered_disc,dotted_square,ringed_square,striped_triangle,"
              "dotted_triangle,checkered_star,marbled_star,ringed_cross,marbled_cross");
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_GT(ap50, 0);
    EXPECT_NEAR(ap50, 100 * number(slurp(dir / "eval.json"), "AP50"), 1e-12);
    EXPECT_NE(std::string::npos, slurp(run + "/detections.json").find("\"category_name\":\""))
        << "names of classes";

    Ran again = godwit(train + " --resume auto");
    EXPECT_EQ(0, again.code) << again.err;
    EXPECT_NE(std::string::npos, again.out.find("4 steps, all taken before")) << again.out;
    EXPECT_NE(std::string::npos, slurp(dir / "run.json").find("\"loss\": null"));
}

TEST(Program, TrainRunsTrialsFromSeedsOneApart)
{
    TempDir     dir;
    std::string run = dir / "run", data = dir / "data";
    ASSERT_EQ(0, godwit("scenes --out " + data + " --size 96 --train 4 --val 0 --test 2").code);
    Ran r = godwit("train demo_c4 --data " + data + "/VOCdevkit --out " + run +
                   " --threads 1 --trials 2 --init-name random --json " + (dir / "table.json") +
                   " seed=5 solver.iters=2 'solver.milestones=[]' 'data.sizes=[96]' "
                   "data.test_size=96 data.batch=2"
                   " model.width=0.125 'data.train=[\"Scenes/train\"]'");
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("2 trials")) << r.out;
    EXPECT_NE(std::string::npos, slurp(run + "/trial-0/recipe.json").find("\"seed\": 5,"));
    EXPECT_NE(std::string::npos, slurp(run + "/trial-1/recipe.json").find("\"seed\": 6,"));
    EXPECT_NE(std::string::npos, slurp(dir / "table.json").find("\"deviation\""));
    EXPECT_EQ(64, godwit("train demo_c4 --data " + data + " --out " + run + " --trials 0").code);
    Ran compared = godwit("compare " + run);
    EXPECT_NE(std::string::npos, compared.out.find("2 trials")) << compared.out << compared.err;
    Ran whole = godwit("predict --run " + run + " " + data + "/VOCdevkit/Scenes/JPEGImages");
    EXPECT_EQ(66, whole.code);
    EXPECT_NE(std::string::npos, whole.err.find("name one of them: " + run + "/trial-0"))
        << whole.err;
    std::string predict = "predict --run " + run + "/trial-0 --out " + (dir / "p") + " ";
    EXPECT_EQ(66, godwit(predict + (dir / "nowhere.jpg")).code);
    EXPECT_EQ(65, godwit(predict + (dir / "table.json")).code);
    EXPECT_EQ(64,
              godwit(predict + "--least-score 2 " + data + "/VOCdevkit/Scenes/JPEGImages").code);
    EXPECT_EQ(0, godwit(predict + "--least-score 0 " + data + "/VOCdevkit/Scenes/JPEGImages").code);
    std::string first = slurp(dir / "p/predictions.json"), name = "000001.jpg.png";
    auto count = [&] { return std::distance(std::filesystem::directory_iterator(dir / "p"), {}); };
    auto n_files = count();
    EXPECT_NE(std::string::npos, first.find("\"drawing\": \"" + name + "\"")) << first;
    std::string drawn = slurp(dir / ("p/" + name));
    EXPECT_EQ(0, godwit(predict + "--least-score 1 " + data + "/VOCdevkit/Scenes/JPEGImages").code);
    EXPECT_EQ(n_files, count()); // drawn anew under the same names
    EXPECT_NE(drawn, slurp(dir / ("p/" + name)));
    EXPECT_EQ(66, godwit("predict --run " + run + "/trial-0 --best --out " + (dir / "p") + " " +
                         data + "/VOCdevkit/Scenes/JPEGImages")
                      .code);
}
