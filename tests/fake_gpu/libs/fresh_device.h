/* fresh_device.h -- a backend on fake libraries that has chosen nothing yet, as that of a process which begins
 *
 * What lib_*.c have learned lies in static variables: each device here is a copy of the plug-in, loaded on its own. It stays
 * loaded until the program ends; the pages of its memory are given back.
 */
#pragma once
#include "device_under_test.h"
#include "fake_gpu/libs/fake_libs.h"
#include "fake_gpu/libs/left_over.h"
extern "C" {
#include "base/log.h"
#include "kernels/plugin.h"
}
#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

class FreshDevice {
  public:
    FakeLibs      *fake = nullptr;
    const Backend *be = nullptr;
    Status         opened = OK;
    std::string    path; // of the plug-in, which is loaded from there and then removed

    explicit FreshDevice(const std::function<void(FakeLibs *)> &before = nullptr,
                         bool                                   waits = false)
    {
        static int  n;
        std::string copy = ::testing::TempDir() + "godwit_fakelibs_" + std::to_string(getpid()) +
                           "_" + std::to_string(n++) + ".so";
        std::filesystem::copy_file(GODWIT_TEST_PLUGIN, copy);
        library = dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
        std::filesystem::remove(copy);
        path = copy;
        if (!library) {
            ADD_FAILURE() << dlerror();
            abort();
        }
        fake = call<FakeLibs *(void)>("fake_libs")();
        if (before)
            before(fake);
        opened = open(F32, waits);
        free_bytes = opened == OK ? n_free() : 0;
    }
    /* As backend_open does, once more for another run. */
    Status open(DType dtype, bool waits = false)
    {
        PluginHost host = {(int64_t)sizeof(Backend), status_buffer(), log_line, waits, dtype};
        return call<PluginOpen>(PLUGIN_OPEN)(&be, &host);
    }
    FreshDevice(const FreshDevice &) = delete;
    ~FreshDevice()
    {
        char *begin, *end;
        if (opened == OK && !may_break) {
            expect_nothing_left_over(fake);
            EXPECT_EQ(free_bytes, n_free()) << "device memory was not given back";
        }
        call<void(char **, char **)>("fake_gpu_arena")(&begin, &end);
        (void)madvise(begin, (size_t)(end - begin), MADV_DONTNEED);
    }

    /* A function that the plug-in exports. */
    template <typename F>
    F *call(const char *name)
    {
        F *f = nullptr;
        *(void **)&f = dlsym(library, name);
        EXPECT_NE(nullptr, (void *)f) << name;
        return f;
    }
    /* For tests that break rules: nothing is expected in the end. */
    void allow_misuse()
    {
        may_break = true;
    }

    /* How often an engine's plans were run; those of all engines. */
    long n_runs(int engine) const
    {
        return std::count_if(fake->runs.begin(), fake->runs.end(),
                             [=](const FakeRun &r) { return r.engine == engine; });
    }
    long n_runs() const
    {
        return (long)fake->runs.size();
    }
    int last_engine() const
    {
        return fake->runs.empty() ? -1 : fake->runs.back().engine;
    }

  private:
    void   *library = nullptr;
    int64_t free_bytes;
    bool    may_break = false;

    int64_t n_free()
    {
        DeviceFacts facts = {};
        EXPECT_EQ(OK, be->sync());
        EXPECT_EQ(OK, be->describe(&facts));
        return facts.free_bytes;
    }
};

/* ---- engines ---- */

using Engines = std::vector<FakeEngine>;

inline FakeEngine takes(float ms)
{
    FakeEngine e;
    e.ms = ms;
    return e;
}
inline FakeEngine noted(int note, FakeEngine e)
{
    e.numerical.push_back(note);
    return e;
}
inline FakeEngine compiled(FakeEngine e)
{
    e.behavior.push_back(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
    return e;
}
inline FakeEngine needs(int64_t bytes, FakeEngine e)
{
    e.workspace = bytes;
    return e;
}
inline FakeEngine cannot_plan(FakeEngine e)
{
    e.cannot_plan = true;
    return e;
}
inline FakeEngine cannot_run(FakeEngine e)
{
    e.cannot_run = true;
    return e;
}

/* The same for every convolution, by mode. */
inline std::function<Engines(const FakeConv &, int)> offer(const Engines &a,
                                                           const Engines &fallback = {})
{
    return [=](const FakeConv &, int mode) { return mode == 0 ? a : fallback; };
}

/* A folder for files of plans that is gone after the test; by default no file is kept. */
class OnFakeLibs : public ::testing::Test {
  protected:
    std::string folder = ::testing::TempDir() + "godwit_fakelibs_" + std::to_string(getpid());

    void SetUp() override
    {
        std::filesystem::create_directory(folder);
        setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
        unsetenv("GODWIT_TF32");
        unsetenv("GODWIT_PLANS");
    }
    void TearDown() override
    {
        std::filesystem::remove_all(folder);
    }
    void keep_plans()
    {
        setenv("XDG_CACHE_HOME", folder.c_str(), 1);
    }
};
