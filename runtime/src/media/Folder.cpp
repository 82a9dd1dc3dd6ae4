// A folder of pictures as a video.
#include "base/Files.h"
#include "base/Text.h"
#include "media/Decode.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <vector>

namespace gemmac::runtime {

namespace {
constexpr const char *kind = "folder of pictures";

class FolderVideo final : public Video {
public:
  FolderVideo(std::string path, std::string_view name, const MediaLimits &limits, double rate)
      : path(std::move(path)), name(name), limits(limits), rate(rate > 0 ? rate : 1) {}

  Status open();

protected:
  Status read(uint64_t index, Picture &picture, bool &ended) override;
  double beginOf(uint64_t index) const override { return static_cast<double>(index) / rate; }

private:
  const std::string path, name;
  const MediaLimits limits;
  const double rate;
  std::vector<std::string> files;
  uint32_t width = 0, height = 0; // of the first that was read
  std::string first;
};
} // namespace

static bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Takes a run of digits, without the zeros that it begins with.
static std::string_view takeNumber(std::string_view &rest) {
  size_t end = 0;
  while (end < rest.size() && isDigit(rest[end]))
    ++end;
  std::string_view number = rest.substr(0, end);
  rest.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

/// By bytes, but numbers by their value: 9.png before 10.png.
static bool comesBefore(const std::string &one, const std::string &other) {
  std::string_view a = one, b = other;
  while (!a.empty() && !b.empty()) {
    if (isDigit(a[0]) && isDigit(b[0])) {
      const std::string_view x = takeNumber(a), y = takeNumber(b);
      if (x.size() != y.size() || x != y)
        return x.size() != y.size() ? x.size() < y.size() : x < y;
      continue;
    }
    if (a[0] != b[0])
      return static_cast<uint8_t>(a[0]) < static_cast<uint8_t>(b[0]);
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() && b.empty() ? one < other : a.empty();
}

static bool isPictureName(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (name.starts_with('.') || dot == name.npos)
    return false;
  std::string ending(name.substr(dot + 1));
  for (char &c : ending)
    c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return ending == "jpg" || ending == "jpeg" || ending == "png" || ending == "webp" || ending == "gif";
}

Status FolderVideo::open() {
  DIR *folder = ::opendir(path.c_str());
  if (!folder)
    return {ExitCode::inputOutput, format("cannot open '%s': %s", path.c_str(), strerror(errno))};
  while (const dirent *entry = ::readdir(folder))
    if (isPictureName(entry->d_name) && files.size() <= limits.videoFrames)
      files.emplace_back(entry->d_name);
  ::closedir(folder);
  if (files.empty())
    return refuseVideo(name, kind, "no file in it ends in .jpg, .jpeg, .png, .webp or .gif");
  std::sort(files.begin(), files.end(), comesBefore);
  frameCount = files.size();
  length = static_cast<double>(frameCount) / rate;
  return checkVideo(name, kind, limits, frameCount, limits.videoFrames, length);
}

Status FolderVideo::read(uint64_t index, Picture &picture, bool &) {
  Input input;
  std::string bytes;
  if (Status status = input.open(path + "/" + files[index]); !status.ok())
    return status;
  if (Status status = input.rest(bytes, limits.bytes); !status.ok())
    return status;
  if (Status status = decodePicture(bytes, input.name(), limits, picture); !status.ok())
    return status;
  if (width == 0) {
    width = picture.width;
    height = picture.height;
    first = files[index];
  }
  if (picture.width != width || picture.height != height)
    return refuseVideo(name, kind,
                       format("'%s' has %u x %u pixels, but '%s' has %u x %u, and all frames of a video have one size",
                              files[index].c_str(), picture.width, picture.height, first.c_str(), width, height));
  return {};
}

Status openFolderVideo(const std::string &path, std::string_view name, const MediaLimits &limits, double rate,
                       std::unique_ptr<Video> &video) {
  auto folder = std::make_unique<FolderVideo>(path, name, limits, rate);
  if (Status status = folder->open(); !status.ok())
    return status;
  video = std::move(folder);
  return {};
}

} // namespace gemmac::runtime
