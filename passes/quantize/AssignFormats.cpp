// gemma-assign-formats: from the role that ops give a matrix (FusedInterface) to its format.
#include "passes/quantize/Passes.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "gemmac/program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_ASSIGNFORMATS
#include "passes/quantize/Passes.h.inc"

namespace {

/// Of the values as they are decoded: blocks give f32.
Format storedFormat(WeightOp weight) {
  Type element = cast<RankedTensorType>(weight.getType()).getElementType();
  return element.isF32() ? Format::F32 : element.isF16() ? Format::F16 : Format::BF16;
}

/// The part of the model that a function belongs to.
enum class Tower { None, Vision, Audio };

Tower towerOf(Operation *user) {
  auto function = user->getParentOfType<func::FuncOp>();
  StringRef name = function ? function.getName() : "";
  return name == GEMMAC_ENCODE_IMAGE ? Tower::Vision : name == GEMMAC_ENCODE_AUDIO ? Tower::Audio : Tower::None;
}

/// The rules. `choice` holds what the user asked for, `stored` is the checkpoint's type, `values` how many there are.
Format formatOf(MatrixRole role, const QuantizeOptions &choice, Format stored, int64_t values) {
  auto atLeast = [&](Format least) {
    return formatInfo(choice.weights).bits < formatInfo(least).bits ? least : choice.weights;
  };
  switch (role) {
  case MatrixRole::Ordinary:
    return choice.weights;
  case MatrixRole::PleProjection:
    return atLeast(Format::Q8);
  case MatrixRole::Router:
    return choice.weights == Format::F32 ? Format::F32 : stored;
  case MatrixRole::Embedding:
    return choice.embeddings.value_or(atLeast(leastEmbeddingFormat(values)));
  case MatrixRole::PerLayerTable:
    return choice.perLayerTable.value_or(choice.weights);
  case MatrixRole::Places:
    return stored;
  case MatrixRole::Convolution:
    return Format::F32;
  }
  llvm_unreachable("a role outside of its enum");
}

/// A weight that the checkpoint stores, or the first of its pieces.
WeightOp storedPart(WeightOp weight, SymbolTable &symbols) {
  if (!weight.getPieces() || weight.getPieces()->empty())
    return weight;
  return symbols.lookup<WeightOp>(cast<FlatSymbolRefAttr>((*weight.getPieces())[0]).getValue());
}

/// The format that holds integer weights of the checkpoint as they are: their scales are those of groups of 32 columns,
/// or of whole rows, in tables also of blocks of a row.
std::optional<Format> exactFormat(WeightOp weight, MatrixRole role, SymbolTable &symbols) {
  WeightOp stored = storedPart(weight, symbols);
  std::optional<ScalesAttr> scales = stored ? stored.getScales() : std::nullopt;
  if (!scales)
    return std::nullopt;
  int64_t columns = cast<RankedTensorType>(weight.getType()).getShape().back();
  bool groups = role != MatrixRole::PerLayerTable && scales->getColumns() < columns;
  switch (stored.getStoredEncoding()) {
  case Encoding::Int8:
  case Encoding::Offset8:
    return groups ? Format::Q8 : Format::C8;
  case Encoding::Int4:
    return groups ? Format::Q4 : Format::C4;
  case Encoding::Int2:
    return groups ? Format::Q2 : Format::C2;
  default:
    return std::nullopt;
  }
}

/// The format that holds blocks of the checkpoint as they are, 32 integers with one f16 scale.
std::optional<Format> blockFormat(Encoding encoding) {
  switch (encoding) {
  case Encoding::Q8_0:
    return Format::Q8;
  case Encoding::Q5_0:
    return Format::Q5;
  case Encoding::Q4_0:
    return Format::Q4;
  default:
    return std::nullopt;
  }
}

/// What `user` says of the matrix that one of its attributes names; nothing where it is no fused op.
std::optional<MatrixUse> matrixUse(Operation *user, StringRef attribute) {
  if (auto fused = dyn_cast<FusedInterface>(user))
    for (const MatrixUse &use : fused.getMatrixUses())
      if (use.attribute == attribute)
        return use;
  return std::nullopt;
}

bool isMatrix(WeightOp weight) { return cast<RankedTensorType>(weight.getType()).getRank() > 1; }

/// Calls `visit` for each use of a weight by an op of the dialect, until it fails.
LogicalResult forEachUse(ModuleOp module, SymbolTable &symbols,
                         llvm::function_ref<LogicalResult(WeightOp, Operation *, StringRef)> visit) {
  auto result = module.walk([&](Operation *user) {
    if (user == module || !isa_and_present<GemmaDialect>(user->getDialect()))
      return WalkResult::advance();
    for (NamedAttribute attribute : user->getAttrDictionary())
      if (auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute.getValue()))
        if (auto weight = symbols.lookup<WeightOp>(symbol.getAttr()))
          if (failed(visit(weight, user, attribute.getName())))
            return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// A narrower float loses bits (and f16 the range of the others): allowed, but told.
bool rounds(Format stored, Format format) {
  return !formatInfo(format).quantized && format != Format::F32 && format != stored;
}

/// Each weight's format, and the op that wanted it first.
using Chosen = llvm::DenseMap<WeightOp, std::pair<Format, Operation *>>;

struct AssignFormats : impl::AssignFormatsBase<AssignFormats> {
  using AssignFormatsBase::AssignFormatsBase;

  void runOnOperation() override {
    choice = {weights, embeddings, perLayerTable, {}, vision, audio};
    SymbolTable table(getOperation());
    symbols = &table;
    if (failed(readChoices()))
      return signalPassFailure();
    Chosen chosen;
    auto visit = [&](WeightOp weight, Operation *user, StringRef attribute) {
      return note(weight, user, attribute, chosen);
    };
    if (failed(forEachUse(getOperation(), table, visit)))
      return signalPassFailure();
    for (auto &[weight, format] : chosen)
      WeightOp(weight).setFormatAttr(FormatAttr::get(&getContext(), format.first));
    warnOfRounding();
  }

private:
  /// Choices for single weights: each must name a matrix of the module.
  LogicalResult readChoices() {
    auto refuse = [&](StringRef entry, const Twine &reason) {
      return getOperation().emitError("option 'choices' of ")
             << getArgument() << " holds '" << entry << "': " << reason << "; expected WEIGHT=FORMAT";
    };
    for (const std::string &entry : choices) {
      auto [name, word] = StringRef(entry).rsplit('=');
      std::optional<Format> format = parseFormat(word);
      if (!format)
        return refuse(entry, "there is no format '" + word + "'");
      auto weight = symbols->lookup<WeightOp>(name);
      if (!weight || !isMatrix(weight))
        return refuse(entry, "the module has no matrix of this name");
      if (!choice.choices.try_emplace(name.str(), *format).second)
        return refuse(entry, "the weight is named twice");
    }
    return success();
  }

  /// Of a tower's matrix: the format that holds the checkpoint's integers as they are; all are narrower than q12.
  std::optional<Format> keptFormat(WeightOp weight, const MatrixUse &use) {
    std::optional<Format> kept = exactFormat(weight, use.role, *symbols);
    if (!kept)
      kept = blockFormat(weight.getStoredEncoding());
    const bool regrouped = use.regrouped || weight.getPlanes();
    const bool takenApart = kept && regrouped && !formatInfo(*kept).rowScales();
    return takenApart ? std::nullopt : kept;
  }

  /// What a matrix of a tower becomes unasked. Beside text in floats it stays as it is stored.
  Format unaskedTowerFormat(WeightOp weight, const MatrixUse &use, Operation *user) {
    if (!formatInfo(choice.weights).quantized)
      return storedFormat(weight);
    std::optional<Format> kept = keptFormat(weight, use);
    auto isKeptSo = [&](const MatrixUse &other) {
      auto name = user->getAttrOfType<FlatSymbolRefAttr>(other.attribute);
      return !name || keptFormat(symbols->lookup<WeightOp>(name.getAttr()), other) == kept;
    };
    // Those of one part may be packed into one matrix, which has one format.
    for (const MatrixUse &other : cast<FusedInterface>(user).getMatrixUses())
      if (other.part == use.part && other.role == use.role && !isKeptSo(other))
        return towerFormatBesideQuantizedText;
    return kept.value_or(towerFormatBesideQuantizedText);
  }

  Format towerFormat(WeightOp weight, const MatrixUse &use, Operation *user, Tower tower) {
    if (use.role == MatrixRole::Convolution)
      return Format::F32;
    if (use.role == MatrixRole::Places)
      return storedFormat(weight);
    std::optional<Format> asked = tower == Tower::Vision ? choice.vision : choice.audio;
    return asked ? *asked : unaskedTowerFormat(weight, use, user);
  }

  Format wanted(WeightOp weight, const MatrixUse &use, Operation *user) {
    Tower tower = towerOf(user);
    if (auto own = choice.choices.find(weight.getSymName().str()); own != choice.choices.end())
      return own->second;
    if (tower != Tower::None)
      return towerFormat(weight, use, user, tower);
    Format format =
        formatOf(use.role, choice, storedFormat(weight), cast<RankedTensorType>(weight.getType()).getNumElements());
    // Rounding integers again would lose, and wider ones would gain nothing.
    std::optional<Format> exact = exactFormat(weight, use.role, *symbols);
    bool better = exact && formatInfo(format).quantized && formatInfo(format).bits >= formatInfo(*exact).bits;
    return better ? *exact : format;
  }

  /// Decides the format that `user` wants for `weight`, and compares with what earlier users wanted.
  LogicalResult note(WeightOp weight, Operation *user, StringRef attribute, Chosen &chosen) {
    Format format = Format::F32;
    if (isMatrix(weight)) {
      std::optional<MatrixUse> use = matrixUse(user, attribute);
      if (!use)
        return user->emitOpError() << "uses matrix '" << weight.getSymName() << "' as '" << attribute << "', for which "
                                   << getArgument() << " has no rule; run gemma-fuse first";
      format = wanted(weight, *use, user);
    }
    auto [earlier, isNew] = chosen.insert({weight, {format, user}});
    if (isNew || earlier->second.first == format)
      return success();
    InFlightDiagnostic error = user->emitOpError() << "wants '" << weight.getSymName() << "' as " << nameOf(format)
                                                   << ", another op as " << nameOf(earlier->second.first);
    error.attachNote(earlier->second.second->getLoc()) << "the other op is this one";
    return failure();
  }

  /// One warning for each pair of types, at the first weight of the module that it concerns.
  void warnOfRounding() {
    llvm::MapVector<std::pair<Encoding, Format>, SmallVector<WeightOp>> rounded;
    for (WeightOp weight : getOperation().getOps<WeightOp>()) {
      Format stored = storedFormat(weight);
      Format format = weight.getFormat().value_or(stored);
      if (rounds(stored, format))
        rounded[{weight.getStoredEncoding(), format}].push_back(weight);
    }
    for (auto &[formats, list] : rounded)
      list.front().emitWarning() << list.size() << (list.size() == 1 ? " tensor" : " tensors") << " stored as "
                                 << stringifyEncoding(formats.first) << " will be rounded to " << nameOf(formats.second)
                                 << ", '" << list.front().getSymName() << "' first";
  }

  QuantizeOptions choice;
  SymbolTable *symbols = nullptr;
};

} // namespace

std::string towerDefaultWords() {
  return (nameOf(towerFormatBesideQuantizedText) + " beside quantized\ntext, or what the checkpoint stores if that is "
                                                   "smaller; with --weights f32 or bf16 as stored")
      .str();
}

static bool isOpen(MatrixRole role, const QuantizeOptions &options) {
  switch (role) {
  case MatrixRole::Ordinary:
    return true;
  case MatrixRole::PleProjection:
  case MatrixRole::Router:
  case MatrixRole::Places:
  case MatrixRole::Convolution:
    return false;
  case MatrixRole::Embedding:
    return !options.embeddings;
  case MatrixRole::PerLayerTable:
    return !options.perLayerTable;
  }
  llvm_unreachable("a role outside of its enum");
}

llvm::StringMap<WeightPart> weightParts(ModuleOp fused, const QuantizeOptions &options) {
  llvm::StringMap<WeightPart> parts;
  SymbolTable symbols(fused);
  (void)forEachUse(fused, symbols, [&](WeightOp weight, Operation *user, StringRef attribute) {
    std::optional<MatrixUse> use = matrixUse(user, attribute);
    if (use && isMatrix(weight))
      parts[weight.getSymName()] = {use->part, towerOf(user) == Tower::None && isOpen(use->role, options)};
    return success();
  });
  return parts;
}

void buildQuantizePipeline(OpPassManager &pm, const QuantizeOptions &options) {
  AssignFormatsOptions pass;
  pass.weights = options.weights;
  pass.embeddings = options.embeddings;
  pass.perLayerTable = options.perLayerTable;
  pass.vision = options.vision;
  pass.audio = options.audio;
  for (const auto &[name, format] : options.choices)
    pass.choices.push_back(name + "=" + nameOf(format).str());
  pm.addPass(createAssignFormats(pass));
}

namespace {
#define GEN_PASS_REGISTRATION
#include "passes/quantize/Passes.h.inc"
} // namespace

void registerQuantizePasses() { registerGemmacQuantizePasses(); }

} // namespace gemmac
