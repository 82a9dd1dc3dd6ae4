// The engines that the suite tests, and what its tests share.
#ifndef GEMMAC_TESTS_ENGINE_ENGINES_H
#define GEMMAC_TESTS_ENGINE_ENGINES_H

#include "engine/Sequence.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace gemmac::test {

/// Names of all engines that this machine can run.
std::vector<std::string> engineNames();

/// An engine over the program under test, open.
std::unique_ptr<runtime::Engine> openEngine(const std::string &name, const runtime::EngineOptions &options = {});

/// A hash of the bits of a row of logits.
uint64_t bitsOf(const runtime::Engine &engine, const float *logits);

/// Random tokens, the same for equal seeds.
std::vector<int32_t> someTokens(const runtime::Engine &engine, int64_t count, uint32_t seed = 1);

/// Whole numbers from `low` to `high`.
int64_t pick(std::mt19937 &random, int64_t low, int64_t high);

/// As many positions as the tests use: a small model's rings come round.
int64_t usedPositions(const runtime::Engine &engine);

} // namespace gemmac::test

#endif // GEMMAC_TESTS_ENGINE_ENGINES_H
