/* resnet_golden.h -- resnet against torchvision in double precision (tests/golden/pretrain/resnet.py): features, loss, gradients, statistics.
 *
 * Tolerances: float32 against double through up to 53 layers of batch norm. PyTorch's own float32 is 7e-6 (R50) off in the
 * gradients. Gradients get 1e-3, everything else 1e-4; the pictures are such that no ReLU flips (resnet.py). */
#pragma once
#include "pretrain/formula.h"
extern "C" {
#include "pretrain/supervised.h"
}

class ResNetGolden : public ::testing::Test {
  protected:
    Supervised     s = {};
    Tape           t = {};
    const Backend *be = nullptr;
    const char    *pictures = "images"; // the name that they are drawn from: see resnet.py

    void open(const char *arch)
    {
        ResNetConfig c;
        ASSERT_EQ(OK, backend_open(&be, "cpu", F32)) << status_text();
        ASSERT_EQ(OK, resnet_config(&c, arch));
        ASSERT_EQ(OK, supervised_init(&s, be, F32, &c, 10, 0)) << status_text();
        ASSERT_EQ(OK, tape_init(&t, be, F32));
        formula_fill(&s.params);
    }
    void TearDown() override
    {
        tape_release(&t);
        supervised_release(&s);
    }
    Tensor *images(int64_t n, int64_t side)
    {
        Floats  v = formula_images(pictures, n, side);
        int64_t dim[4] = {n, side, side, 3};
        return tape_input(&t, F32, 4, dim, v.data());
    }
    Floats features(int64_t n, int64_t side)
    {
        tape_reset(&t, 0);
        Tensor *f = resnet_features(&t, &s.net, images(n, side));
        EXPECT_EQ(OK, tape_status(&t)) << status_text();
        return device_values(be, f);
    }
    /* The forward pass of supervised_loss, with the features in sight. */
    void train(float *loss, int64_t n, int64_t side)
    {
        const int32_t label[4] = {3, 7, 0, 9};
        tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
        params_clear_grads(&s.params);
        Tensor *logits, *y = tape_input(&t, I32, 1, &n, label);
        Tensor *l = supervised_loss(&t, &s, &logits, images(n, side), y);
        ASSERT_EQ(OK, tape_backward(&t, l)) << status_text();
        ASSERT_EQ(OK, tape_read(&t, loss, l));
        ASSERT_EQ(OK, params_finish_grads(&s.params));
    }
    void check(const char *file, int64_t n, int64_t side, double rel)
    {
        Golden want(file);
        expect_sampled(want["eval"], features(n, side), 16, rel);
        float loss = 0;
        train(&loss, n, side);
        EXPECT_NEAR(want["loss"][0], loss, rel);
        for (int i = 0; i < s.params.n_params; i++) {
            const Param *p = s.params.param[i];
            std::string  name = p->spec.name;
            if (p->spec.kind != PARAM_BUFFER)
                want.expect("grad " + name, name, device_values(be, p->value.grad), 10 * rel);
            else if (name.find("bn1") != std::string::npos ||
                     name.find("downsample") != std::string::npos)
                want.expect("buffer " + name, name, device_values(be, &p->value), rel);
        }
        EXPECT_GT(want.count(), 120);
    }
};
