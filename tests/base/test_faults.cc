/* Memory that runs out and disks that break, at every call that the formats and run folders of base/ make. The asan
 * preset also fails each block of an arena: there every block is a malloc. */
extern "C" {
#include "base/file.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/recipe.h"
#include "base/run.h"
#include "base/safetensors.h"
#include "base/tar.h"
#include "base/voc_xml.h"
}
#include "base/scratch.h"
#include "faults/every.h"
#include <cerrno>
#include <cstring>

namespace {

struct NoMemory : ScratchTest {};
struct BrokenDisk : ScratchTest {};

/* libarchive does without its own entry and without a filter that this archive does not need, and takes a decompressor
 * that cannot begin for damage. */
const Library LIBARCHIVE = {true, "decompression failed"};

const char XML[] = "<annotation><size><width>50</width><height>40</height></size>"
                   "<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</"
                   "xmax><ymax>9</ymax></bndbox></object>"
                   "<object><name>cat</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</"
                   "xmax><ymax>9</ymax></bndbox></object>"
                   "</annotation>";

Status write_weights(const std::string &path)
{
    float      w[6] = {1, 2, 3, 4, 5, 6};
    SafeTensor t[] = {{"w", SAFE_F32, 2, {2, 3}, w, 0}, {"b", SAFE_F32, 1, {3}, w, 0}};
    SafeMeta   m[] = {{"step", "12"}};
    return safetensors_write(path.c_str(), t, 2, m, 1);
}

/* Reads every member. */
Status read_archive(const std::string &path, int64_t expected_bytes)
{
    TarReader *t = nullptr;
    TarMember  m;
    Arena      a = {};
    char      *bytes;
    int64_t    n;
    int64_t    total = 0;
    bool       found = true;
    Status     st = tar_open(&t, path.c_str(), nullptr);
    while (st == OK && found) {
        st = tar_next(t, &m, &found);
        if (st == OK && found)
            st = tar_read(t, &a, &bytes, &n);
        total += st == OK && found ? n : 0;
    }
    EXPECT_TRUE(st != OK || total == expected_bytes) << total;
    tar_close(t);
    arena_release(&a);
    return st;
}

struct Config {
    double      lr;
    const char *name;
    RecipeInts  steps;
};
Config          config;
const RecipeKey KEYS[] = {
    RECIPE_FLOAT(Config, lr, "lr", "0.1", 0, 100, "rate"),
    RECIPE_STRING(Config, name, "name", "x", "name"),
    RECIPE_INTS(Config, steps, "steps", "1,2", 0, 100, "steps"),
};
const RecipeTable TABLES[] = {RECIPE_TABLE("solver", KEYS, &config)};

/* A short life of a run: opened, resumed, saved, measured, closed. */
Status live(const std::string &dir, int64_t step)
{
    float       w[4] = {1, 2, 3, (float)step};
    SafeTensor  arrays[] = {{"w", SAFE_F32, 1, {4}, w, 0}};
    RunOptions  options = {};
    struct Run *run = nullptr;
    Metrics    *metrics = nullptr;
    SafeFile    f = {};
    int64_t     at;
    options.resume = RUN_AUTO;
    options.recipe_json = "{}";
    Status st = run_open(&run, dir.c_str(), &options);
    if (st == OK)
        st = run_resume(run, &f, &at);
    if (st == OK && at >= 0)
        st = run_restore(&f, arrays, 1);
    safetensors_close(&f);
    if (st == OK)
        st = run_save(run, step, arrays, 1, nullptr, 0);
    if (st == OK)
        st = metrics_open(&metrics, dir.c_str(), -1, true);
    if (st == OK) {
        metrics_begin(metrics, "train", step);
        metrics_number(metrics, "loss", 1.5);
        st = metrics_end(metrics);
    }
    Status closed = metrics_close(metrics);
    run_close(run);
    return st == OK ? closed : st;
}

} // namespace

TEST_F(NoMemory, SmallJson)
{
    const char text[] = "{\"a\": [1, 2.5, \"x\"], \"b\": {\"c\": null, \"d\": true}}";
    EXPECT_GT(every_allocation_fails([&] {
                  Arena      a = {};
                  JsonValue *root;
                  Status     st =
                      json_parse(&a, &root, text, (int64_t)sizeof text - 1, "t.json", nullptr);
                  arena_release(&a);
                  return st;
              }),
              0);
}

TEST_F(NoMemory, Weights)
{
    const std::string file = path("w.safetensors");
    EXPECT_GT(every_allocation_fails([&] { return write_weights(file); }), 0);
    EXPECT_EQ(count_files(), 1);
    EXPECT_GT(every_allocation_fails([&] {
                  SafeFile f;
                  Status   st = safetensors_open(&f, file.c_str());
                  safetensors_close(&f);
                  return st;
              }),
              0);
}

TEST_F(NoMemory, VocAnnotations)
{
    EXPECT_GT(every_allocation_fails([&] {
                  Arena  a = {};
                  VocXml out;
                  Status st = voc_xml_parse(&a, &out, XML, (int64_t)sizeof XML - 1, "1.xml");
                  arena_release(&a);
                  return st;
              }),
              0);
}

/* Opening plain and gzip only: libarchive 3.6 itself does not survive more. It ends the program when the string of a
 * member's name finds no memory, and follows NULL when xz cannot begin. */
