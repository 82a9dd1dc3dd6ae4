#include "Engines.h"

#include "Subject.h"
#include "engine/CpuEngine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
/// An engine by name.
struct Named {
  const char *name;
  std::unique_ptr<Engine> (*make)();
};
} // namespace

static constexpr Named engines[] = {
    {"cpu", []() -> std::unique_ptr<Engine> { return std::make_unique<CpuEngine>(); }},
};

std::vector<std::string> test::engineNames() {
  std::vector<std::string> names;
  for (const Named &one : engines)
    names.emplace_back(one.name);
  return names;
}

std::unique_ptr<Engine> test::openEngine(const std::string &name, const EngineOptions &options) {
  const auto *one = std::ranges::find_if(engines, [&](const Named &engine) { return engine.name == name; });
  std::unique_ptr<Engine> engine = one->make();
  const Status status = engine->open(subjectProgram(), subjectFile(), options);
  EXPECT_TRUE(status.ok()) << status.message();
  return engine;
}

uint64_t test::bitsOf(const Engine &engine, const float *logits) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (int64_t i = 0; i < engine.program().vocab; ++i) {
    uint32_t bits;
    memcpy(&bits, logits + i, sizeof(bits));
    hash = (hash ^ bits) * 0x100000001b3u;
  }
  return hash;
}

int64_t test::pick(std::mt19937 &random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}

std::vector<int32_t> test::someTokens(const Engine &engine, int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(pick(random, 0, engine.program().vocab - 1));
  return tokens;
}

int64_t test::usedPositions(const Engine &engine) { return std::min<int64_t>(engine.context(), 250); }
