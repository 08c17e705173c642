/* scratch.h -- a folder of its own for each test, removed afterwards */
#pragma once
#include <gtest/gtest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

struct ScratchTest : testing::Test {
    std::string dir;

    void SetUp() override
    {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "godwit-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        dir = pattern;
    }
    void TearDown() override
    {
        std::error_code ignored;
        std::filesystem::remove_all(dir, ignored);
    }
    std::string path(const std::string &name) const
    {
        return dir + "/" + name;
    }
    std::string put(const std::string &name, const std::string &bytes) const
    {
        std::ofstream(path(name), std::ios::binary) << bytes;
        return path(name);
    }
    std::string get(const std::string &name) const
    {
        std::ifstream     in(path(name), std::ios::binary);
        std::stringstream all;
        all << in.rdbuf();
        return all.str();
    }
    int count_files() const
    {
        int n = 0;
        for (auto &e : std::filesystem::recursive_directory_iterator(dir))
            n += e.is_regular_file();
        return n;
    }
};