TEST_F(NoMemory, Archives)
{
    put("a.txt", "hello");
    put("b.txt", std::string(5000, 'b'));
    for (const char *how : {"cf plain.tar", "czf zip.tar.gz"}) {
        ASSERT_EQ(0, system(("cd " + dir + " && tar " + how + " a.txt b.txt").c_str()));
        std::string file = path(strchr(how, ' ') + 1);
        EXPECT_GT(every_allocation_fails(
                      [&] {
                          TarReader *t = nullptr;
                          Status     st = tar_open(&t, file.c_str(), nullptr);
                          tar_close(t);
                          return st;
                      },
                      LIBARCHIVE),
                  0)
            << file;
        EXPECT_EQ(OK, read_archive(file, 5005)) << status_text();
    }
}

TEST_F(NoMemory, Recipes)
{
    put("base.json", "{\"solver\": {\"lr\": 0.5}}");
    std::string name =
        put("child.json", "{\"base\": \"base.json\", \"solver\": {\"steps\": [3, 4]}}");
    const char  *overrides[] = {"solver.name=y"};
    RecipeSource source = {};
    source.name = name.c_str();
    source.overrides = overrides;
    source.n_overrides = 1;
    EXPECT_GT(every_allocation_fails([&] {
                  Arena  a = {};
                  Status st = recipe_load(&a, TABLES, 1, &source);
                  arena_release(&a);
                  return st;
              }),
              0);
}

TEST_F(NoMemory, ARunFolderStaysWhole)
{
    const std::string run = path("run");
    auto              one_step_done = [&] {
        std::filesystem::remove_all(run);
        ASSERT_EQ(OK, live(run, 1)) << status_text();
    };
    EXPECT_GT(every_allocation_fails([&] { return live(run, 2); }, {}, one_step_done), 0);
}

TEST_F(BrokenDisk, AReplacedFileIsOldOrNewWhicheverCallFails)
{
    const std::string file = path("f");
    for (int reason : {ENOSPC, EIO, EDQUOT}) {
        auto old = [&] { put("f", "old"); };
        EXPECT_GT(every_file_call_fails(
                      FAULT_WRITES, reason, dir, ERR_IO, ERR_CREATE, old,
                      [&] {
                          Status st = file_write(file.c_str(), "new", 3);
                          EXPECT_TRUE(get("f") == "new" || (st != OK && get("f") == "old"))
                              << get("f");
                          EXPECT_EQ(count_files(), 1) << "no temporary file is left";
                          return st;
                      }),
                  3);
    }
}

TEST_F(BrokenDisk, AReadOnlyFolderIsNamed)
{
    faults_files(FAULT_WRITES, 1, 1, EROFS, dir.c_str());
    Status st = file_write(path("f").c_str(), "new", 3);
    EXPECT_TRUE(faults_end());
    EXPECT_EQ(st, ERR_CREATE);
    EXPECT_NE(nullptr, strstr(status_text(), path("f").c_str())) << status_text();
    EXPECT_EQ(count_files(), 0);
}

TEST_F(BrokenDisk, ReadingSaysWhichFileAndWhy)
{
    std::string file = put("f", "bytes");
    EXPECT_GT(every_file_call_fails(
                  FAULT_READS, EIO, file, ERR_IO, ERR_IO, [] {},
                  [&] {
                      Arena   a = {};
                      char   *bytes;
                      int64_t n;
                      Status  st = file_read(&a, &bytes, &n, file.c_str(), 100);
                      EXPECT_TRUE(st == OK || strstr(status_text(), file.c_str())) << status_text();
                      arena_release(&a);
                      return st;
                  }),
              0);
}

TEST_F(BrokenDisk, AnArchiveThatCannotBeReadIsNotCalledDamaged)
{
    put("a.txt", std::string(600000, 'a'));
    ASSERT_EQ(0, system(("cd " + dir + " && tar cf a.tar a.txt && gzip -k a.tar").c_str()));
    for (const char *name : {"a.tar", "a.tar.gz"}) {
        const std::string file = path(name);
        faults_files(FAULT_READS, 1, 1, EIO, file.c_str());
        EXPECT_EQ(ERR_IO, read_archive(file, 600000)) << status_text();
        EXPECT_TRUE(faults_end()) << name;
        EXPECT_NE(nullptr, strstr(status_text(), strerror(EIO))) << status_text();
    }
    faults_files(FAULT_READS, 2, 1, EIO, "a.tar");
    EXPECT_EQ(ERR_IO, read_archive(path("a.tar"), 600000)) << status_text();
    EXPECT_TRUE(faults_end());
}

/* The checkpoint before the fault always loads; run_save itself swallows the first two failures in a row. */
TEST_F(BrokenDisk, ARunFolderStaysResumableWhicheverCallFails)
{
    ASSERT_EQ(OK, live(path("run"), 1));
    int64_t last = 1;
    for (int64_t nth = 1; nth < 200; nth++) {
        faults_files(FAULT_WRITES, nth, 1, ENOSPC, dir.c_str());
        Status st = live(path("run"), nth + 1);
        bool   reached = faults_end();
        EXPECT_TRUE(st == OK || (reached && (st == ERR_IO || st == ERR_CREATE))) << status_text();
        SafeFile    f = {};
        int64_t     step;
        struct Run *run = nullptr;
        ASSERT_EQ(OK, run_open(&run, path("run").c_str(), nullptr)) << status_text();
        ASSERT_EQ(OK, run_resume(run, &f, &step)) << status_text();
        EXPECT_TRUE(step == last || step == nth + 1) << step;
        last = step;
        safetensors_close(&f);
        run_close(run);
        if (!reached) {
            EXPECT_GT(nth, 10);
            return;
        }
    }
    FAIL() << "the run does not end";
}
