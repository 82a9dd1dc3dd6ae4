// The weights with which samples of one rate are made of those of another.
#ifndef GEMMAC_RUNTIME_RESAMPLEFILTER_H
#define GEMMAC_RUNTIME_RESAMPLEFILTER_H

#include <cstdint>
#include <vector>

namespace gemmac::runtime {

/// Places of samples of the result in the source repeat: after `period` of them `step` samples of the source have gone
/// by. Between two samples of the source there are `phases` places with weights of their own, one for each that occurs
/// if these are few; else places in between blend their neighbours' weights.
struct ResampleFilter {
  int64_t period = 0, step = 0, phases = 0;
  int64_t taps = 0;           ///< a multiple of 8
  int64_t before = 0;         ///< of the first tap from the place, rounded down: samples that lie before it
  std::vector<float> weights; ///< [phases + 1, taps]
  std::vector<int32_t> first; ///< [period]: the place, rounded down
  std::vector<int32_t> phase; ///< [period]
  std::vector<float> blend;   ///< [period]: 0 to 1, the share of the next phase
};

ResampleFilter resampleFilter(int64_t from, int64_t to);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_RESAMPLEFILTER_H
