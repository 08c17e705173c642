/* resnet18 against torchvision */
#include "pretrain/resnet_golden.h"

namespace {

TEST_F(ResNetGolden, ResNet18AgreesWithTorchvision)
{
    open("resnet18");
    check("resnet18.txt", 4, 48, 1e-4);
}

} // namespace
