// voc_folder.h -- a VOC folder made on the spot
#pragma once
#include "data_test.h"
extern "C" {
#include "datasets/detection.h"
}

inline std::string object(const std::string &name, double x1, double y1, double x2, double y2,
                          int difficult = 0)
{
    char text[512];
    snprintf(text, sizeof text,
             "<object><name>%s</name><difficult>%d</difficult><bndbox><xmin>%g</xmin><ymin>%g"
             "</ymin><xmax>%g</xmax><ymax>%g</ymax></bndbox></object>\n",
             name.c_str(), difficult, x1, y1, x2, y2);
    return text;
}

struct VocFolder {
    TempDir     dir;
    std::string root, list;
    explicit VocFolder(const char *year = "VOC2007") : root(dir.path + "/" + year)
    {
    }
    /* Sides as annotated; the picture has them unless others are given. */
    void add(const std::string &id, int w, int h, const std::string &objects, int real_w = 0,
             int real_h = 0)
    {
        Picture p(real_w ? real_w : w, real_h ? real_h : h);
        spill(root + "/JPEGImages/" + id + ".jpg", encoded(p.im));
        char size[128];
        snprintf(size, sizeof size,
                 "<annotation>\n<size><width>%d</width><height>%d</height></size>\n", w, h);
        spill(root + "/Annotations/" + id + ".xml", size + objects + "</annotation>\n");
        list += id + "\n";
        spill(root + "/ImageSets/Main/train.txt", list);
    }
    Status load(DetSet *set, const char *split = "train")
    {
        return voc_load(set, nullptr, root.c_str(), split);
    }
};
