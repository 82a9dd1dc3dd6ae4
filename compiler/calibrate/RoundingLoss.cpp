#include "compiler/calibrate/RoundingLoss.h"

#include "compiler/artifact/OutputEnergy.h"
#include "compiler/artifact/PanelNumbers.h"

#include <algorithm>
#include <cstring>

namespace gemmac {

namespace {

constexpr int64_t sampledRows = 512;

/// Energies of one panel: of its values, and of the errors in each format.
struct PanelEnergy {
  double whole = 0;
  std::vector<double> errors;
};

class PanelSampler {
public:
  PanelSampler(const PackedMatrix &matrix, llvm::ArrayRef<Format> formats, llvm::StringRef directory, Rounding rounding,
               RoundingGuide &guide)
      : matrix(matrix), formats(formats), directory(directory), rounding(rounding), guide(guide),
        rows(rowsOf(matrix.layout)) {}

  llvm::Expected<PanelEnergy> measure(int64_t panel) {
    // Kept while all formats are tried: making it is the larger part of the work.
    std::shared_ptr<const RoundingFactor> factor;
    if (matrix.layout == Layout::Panels) {
      llvm::Expected<std::shared_ptr<const RoundingFactor>> asked = guide.factor(matrix, panel / matrix.panelCount());
      if (!asked)
        return asked.takeError();
      factor = std::move(*asked);
    }
    llvm::Expected<std::vector<float>> exact = values(panel, Format::F32);
    if (!exact)
      return exact.takeError();
    PanelEnergy result{energy(factor.get(), *exact), {}};
    for (Format format : formats) {
      llvm::Expected<std::vector<float>> rounded = values(panel, format);
      if (!rounded)
        return rounded.takeError();
      for (size_t i = 0; i < exact->size(); ++i)
        (*rounded)[i] = (*exact)[i] - (*rounded)[i];
      result.errors.push_back(energy(factor.get(), *rounded));
    }
    return result;
  }

private:
  /// The panel's numbers in a format, `[cols][rows]`.
  llvm::Expected<std::vector<float>> values(int64_t panel, Format format) {
    PackedMatrix changed = matrix;
    changed.format = format;
    changed.narrower.reset();
    llvm::Expected<std::vector<uint8_t>> bytes = packPanels(changed, panel, directory, rounding, &guide);
    if (!bytes)
      return bytes.takeError();
    std::vector<float> result(matrix.cols * rows);
    if (format == Format::F32)
      std::memcpy(result.data(), bytes->data(), result.size() * sizeof(float));
    else
      panelValues(format, bytes->data(), rows, matrix.cols, result.data());
    return result;
  }

  static double energy(const RoundingFactor *factor, const std::vector<float> &panel) {
    return factor ? outputEnergy(*factor, panel.data())
                  : sumOfSquares(panel.data(), static_cast<int64_t>(panel.size()));
  }

  const PackedMatrix &matrix;
  llvm::ArrayRef<Format> formats;
  llvm::StringRef directory;
  Rounding rounding;
  RoundingGuide &guide;
  int64_t rows;
};

} // namespace

llvm::Expected<std::vector<double>> roundingLoss(const PackedMatrix &matrix, llvm::ArrayRef<Format> formats,
                                                 llvm::StringRef directory, Rounding rounding, RoundingGuide &guide) {
  PanelSampler sampler(matrix, formats, directory, rounding, guide);
  int64_t panels = matrix.batch * matrix.panelCount(), count = std::min(panels, sampledRows / rowsOf(matrix.layout));
  double whole = 0;
  std::vector<double> losses(formats.size(), 0.0);
  for (int64_t i = 0; i < count; ++i) {
    llvm::Expected<PanelEnergy> energy = sampler.measure(i * panels / count);
    if (!energy)
      return energy.takeError();
    whole += energy->whole;
    for (size_t f = 0; f < losses.size(); ++f)
      losses[f] += energy->errors[f];
  }
  for (double &loss : losses)
    loss = whole > 0 ? loss / whole : 0;
  return losses;
}

} // namespace gemmac
