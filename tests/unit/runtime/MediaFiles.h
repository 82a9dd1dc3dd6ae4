// Files of tests/data/media with what is in them, for tests of the decoders.
#ifndef GEMMAC_TESTS_UNIT_RUNTIME_MEDIAFILES_H
#define GEMMAC_TESTS_UNIT_RUNTIME_MEDIAFILES_H

#include "base/Files.h"
#include "media/Decode.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gemmac::runtime {

inline std::string mediaFile(const std::string &name) {
  std::string bytes;
  EXPECT_TRUE(readFile(std::string(GEMMAC_MEDIA_FILES) + "/" + name, bytes).ok()) << name;
  return bytes;
}

/// Names of the files that have one with `suffix` beside them, sorted.
inline std::vector<std::string> mediaFilesWith(const std::string &suffix) {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(GEMMAC_MEDIA_FILES)) {
    std::string name = entry.path().filename().string();
    if (name.ends_with(suffix))
      names.push_back(name.substr(0, name.size() - suffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// What a test runs for each file, as a part of its name.
inline std::string testName(const testing::TestParamInfo<std::string> &info) {
  std::string name = info.param;
  for (char &c : name)
    c = isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

} // namespace gemmac::runtime

#endif // GEMMAC_TESTS_UNIT_RUNTIME_MEDIAFILES_H
