// CPU limits, read from file trees that look like those of containers.
#include "engine/Processors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace gemmac::runtime;
namespace fs = std::filesystem;

namespace {
/// A root folder with files of /proc and /sys, removed in the end.
class Root {
public:
  Root() : path(testing::TempDir() + "gemmac-processors-test-" + std::to_string(getpid())) { fs::remove_all(path); }
  ~Root() { fs::remove_all(path); }
  Root &write(const std::string &name, const std::string &text) {
    fs::create_directories(fs::path(path + name).parent_path());
    std::ofstream(path + name) << text;
    return *this;
  }
  double quota() const { return cpuQuota(path); }

private:
  std::string path;
};
} // namespace

static const std::string version2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
static const std::string version1 =
    "25 30 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"
    "33 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 25 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

TEST(CpuQuota, NothingIsKnownWithoutProc) { EXPECT_TRUE(std::isinf(Root().quota())); }

TEST(CpuQuota, Version2TakesTheLeastUpToTheRoot) {
  Root root;
  root.write("/proc/self/mountinfo", version2).write("/proc/self/cgroup", "0::/a.slice/b.scope\n");
  EXPECT_TRUE(std::isinf(root.quota()));
  root.write("/sys/fs/cgroup/a.slice/b.scope/cpu.max", "max 100000\n");
  EXPECT_TRUE(std::isinf(root.quota()));
  root.write("/sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 1.5);
  root.write("/sys/fs/cgroup/a.slice/b.scope/cpu.max", "400000 100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 1.5);
  root.write("/sys/fs/cgroup/a.slice/b.scope/cpu.max", "20000 40000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 0.5);
  root.write("/sys/fs/cgroup/cpu.max", "10000 100000\n"); // a namespace's root has the file
  EXPECT_DOUBLE_EQ(root.quota(), 0.1);
  root.write("/sys/fs/cgroup/cpu.max", "nonsense").write("/sys/fs/cgroup/a.slice/cpu.max", "");
  EXPECT_DOUBLE_EQ(root.quota(), 0.5);
}

TEST(CpuQuota, Version1) {
  Root root;
  root.write("/proc/self/mountinfo", version1)
      .write("/proc/self/cgroup", "9:cpuset:/elsewhere\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n")
      .write("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n")
      .write("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(std::isinf(root.quota()));
  root.write("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "250000\n")
      .write("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 2.5);
  root.write("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 1);
}

// Without a namespace of its own a container sees its full path, and its group mounted alone.
TEST(CpuQuota, MountedPartOfTheTree) {
  Root root;
  root.write("/proc/self/mountinfo", "33 25 0:30 /docker/x /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")
      .write("/proc/self/cgroup", "4:cpu:/docker/x/inner\n")
      .write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n")
      .write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 3);
  root.write("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "50000\n")
      .write("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 0.5);
  // Not below: /docker/xy is another group. Nor what lies above a namespace's root.
  for (const char *elsewhere : {"4:cpu:/docker/xy\n", "4:cpu:/../other/inner\n", "4:cpu:/\n"})
    EXPECT_DOUBLE_EQ(root.write("/proc/self/cgroup", elsewhere).quota(), 3) << elsewhere;
}

TEST(CpuQuota, BothVersionsAndSpacesInPaths) {
  Root root;
  root.write("/proc/self/mountinfo", "30 23 0:26 / /sys/my\\040groups rw - cgroup2 none rw\n" + version1)
      .write("/proc/self/cgroup", "4:cpu:/\n0::/one\n")
      .write("/sys/my groups/one/cpu.max", "200000 100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 2);
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "70000\n")
      .write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(root.quota(), 0.7);
}

TEST(CpuQuota, BrokenFilesLimitNothing) {
  for (const char *text : {"", "\n", "30 23", "a b c d e f g h - cgroup2", "- - - - - - - - -", ":::\n0::\n"})
    EXPECT_TRUE(std::isinf(Root().write("/proc/self/mountinfo", text).write("/proc/self/cgroup", text).quota()));
}

TEST(Processors, ThreadsWithinAQuota) {
  EXPECT_EQ(threadsWithin(INFINITY, 8), 8);
  EXPECT_EQ(threadsWithin(8, 8), 8);
  EXPECT_EQ(threadsWithin(16, 8), 8);
  EXPECT_EQ(threadsWithin(3, 8), 3);
  EXPECT_EQ(threadsWithin(1.5, 8), 2);
  EXPECT_EQ(threadsWithin(1.4, 8), 1);
  EXPECT_EQ(threadsWithin(0.1, 8), 1);
  EXPECT_EQ(threadsWithin(7.9, 8), 8);
  EXPECT_EQ(threadsWithin(0, 1), 1);
}

TEST(Processors, AreFoundAndDescribed) {
  const Processors here = findProcessors();
  EXPECT_GE(here.allowed, 1);
  EXPECT_GE(here.usable, 1);
  EXPECT_LE(here.usable, here.allowed);
  EXPECT_EQ((Processors{1, INFINITY, 1}.describe()), "1 processor");
  EXPECT_EQ((Processors{4, 1.5, 2}.describe()), "4 processors, time for 1.5");
}
