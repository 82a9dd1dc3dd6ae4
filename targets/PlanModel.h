// What the plan asks of a target: plain data, in place of questions for its name. Padding is no part of it, nor is
// where attention splits its keys: both decide bits (docs/spec/numerics.md), which are the same on every target.
#ifndef GEMMAC_TARGETS_PLANMODEL_H
#define GEMMAC_TARGETS_PLANMODEL_H

#include "dialects/formats/Enums.h"

#include <cstdint>

namespace gemmac {

struct PlanModel {
  /// All threads walk the steps together and meet at barriers, each with scratch of its own: a row that is cheaper made
  /// than fetched is made by every thread. Else a step is complete before the next one begins, whoever does it.
  bool spmd = true;
  /// The attention of a single row is divided by its keys, and the parts are merged by a step of their own.
  bool splitKeys = true;
  /// Rows that are multiplied with a matrix at a time. Functions of more rows do them in blocks, which saves memory.
  int64_t blockRows = 512;
  // How weights lie in the data section; each layout is one that the packer (compiler/artifact/PanelKernels.h) writes.
  Layout matrices = Layout::Panels;
  Layout tables = Layout::Table; ///< what is read by row
  Layout vectors = Layout::Vector;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_PLANMODEL_H
