#include "compiler/calibrate/Moments.h"

#include "compiler/base/Errors.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "llvm/ADT/StringExtras.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;

namespace gemmac {

std::string momentKey(llvm::ArrayRef<std::string> sources) { return llvm::join(sources, ","); }

MomentPlaces momentPlaces(ModuleOp module) {
  MomentPlaces places;
  SymbolTable symbols(module);
  // A module that observes nothing has no such step.
  gemma::ProgramOp program = *module.getOps<gemma::ProgramOp>().begin();
  const auto begin = static_cast<int64_t>(program.getMomentsAt().value_or(0));
  module.walk([&](gemma::ObserveStep step) {
    auto packed = symbols.lookup<gemma::PackedOp>(step.getWeight());
    std::vector<std::string> sources;
    for (auto source : packed.getSources().getAsRange<FlatSymbolRefAttr>())
      sources.push_back(source.getValue().str());
    int64_t batch = step.getPicks() ? packed.getBatch() : 1;
    places[momentKey(sources)] = {MomentLayout::of(packed.getCols(), batch),
                                  static_cast<uint64_t>(step.getOffset()) - begin};
  });
  return places;
}

llvm::Expected<std::unique_ptr<Moments>> Moments::open(const std::string &path, MomentPlaces places) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return outputError(path, "cannot open: {0}", std::strerror(errno));
  std::unique_ptr<Moments> moments(new Moments(fd, path, std::move(places)));
  struct stat status;
  if (::fstat(fd, &status) != 0)
    return outputError(path, "cannot read its size: {0}", std::strerror(errno));
  for (auto &entry : moments->places)
    if (uint64_t end = entry.second.offset + entry.second.layout.bytes(); static_cast<uint64_t>(status.st_size) < end)
      return outputError(path, "has {0} bytes, expected {1} at least", status.st_size, end);
  return moments;
}

Moments::~Moments() { ::close(fd); }

llvm::Expected<std::shared_ptr<const RoundingFactor>> Moments::factor(const PackedMatrix &matrix, int64_t batch) {
  std::vector<std::string> sources;
  for (const PackSource &source : matrix.sources)
    sources.push_back(source.name);
  auto place = places.find(momentKey(sources));
  if (place == places.end() || place->second.layout.cols != matrix.cols)
    return nullptr;
  int64_t entry = place->second.layout.batch == 1 ? 0 : batch;
  Known *slot;
  {
    std::lock_guard lock(mutex);
    slot = &known[{place->second.offset, entry}];
  }
  std::lock_guard lock(slot->mutex);
  if (std::shared_ptr<const RoundingFactor> factor = slot->factor.lock())
    return factor;
  llvm::Expected<std::shared_ptr<const RoundingFactor>> factor = read(place->second, entry);
  if (factor)
    slot->factor = *factor;
  return factor;
}

llvm::Expected<std::shared_ptr<const RoundingFactor>> Moments::read(const MomentPlace &place, int64_t entry) const {
  std::vector<float> values(place.layout.batchBytes() / sizeof(float));
  auto *bytes = reinterpret_cast<char *>(values.data());
  uint64_t offset = place.offset + entry * place.layout.batchBytes();
  for (size_t done = 0, count = values.size() * sizeof(float); done < count;) {
    ssize_t got = ::pread(fd, bytes + done, count - done, offset + done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return outputError(path, "cannot read at byte {0}: {1}", offset + done,
                         got < 0 ? std::strerror(errno) : "end of file");
    done += got;
  }
  return std::make_shared<const RoundingFactor>(place.layout, values);
}

} // namespace gemmac
