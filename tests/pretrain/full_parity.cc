/* parity: torchvision loads our backbone and computes our features (tests/golden/pretrain/parity.py; skips without it) */
#include "pretrain/formula.h"
#include "pretrain/pictures.h"
extern "C" {
#include "pretrain/backbone.h"
#include "pretrain/embed.h"
}
#include <sys/wait.h>

namespace {

/* The first interpreter that has torchvision; the script says 77 where none has. */
int script(const std::string &arguments)
{
    int code = 77;
    for (const char *python : {"python3", "/usr/bin/python3"}) {
        std::string command = std::string(python) + " -B " + GODWIT_SOURCE_DIR +
                              "/tests/golden/pretrain/parity.py " + arguments;
        int status = std::system(command.c_str());
        code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        if (code != 77 && code != 127)
            return code;
    }
    return 77;
}

TEST(Parity, TorchvisionTakesOurBackboneAndComputesOurFeatures)
{
    const Backend *be = nullptr;
    TempDir        dir;
    ParamSet       ps;
    ResNet         net;
    ResNetConfig   c;
    BackboneInfo   info = {};
    const float    mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    std::memcpy(info.mean, mean, sizeof mean);
    std::memcpy(info.std, std, sizeof std);
    info.crop = 64;
    write_pictures(dir / "data", 2, 90);

    ASSERT_EQ(OK, backend_open(&be, "cpu", F32));
    ASSERT_EQ(OK, resnet_config(&c, "resnet50"));
    params_init(&ps, be, true);
    ASSERT_EQ(OK, resnet_register(&net, &ps, &c, "", HEAD_LINEAR, 128));
    ASSERT_EQ(OK, params_commit(&ps, F32, 0)) << status_text();
    formula_fill(&ps);
    std::string weights = dir / "backbone.safetensors", out = dir / "f.safetensors",
                data = dir / "data";
    ASSERT_EQ(OK, backbone_save(weights.c_str(), &ps, &net, &info, false)) << status_text();
    params_release(&ps);

    int64_t n = 0, width = 0;
    ASSERT_EQ(OK, embed_file(&n, &width, be, weights.c_str(), data.c_str(), out.c_str(),
                             EMBED_POOLED, F32, 0))
        << status_text();
    EXPECT_EQ(6, n);
    EXPECT_EQ(2048, width);
    int code = script(weights + " resnet50 " + out + " " + data + " 64");
    if (code == 77)
        GTEST_SKIP() << "no python with torchvision: parity was not checked";
    EXPECT_EQ(0, code);
}

} // namespace
