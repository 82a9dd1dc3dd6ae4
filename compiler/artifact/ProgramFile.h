// The finished program: the linked ELF with its data section appended, described in its section ".gemmac.image".
#ifndef GEMMAC_COMPILER_ARTIFACT_PROGRAMFILE_H
#define GEMMAC_COMPILER_ARTIFACT_PROGRAMFILE_H

#include "compiler/artifact/Packer.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <string>

namespace gemmac {

struct ProgramFileInfo {
  uint64_t elfBytes = 0, dataOffset = 0, dataBytes = 0, fileBytes = 0, dataXxh64 = 0;
  std::vector<PackCounts> counts; ///< of each matrix of the section
};

/// Data sections of more than this begin at multiples of it.
inline constexpr uint64_t hugePageBytes = 2 << 20;

/// Where a data section of `dataBytes` begins behind `elfBytes` of ELF: a multiple of 2 MiB when it is larger than
/// that, so that huge pages can map it, else of 4096.
uint64_t dataSectionOffset(uint64_t elfBytes, uint64_t dataBytes);

/// Writes `elf` and `section` to `path`, executable. The file appears complete or not at all.
/// \param options its outputName is set to `path`.
/// Errors: OutputError (no space, not writable), ImportError (sources), others for an ELF without ".gemmac.image".
/// \param elfRoom bytes that a later ELF in front of the same data section may need.
/// \param beforeNaming is called when the file is complete and has no name yet; its error discards the file.
llvm::Expected<ProgramFileInfo>
writeProgram(const std::string &path, std::string elf, const DataSection &section, PackOptions options,
             uint64_t elfRoom = 0, llvm::function_ref<llvm::Error(const ProgramFileInfo &)> beforeNaming = nullptr);

/// Puts another ELF in front of the data section of a finished program that does not run. \returns its description.
llvm::Expected<ProgramFileInfo> replaceElf(const std::string &path, std::string elf, ProgramFileInfo info);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PROGRAMFILE_H
