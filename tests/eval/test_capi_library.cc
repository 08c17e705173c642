/* libgodwit.so as it is installed: its symbols, and both examples run */
#include "capi_set.h"

#include <string>
#include <sys/wait.h>

namespace {

struct Output {
    int         code;
    std::string text;
};

Output run(const std::string &command)
{
    Output o = {-1, ""};
    FILE  *p = popen((command + " 2>&1").c_str(), "r");
    char   buffer[4096];
    size_t n;
    while ((n = fread(buffer, 1, sizeof buffer, p)) > 0)
        o.text.append(buffer, n);
    int status = pclose(p);
    o.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return o;
}

} // namespace

TEST_F(CapiTest, OnlyGwNamesAreVisible)
{
    Output o = run("nm -D --defined-only '" GODWIT_LIBRARY "'");
    ASSERT_EQ(0, o.code) << o.text;
    int    seen = 0;
    size_t at = 0;
    while (at < o.text.size()) {
        size_t      end = o.text.find('\n', at);
        std::string line = o.text.substr(at, end - at);
        at = end + 1;
        std::string name = line.substr(line.rfind(' ') + 1);
        EXPECT_EQ(0u, name.find("gw_")) << line;
        seen++;
    }
    EXPECT_GE(seen, 25);
}

TEST_F(CapiTest, TheExampleInCRuns)
{
    Output o = run("'" GODWIT_EXAMPLE "'");
    EXPECT_EQ(0, o.code) << o.text;
    EXPECT_NE(std::string::npos, o.text.find("areas 16 and 36, IoU 0.083333, runs \"04600000l1\""))
        << o.text;
    EXPECT_NE(std::string::npos, o.text.find("Average Precision"));
}

TEST_F(CapiTest, TheExampleInPythonRuns)
{
    std::string python;
    for (std::string p : {"python3", "/usr/bin/python3"})
        if (python.empty() && run(p + " -c 'import numpy'").code == 0)
            python = p;
    if (python.empty())
        GTEST_SKIP() << "no python3 with numpy here";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitized library cannot be loaded into a plain python3";
#endif
    Output o = run("GODWIT_LIBRARY='" GODWIT_LIBRARY "' " + python +
                   " '" GODWIT_SOURCE_DIR "/examples/eval_arrays.py'");
    EXPECT_EQ(0, o.code) << o.text;
    EXPECT_NE(std::string::npos, o.text.find("refused as it should be")) << o.text;
}
