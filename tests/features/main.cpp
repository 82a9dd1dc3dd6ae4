// features LEVEL patches|frame|mel|resample|sizes IN ... OUT [times]: see README.md. Raw numbers in and out.
#include "features/Image.h"
#include "features/Mel.h"
#include "features/Resample.h"

#include "base/Clock.h"
#include "engine/Cpu.h"
#include "gemmac/program.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
struct Driver {
  FeatureRunner runner;
  std::vector<std::string> arguments; ///< behind the name of the front end
  size_t outAt = 0;                   ///< which argument names the result
};
} // namespace

[[noreturn]] static void fail(const std::string &message) {
  fprintf(stderr, "features: error: %s\n", message.c_str());
  exit(1);
}

template <typename T> static std::vector<T> read(const std::string &path) {
  FILE *file = fopen(path.c_str(), "rb");
  if (!file)
    fail("cannot open " + path);
  fseek(file, 0, SEEK_END);
  std::vector<T> values(static_cast<size_t>(ftell(file)) / sizeof(T));
  rewind(file);
  if (fread(values.data(), sizeof(T), values.size(), file) != values.size())
    fail("cannot read " + path);
  fclose(file);
  return values;
}

/// Runs the front end, as often as the last argument says, and writes what it gave.
template <typename T>
static void finish(const Driver &driver, const std::vector<T> &out, const std::function<Status()> &run) {
  const bool timed = driver.arguments.size() > driver.outAt + 1;
  double best = 1e9;
  for (int i = timed ? atoi(driver.arguments.back().c_str()) : 1; i > 0; --i) {
    const double begin = monotonicSeconds();
    if (Status status = run(); !status.ok())
      fail(status.message());
    best = std::min(best, monotonicSeconds() - begin);
  }
  if (timed)
    printf("%.6f\n", best);
  FILE *file = fopen(driver.arguments[driver.outAt].c_str(), "wb");
  if (!file || fwrite(out.data(), sizeof(T), out.size(), file) != out.size() || fclose(file) != 0)
    fail("cannot write " + driver.arguments[driver.outAt]);
}

static int64_t number(const Driver &driver, size_t at) { return atoll(driver.arguments[at].c_str()); }

/// IN HEIGHT WIDTH BUDGET PATCH POOL OUT
static void image(Driver driver, bool frame) {
  const std::vector<uint8_t> pixels = read<uint8_t>(driver.arguments[0]);
  const ImageSize from{number(driver, 1), number(driver, 2)};
  ImageSize size;
  const PatchGrid grid{number(driver, 4), number(driver, 5)};
  if (Status status = targetSize(from, grid, number(driver, 3), size); !status.ok())
    fail(status.message());
  fprintf(stderr, "%lld %lld\n", static_cast<long long>(size.height), static_cast<long long>(size.width));
  const PixelView picture{pixels.data(), from, 4 * from.width};
  if (static_cast<int64_t>(pixels.size()) != picture.rowBytes * from.height)
    fail("the picture has another size");
  const size_t area = static_cast<size_t>(size.height * size.width);
  driver.outAt = 6;
  if (frame) {
    std::vector<uint8_t> out(4 * area);
    return finish(driver, out, [&] { return resizedFrame(driver.runner, picture, size, out); });
  }
  std::vector<float> out(3 * area);
  std::vector<PatchPosition> positions(area / static_cast<size_t>(grid.patch * grid.patch));
  finish(driver, out, [&] { return patches(driver.runner, picture, size, grid, out, positions); });
  const int64_t pool = grid.pool, across = size.width / grid.cell();
  for (size_t i = 0; i < positions.size(); ++i) {
    const int64_t cell = static_cast<int64_t>(i) / (pool * pool), inCell = static_cast<int64_t>(i) % (pool * pool);
    if (positions[i].x != cell % across * pool + inCell % pool ||
        positions[i].y != cell / across * pool + inCell / pool)
      fail("positions are not cell by cell");
  }
}

/// IN OUT
static void mel(Driver driver) {
  driver.outAt = 1;
  const std::vector<float> wave = read<float>(driver.arguments[0]);
  const MelSize size = melSize(static_cast<int64_t>(wave.size()));
  fprintf(stderr, "%lld %lld\n", static_cast<long long>(size.frames), static_cast<long long>(size.valid));
  std::vector<float> out(static_cast<size_t>(size.frames * melBins));
  finish(driver, out, [&] { return melFeatures(driver.runner, wave, out); });
}

/// IN RATE OUT
static void sound(Driver driver) {
  driver.outAt = 2;
  const std::vector<float> wave = read<float>(driver.arguments[0]);
  const int64_t rate = number(driver, 1);
  std::vector<float> out(static_cast<size_t>(resampledLength(static_cast<int64_t>(wave.size()), rate)));
  finish(driver, out, [&] { return resample(driver.runner, wave, rate, out); });
}

/// IN OUT: 64-bit height, width, patch, pool and budget of each case; height and width, 0 where they are refused.
static void sizes(Driver driver) {
  driver.outAt = 1;
  const std::vector<int64_t> cases = read<int64_t>(driver.arguments[0]);
  std::vector<int64_t> out;
  for (size_t i = 0; i + 5 <= cases.size(); i += 5) {
    ImageSize size;
    const bool fits = targetSize({cases[i], cases[i + 1]}, {cases[i + 2], cases[i + 3]}, cases[i + 4], size).ok();
    out.insert(out.end(), {fits ? size.height : 0, fits ? size.width : 0});
  }
  finish(driver, out, [] { return Status(); });
}

int main(int argc, char **argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4)
    fail("expected LEVEL FRONT-END IN ... OUT");
  const uint64_t allowed = words[0] == "avx512" ? ~uint64_t(0) : ~uint64_t(GEMMAC_CPU_X86_AVX512_VNNI);
  const FeatureKernels *kernels = nullptr;
  if (Status status = findFeatureKernels(cpuFeatures() & allowed, kernels); !status.ok())
    fail(status.message());
  if (words[0] != kernels->level)
    fail("this processor runs " + std::string(kernels->level) + ", not " + words[0]);
  SerialFor serial;
  const Driver driver{{*kernels, serial}, {words.begin() + 2, words.end()}};
  struct {
    const char *name;
    size_t arguments;
    std::function<void()> run;
  } frontEnds[] = {{"patches", 6, [&] { image(driver, /*frame=*/false); }},
                   {"frame", 5, [&] { image(driver, /*frame=*/true); }},
                   {"mel", 2, [&] { mel(driver); }},
                   {"resample", 3, [&] { sound(driver); }},
                   {"sizes", 2, [&] { sizes(driver); }}};
  for (auto &frontEnd : frontEnds)
    if (words[1] == frontEnd.name && driver.arguments.size() >= frontEnd.arguments)
      return frontEnd.run(), 0;
  fail("no front end '" + words[1] + "', or it takes more arguments");
}
