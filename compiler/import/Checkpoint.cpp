// Which reader a checkpoint needs.
#include "compiler/base/Errors.h"
#include "compiler/import/FileAccess.h"
#include "compiler/import/Model.h"

#include "llvm/Support/Path.h"

using namespace gemmac;
using llvm::StringRef;

/// Whether a file begins as GGUF does: the blobs of download caches have hashes for names.
static llvm::Expected<bool> isGguf(StringRef path) {
  StringRef directory = llvm::sys::path::parent_path(path), name = llvm::sys::path::filename(path);
  llvm::Expected<InputFile> file = InputFile::open(directory.empty() ? "." : directory, name);
  if (!file)
    return file.takeError();
  std::string start;
  if (llvm::Error error = file->read(0, std::min<uint64_t>(file->bytes(), 4), start))
    return std::move(error);
  return start == "GGUF";
}

static llvm::Expected<Checkpoint> importDirectory(StringRef path, const ImportOptions &options) {
  if (!options.projector.empty())
    return usageError(
        "--mmproj: error: goes with a GGUF model, but {0} is a directory, which has its own towers; leave "
        "it out",
        path);
  return importHuggingFace(path, options);
}

static llvm::Expected<Checkpoint> importAny(StringRef path, const ImportOptions &options) {
  if (llvm::sys::fs::is_directory(path))
    return importDirectory(path, options);
  if (path.ends_with_insensitive(".gguf"))
    return importGguf(path, options);
  if (!llvm::sys::fs::is_regular_file(path))
    return importHuggingFace(path, options);
  llvm::Expected<bool> gguf = isGguf(path);
  if (!gguf)
    return gguf.takeError();
  return *gguf ? importGguf(path, options) : importHuggingFace(path, options);
}

static void leaveOut(std::initializer_list<StringRef> prefixes, Checkpoint &checkpoint) {
  std::erase_if(checkpoint.towerTensors, [&](const auto &tensor) {
    return llvm::any_of(prefixes, [&](StringRef prefix) { return StringRef(tensor.first).starts_with(prefix); });
  });
}

llvm::Expected<Checkpoint> gemmac::importCheckpoint(StringRef path, const ImportOptions &options) {
  llvm::Expected<Checkpoint> checkpoint = importAny(path, options);
  if (!checkpoint)
    return checkpoint;
  TowerConfigs &towers = checkpoint->config.towers;
  if (options.withoutImages && towers.takesImages()) {
    towers.dropImages();
    leaveOut({"vision_tower.", "vision_embedder.", "embed_vision."}, *checkpoint);
  }
  if (options.withoutAudio && towers.takesAudio()) {
    towers.dropAudio();
    leaveOut({"audio_tower.", "embed_audio."}, *checkpoint);
  }
  return checkpoint;
}
