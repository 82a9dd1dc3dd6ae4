// What calibration lets a model read and answer.
#ifndef GEMMAC_COMPILER_CALIBRATE_CALIBRATIONTEXT_H
#define GEMMAC_COMPILER_CALIBRATE_CALIBRATIONTEXT_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace gemmac {

struct CalibrationText {
  std::vector<std::string> passages; ///< read as they are
  std::vector<std::string> prompts;  ///< put into the chat format and answered by the model itself
};

/// The text that gemmac brings along (text/): prose, code, data, dialogue, mathematics, a dozen and a half languages;
/// questions of several kinds.
CalibrationText shippedText();

/// Reads a file: plain UTF-8 text is one passage; JSON, told by a name that ends in ".json", is an array of strings
/// (passages) and objects with a member "prompt". Errors are of class ImportError.
llvm::Expected<CalibrationText> readCalibrationText(const std::string &path);

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_CALIBRATIONTEXT_H
