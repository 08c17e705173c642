/* run_program.h -- runs the built godwit as a user would and keeps what it said */
#pragma once
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

struct Ran {
    int         code; // exit code, or -signal
    std::string out, err;
};

/* A fresh folder that is removed at the end of the test. */
class TempDir {
  public:
    TempDir()
    {
        char name[] = "/tmp/godwit-test-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~TempDir()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string &name) const
    {
        return path_ + "/" + name;
    }

  private:
    std::string path_;
};

inline std::string slurp(const std::string &path)
{
    std::ifstream     f(path, std::ios::binary);
    std::stringstream s;
    s << f.rdbuf();
    return s.str();
}

/* `words` are shell words: quote what needs it. */
inline Ran godwit(const std::string &words)
{
    TempDir     dir;
    std::string command = std::string(GODWIT_PROGRAM) + " " + words + " >" + (dir / "out") + " 2>" +
                          (dir / "err") + " </dev/null";
    int status = std::system(command.c_str());
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return {code, slurp(dir / "out"), slurp(dir / "err")};
}
