#include "engine/Processors.h"

#include "base/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sched.h>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace gemmac::runtime {

static constexpr double unlimited = std::numeric_limits<double>::infinity();

int64_t availableCpus() {
  constexpr int limit = 8192;
  cpu_set_t set[limit / CPU_SETSIZE];
  if (sched_getaffinity(0, sizeof(set), set) == 0)
    return CPU_COUNT_S(sizeof(set), set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? online : 1;
}

/// The whole file; empty when it cannot be read. Files of /proc have no size beforehand.
static std::string readAll(const std::string &path) {
  std::string text;
  if (std::FILE *file = std::fopen(path.c_str(), "re")) {
    char block[4096];
    for (size_t got; (got = std::fread(block, 1, sizeof block, file)) > 0 && text.size() < (size_t(16) << 20);)
      text.append(block, got);
    std::fclose(file);
  }
  return text;
}

static std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

static bool contains(const std::vector<std::string_view> &list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

/// mountinfo spells spaces, tabs, newlines and backslashes as \040 and so on.
static std::string unescape(std::string_view text) {
  auto isOctal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '\\' && i + 3 < text.size() && isOctal(text[i + 1]) && isOctal(text[i + 2]) && isOctal(text[i + 3]);
    plain +=
        escaped ? static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')) : text[i];
    i += escaped ? 3 : 0;
  }
  return plain;
}

namespace {
struct Groups {
  std::string unified, cpu; ///< this process's group in version 2, and in the hierarchy of version 1 that limits CPUs
};
struct Mount {
  std::string root, point; ///< which group is mounted, and where
  bool unified;
};
} // namespace

static Groups readGroups(const std::string &root) {
  Groups groups;
  const std::string text = readAll(root + "/proc/self/cgroup");
  for (std::string_view line : split(text, '\n')) { // hierarchy:controllers:path
    const size_t first = line.find(':'), second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos)
      continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty() && line.substr(0, first) == "0")
      groups.unified = line.substr(second + 1);
    else if (contains(split(controllers, ','), "cpu"))
      groups.cpu = line.substr(second + 1);
  }
  return groups;
}

static std::vector<Mount> readMounts(const std::string &root) {
  std::vector<Mount> mounts;
  const std::string text = readAll(root + "/proc/self/mountinfo");
  for (std::string_view line : split(text, '\n')) {
    // id parent device root point options [optional ...] - type source options
    const std::vector<std::string_view> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.end() - dash < 4 || dash - fields.begin() < 6)
      continue;
    const bool unified = dash[1] == "cgroup2";
    if (unified || (dash[1] == "cgroup" && contains(split(dash[3], ','), "cpu")))
      mounts.push_back({unescape(fields[3]), unescape(fields[4]), unified});
  }
  return mounts;
}

/// Where a group lies below a mount's root; empty when it lies elsewhere, as in a namespace that hides it: then the
/// mounted group is the nearest one that can be seen.
static std::string below(const std::string &group, const std::string &mountRoot) {
  const std::string prefix = mountRoot == "/" ? "" : mountRoot;
  const bool inside = group.starts_with(prefix) && (group.size() == prefix.size() || group[prefix.size()] == '/');
  std::string rest = inside ? group.substr(prefix.size()) : "";
  if (("/" + rest + "/").find("/../") != std::string::npos)
    return "";
  while (!rest.empty() && rest.back() == '/')
    rest.pop_back();
  return rest;
}

/// The number that `text` begins with, taken off it; NaN when there is none.
static double takeNumber(const char *&text) {
  char *end = nullptr;
  const double number = std::strtod(text, &end);
  if (end == text)
    return std::nan("");
  text = end;
  return number;
}

static double ratio(double quota, double period) { return quota > 0 && period > 0 ? quota / period : unlimited; }

/// The limit of one group. A group without one, such as the root, lacks the file or says "max" (version 1: -1).
static double limitOf(const std::string &folder, bool unified) {
  const std::string text = readAll(folder + (unified ? "/cpu.max" : "/cpu.cfs_quota_us"));
  const char *rest = text.c_str();
  const double quota = takeNumber(rest);
  if (unified)
    return ratio(quota, takeNumber(rest));
  const std::string periodText = readAll(folder + "/cpu.cfs_period_us");
  rest = periodText.c_str();
  return ratio(quota, takeNumber(rest));
}

double cpuQuota(const std::string &root) {
  const Groups groups = readGroups(root);
  double least = unlimited;
  for (const Mount &mount : readMounts(root)) {
    std::string path = below(mount.unified ? groups.unified : groups.cpu, mount.root);
    for (;;) {
      least = std::min(least, limitOf(root + mount.point + path, mount.unified));
      if (path.empty())
        break;
      path.resize(path.rfind('/'));
    }
  }
  return least;
}

int64_t threadsWithin(double quota, int64_t processors) {
  if (!(quota < static_cast<double>(processors)))
    return processors;
  return std::max<int64_t>(1, static_cast<int64_t>(quota + 0.5));
}

Processors findProcessors() {
  Processors found;
  found.allowed = availableCpus();
  found.quota = cpuQuota();
  found.usable = threadsWithin(found.quota, found.allowed);
  return found;
}

std::string Processors::describe() const {
  std::string text = format("%lld processor%s", static_cast<long long>(allowed), allowed == 1 ? "" : "s");
  return quota < static_cast<double>(allowed) ? text + format(", time for %.3g", quota) : text;
}

} // namespace gemmac::runtime
