/* golden.h -- named lists of numbers from a JSON file under tests/golden */
#pragma once
#include <cjson/cJSON.h>
#include <cstdint>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

class Golden {
  public:
    explicit Golden(const std::string &path)
    {
        std::ifstream     f(std::string(GODWIT_SOURCE_DIR "/tests/golden/") + path);
        std::stringstream text;
        text << f.rdbuf();
        root = cJSON_Parse(text.str().c_str());
        EXPECT_NE(nullptr, root) << path;
    }
    ~Golden()
    {
        cJSON_Delete(root);
    }
    template <class T>
    std::vector<T> list(const char *name) const
    {
        const cJSON   *array = cJSON_GetObjectItemCaseSensitive(root, name), *item;
        std::vector<T> v;
        EXPECT_NE(nullptr, array) << name;
        cJSON_ArrayForEach(item, array) v.push_back((T)item->valuedouble);
        return v;
    }
    std::vector<float> floats(const char *name) const
    {
        return list<float>(name);
    }
    std::vector<int32_t> ints(const char *name) const
    {
        return list<int32_t>(name);
    }

  private:
    cJSON *root;
};
