extern "C" {
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/recipe.h"
}
#include "base/scratch.h"
#include <clocale>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

struct Log : ScratchTest {
    void SetUp() override
    {
        ScratchTest::SetUp();
        log_set_fd(open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
    }
    void TearDown() override
    {
        close(log_fd());
        log_set_fd(2);
        log_set_level(LOG_INFO);
        ScratchTest::TearDown();
    }
};

TEST_F(Log, LevelsDecideWhatIsWritten)
{
    int64_t before = log_warnings();
    log_info("one %d", 1);
    log_debug("hidden");
    log_set_level(LOG_QUIET);
    log_info("hidden");
    log_warn("bad %s", "x\n\x1b[2Jy");
    log_error("worse");
    EXPECT_EQ(get("log"), "one 1\nwarning: bad x\n\\x1b[2Jy\nerror: worse\n");
    EXPECT_EQ(log_warnings(), before + 1);
    log_set_level(LOG_DEBUG);
    log_debug("seen");
    EXPECT_NE(get("log").find(" seen\n"), std::string::npos);
}

TEST_F(Log, ManyWarningsOfOneKindAreCountedNotPrinted)
{
    int64_t count = 0, before = log_warnings();
    for (int i = 0; i < 100; i++)
        log_warn_some(&count, 3, "w");
    EXPECT_EQ(count, 100);
    EXPECT_EQ(log_warnings(), before + 100);
    EXPECT_EQ(get("log"), "warning: w\nwarning: w\nwarning: w\n");
}

TEST_F(Log, LinesOfManyThreadsStayWhole)
{
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([t] {
            for (int i = 0; i < 200; i++)
                log_info("thread %d says a line", t);
        });
    for (auto &t : threads)
        t.join();
    std::stringstream in(get("log"));
    std::string       line;
    int               n = 0;
    for (; std::getline(in, line); n++)
        EXPECT_TRUE(line.size() == 20 && line.substr(8) == " says a line") << line;
    EXPECT_EQ(n, 800);
}

TEST_F(Log, AClosedOutputDoesNoHarm)
{
    int pipes[2], old = log_fd();
    signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(0, pipe(pipes));
    close(pipes[0]);
    log_set_fd(pipes[1]);
    log_info("nobody listens");
    log_set_fd(1000);
    log_info("no such descriptor");
    log_set_fd(old);
    close(pipes[1]);
}

TEST_F(Log, ProgressWithoutATerminalIsPlainAndRare)
{
    Progress p;
    progress_begin(&p, "pretrain", 1000, 0);
    for (int i = 0; i <= 1000; i++)
        progress_update(&p, i, "loss 6.4");
    progress_end(&p, "loss 6.4");
    std::string s = get("log");
    EXPECT_EQ(std::count(s.begin(), s.end(), '\n'), 1) << s;
    EXPECT_EQ(s.find('\r'), std::string::npos);
    EXPECT_EQ(s.rfind("pretrain  1000/1000  100%  loss 6.4  eta ", 0), 0u) << s;
}

TEST(Progress, FitsAnyWidth)
{
    Progress p;
    progress_begin(&p, "pretrain", 90000, 0);
    p.done = 1200;
    p.rate = 2;
    p.is_terminal = true;
    for (int columns = 1; columns < 200; columns++) {
        char line[256];
        progress_line(&p, "loss caf\xC3\xA9 6.42", line, sizeof line, columns);
        EXPECT_LT((int)strlen(line), columns);
        EXPECT_TRUE(utf8_check(line, (int64_t)strlen(line), nullptr));
    }
    char line[256];
    progress_line(&p, "loss 6.42", line, sizeof line, 100);
    EXPECT_STREQ(line, "pretrain  1200/90000 [--------------------]  loss 6.42  eta 12:20:00");
    progress_line(&p, "loss 6.42", line, sizeof line, 24);
    EXPECT_STREQ(line, "1200/90000  eta 12:20:0"); // 23 of 24 columns
    EXPECT_EQ(progress_eta(&p), 44400);
}

TEST(Clock, DurationsAreShort)
{
    char out[CLOCK_CHARS];
    EXPECT_STREQ(clock_duration(out, 7), "0:07");
    EXPECT_STREQ(clock_duration(out, 18842), "5:14:02");
    EXPECT_STREQ(clock_duration(out, 3 * 86400 + 18842), "3d 05:14:02");
    EXPECT_STREQ(clock_duration(out, NAN), "--:--");
    EXPECT_STREQ(clock_duration(out, -1), "--:--");
    EXPECT_STREQ(clock_duration(out, 1e300), "--:--");
    clock_stamp(out, 1772373909);
    EXPECT_STREQ(out, "2026-03-01T14:05:09Z");
    double before = clock_seconds();
    clock_sleep(0.01);
    EXPECT_GE(clock_seconds() - before, 0.01);
}

TEST(Memory, ThePeakIsAtLeastWhatIsResident)
{
    EXPECT_GT(memory_rss(), 1 << 20);
    EXPECT_GE(memory_peak_rss(), memory_rss() / 2);
    EXPECT_GT(memory_available(), 0);
}

/* With a decimal comma (de_DE) numbers must be written and read as in C. The locale is made where it is missing. */
TEST_F(Log, NumbersDoNotFollowTheLocale)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
        setenv("LOCPATH", dir.c_str(), 1);
        std::string make =
            "localedef -i de_DE -f UTF-8 " + path("de_DE.UTF-8") + " >/dev/null 2>&1";
        if (system(make.c_str()) != 0 || !setlocale(LC_ALL, "de_DE.UTF-8")) {
            unsetenv("LOCPATH");
            GTEST_SKIP() << "the locale de_DE.UTF-8 is not there and cannot be made";
        }
    }
    char   s[NUMBER_CHARS], plain[32];
    double d = 0;
    snprintf(plain, sizeof plain, "%.1f", 0.5);
    EXPECT_STREQ(plain, "0,5"); // the locale is really on
    number_print(s, 0.123456789012345678);
    EXPECT_STREQ(s, "0.12345678901234568");
    EXPECT_TRUE(number_parse_double(&d, "0.12345678901234568e-300", 24));
    EXPECT_EQ(d, 0.12345678901234568e-300);
    EXPECT_FALSE(number_parse_double(&d, "0,5", 3));
    log_info("%.2f", 0.25);
    EXPECT_EQ(get("log"), "0.25\n");
    struct {
        double lr;
    } config;
    const RecipeKey keys[] = {
        {"lr", RECIPE_IS_FLOAT, 0, "0.0123456789012345678", 0, 1, nullptr, ""}};
    RecipeTable table = {"", keys, 1, &config};
    Arena       arena = {};
    EXPECT_EQ(OK, recipe_load(&arena, &table, 1, nullptr)) << status_text();
    EXPECT_EQ(config.lr, 0.0123456789012345678);
    arena_release(&arena);
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
}
