/* run_program.h -- runs the built godwit as a user would and keeps what it said */
#pragma once
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

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

/* `words` are shell words: quote what needs it. before: what the shell does first, "ulimit -n 9;". */
inline Ran godwit(const std::string &words, const std::string &before = "")
{
    TempDir     dir;
    std::string command = before + " " GODWIT_PROGRAM " " + words + " >" + (dir / "out") + " 2>" +
                          (dir / "err") + " </dev/null";
    int status = std::system(command.c_str());
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return {code, slurp(dir / "out"), slurp(dir / "err")};
}

/* The same, ended by SIGKILL as soon as `file` is there. false when it ended by itself. */
inline bool godwit_killed_at(const std::string &words, const std::string &file)
{
    pid_t pid = fork();
    if (pid == 0) {
        std::string command = "exec " GODWIT_PROGRAM " " + words + " >/dev/null 2>&1";
        execl("/bin/sh", "sh", "-c", command.c_str(), (char *)nullptr);
        _exit(99);
    }
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (std::filesystem::exists(file))
            kill(pid, SIGKILL);
        usleep(2000);
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* The losses in a run's metrics, line by line. */
inline std::vector<double> losses_of(const std::string &run)
{
    std::vector<double> found;
    std::string         text = slurp(run + "/metrics.jsonl");
    const std::string   key = "\"loss\":";
    for (size_t at = 0; (at = text.find(key, at)) != std::string::npos; at += key.size())
        found.push_back(std::stod(text.substr(at + key.size())));
    return found;
}
