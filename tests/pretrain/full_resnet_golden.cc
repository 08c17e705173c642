/* resnet50 and resnext50_32x8d against torchvision */
#include "pretrain/resnet_golden.h"

namespace {

TEST_F(ResNetGolden, ResNet50AgreesWithTorchvision)
{
    open("resnet50");
    check("resnet50.txt", 4, 48, 1e-4);
}

TEST_F(ResNetGolden, ResNeXt50AgreesWithTorchvision)
{
    pictures = "imagesA";
    open("resnext50_32x8d");
    check("resnext50_32x8d.txt", 4, 48, 1e-4);
}

} // namespace
