// The gemma dialect, its attributes and its one type. Ops: GemmaModelOps.td (symbols), GemmaTensorOps.td (level 0),
// GemmaFusedOps.td (level 1), GemmaStepOps.td (level 2: steps on buffers).
#ifndef GEMMA_BASE_TD
#define GEMMA_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "dialects/formats/Enums.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

def Gemma_Dialect : Dialect {
  let name = "gemma";
  let cppNamespace = "::gemmac::gemma";
  let summary = "Gemma 4 models, from the checkpoint's arithmetic down to steps on an arena";
  let description = [{
    Four attributes stand on ops of other dialects:
    - `gemma.model`, on a module, is what the importer says of the checkpoint: a dictionary with the strings `name` and
      `architecture` and the positive i64 `vocab`, `hidden`, `layers`, `context`; any may be missing.
    - `gemma.max_rows`, on a func.func, is a positive i64: the function is one of the program, as gemma-split-functions
      makes them.
    - `gemma.name`, on an argument or a result of a func.func, is a string that is not empty: the caller writes these
      rows before a call, or reads them after it, under that name. Such a value is `[rows, static width]` of f32; an
      argument may also be of i32.
    - `gemma.per_row`, on an argument that has a name, is a positive i64: so many of its rows belong to each row of the
      call. Without it, one.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

// Enums print as `#gemma.format<q4>` by themselves and as a bare keyword, by custom<EnumKeyword>, inside an op's own
// syntax.
class Gemma_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<Gemma_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
  let cppNamespace = Gemma_Dialect.cppNamespace;
}
def Gemma_FormatAttr : Gemma_EnumAttr<Gemmac_Format, "format">;
def Gemma_EncodingAttr : Gemma_EnumAttr<Gemmac_Encoding, "encoding">;
def Gemma_LayoutAttr : Gemma_EnumAttr<Gemmac_Layout, "layout">;
def Gemma_ScopeAttr : Gemma_EnumAttr<Gemmac_Scope, "scope">;
def Gemma_EpilogueAttr : Gemma_EnumAttr<Gemmac_Epilogue, "epilogue">;

class Gemma_Attr<string name, string attrMnemonic> : AttrDef<Gemma_Dialect, name> { let mnemonic = attrMnemonic; }

def Gemma_RopeAttr : Gemma_Attr<"Rope", "rope"> {
  let summary = "rotary embedding of one layer type (RoFormer, arXiv:2104.09864; spec 3.5)";
  let description = [{
    Element `j` of a head of size `d` pairs with `j + d/2`; pair `j` turns by `position * theta^(-2j/d) / factor` for
    `j < pairs` and stays for the others. `#gemma.rope<theta = 1.0e6, pairs = 64, factor = 1.0>`
    - c1: `theta` is finite and above 1, in f64.
    - c2: `pairs` is not negative.
    - c3: `factor` is finite and above 0, in f64.
    ```mlir
    func.func @example(%q: tensor<?x8xf32>, %positions: tensor<?xi32>) {
      %r = gemma.rope %q, %positions heads 2 <theta = 1.0e6, pairs = 1, factor = 8.0>
          : tensor<?x8xf32>, tensor<?xi32>
      return
    }
    ```
  }];
  let parameters = (ins "::mlir::FloatAttr":$theta, "int64_t":$pairs, "::mlir::FloatAttr":$factor);
  let assemblyFormat =
      "`<` `theta` `=` custom<Number>($theta) `,` `pairs` `=` $pairs `,` `factor` `=` custom<Number>($factor) `>`";
  let genVerifyDecl = 1;
}

def Gemma_SourceAttr : Gemma_Attr<"Source", "source"> {
  let summary = "where a weight's bytes lie: a file of the checkpoint, byte offset, byte count";
  let description = [{
    - c1: the offset is not negative.
    - c2: the byte count is positive.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"model.safetensors", 4096, 32>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "int64_t":$offset, "int64_t":$bytes);
  let assemblyFormat = "`<` $file `,` $offset `,` $bytes `>`";
  let genVerifyDecl = 1;
}

def Gemma_ScalesAttr : Gemma_Attr<"Scales", "scales"> {
  let summary = "the scales of integer weights: a place as in a source, their type, and how many columns share one";
  let description = [{
    One scale for each row and each run of `columns` columns, row-major:
    `<"model.safetensors", 4096, 1024, bf16 per 32>`.
    - c1: the offset is not negative.
    - c2: the byte count is positive.
    - c3: the type is f32, f16 or bf16.
    - c4: `columns` is positive.
    ```mlir
    gemma.weight @q : tensor<64x64xf32>
        from <"model.safetensors", 0, 2048> encoded int4
        scaled <"model.safetensors", 2048, 256, bf16 per 32>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "int64_t":$offset, "int64_t":$bytes,
      EnumParameter<Gemmac_Encoding>:$encoding, "int64_t":$columns);
  let assemblyFormat = "`<` $file `,` $offset `,` $bytes `,` $encoding `per` $columns `>`";
  let genVerifyDecl = 1;
}

def Gemma_AxisAttr : Gemma_Attr<"Axis", "axis"> {
  let summary = "how one axis of a matrix is padded: blocks of `block` elements, each padded to `padded`";
  let description = [{
    Element `i` of the axis lands at `(i / block) * padded + i % block`. An ordinary axis of 100 is `<100 -> 128>`; the
    head axis of 8 heads of size 72 is `<36 -> 48>`, one block per half head, so that RoPE's partners stay aligned.
    Padding holds zeros everywhere and computes to zeros. The padded axis is a multiple of 32 elements.
    `crossed`: of every two blocks the second half of the first and the first half of the second change places first, so
    that of a head whose halves turn apart, each with partners inside of it, the partners lie a block apart.
    - c1: `0 < block <= padded`.
    - c2: `padded` is a multiple of 16.
    - c3: the block of a `crossed` axis is even.
    ```mlir
    gemma.weight @norm : tensor<72xf32> from <"m", 0, 288>
    gemma.packed @heads from [@norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 96 <36 -> 48> bytes 384
    ```
  }];
  let parameters = (ins "int64_t":$block, "int64_t":$padded, DefaultValuedParameter<"bool", "false">:$crossed);
  let assemblyFormat = "`<` custom<Axis>($block, $padded, $crossed) `>`";
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "int64_t":$block, "int64_t":$padded),
                              "return Base::get($_ctxt, block, padded, false);">];
  let extraClassDeclaration = [{
    /// Length of an axis of `size` elements, whole blocks, once padded: a multiple of 32.
    int64_t getPaddedSize(int64_t size) const;
  }];
}

def Gemma_BufferType : TypeDef<Gemma_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "rows of the arena: `!gemma.buffer<32 x 1536, f32>`";
  let description = [{
    `rows` is the largest number of rows; `width` counts elements, padded to 32. Elements: `f32`; `i32`; or `q8`,
    activations quantized in groups of 32, stored row by row as `width` int8, then `width/32` f32 scales, then
    `width/32` i32 biases, -8 times the sum of the int8 values, each row padded to 64 bytes. `s8` is laid out alike,
    but all scales of a row are one static scale, and values may be -128, where those of q8 stay within 127. `q16` is
    quantized likewise to integers x within 32512 and stored row by row as `width` int8 `(x + 128) >> 8`, `width` int8
    of what that leaves of x, -128 to 127, `width` int16 x, of every four columns in the order 0, 2, 1, 3, then scales
    and biases: levels multiply with the bytes or with the int16.
    - c1: rows are positive.
    - c2: width is a positive multiple of 32.
    - c3: s8 is at most 131040 wide: so many products of int8 with int8 have a sum within
      int32 (131040 * 128 * 128 < 2^31).
    ```mlir
    gemma.function @verify max_rows 2 {
      %x = gemma.buffer shared label "x" : !gemma.buffer<2 x 64, f32>
      %q = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
      %picks = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
    }
    ```
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$width, EnumParameter<Gemmac_Element>:$element);
  let assemblyFormat = "`<` custom<BufferShape>($rows, $width) `,` $element `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes from one row to the next, a multiple of 64.
    int64_t getRowBytes() const;
    int64_t getBytes() const { return getRows() * getRowBytes(); }
    bool isQuantized() const { return getElement() == Element::Q8 || isWide() || isStatic(); }
    bool isStatic() const { return getElement() == Element::S8; }
    bool isWide() const { return getElement() == Element::Q16; }
  }];
}

// Attributes with the bounds that several ops share.
def Gemma_FloatPositive : AttrConstraint<CPred<[{
    [](::llvm::APFloat x) { return x.isFinite() && !x.isZero() && !x.isNegative(); }(
        ::llvm::cast<::mlir::FloatAttr>($_self).getValue())
  }]>,
                                         "that is finite and above 0">;
def Gemma_FloatFinite
    : AttrConstraint<CPred<"::llvm::cast<::mlir::FloatAttr>($_self).getValue().isFinite()">, "that is finite">;
def Gemma_PositiveF64 : ConfinedAttr<F64Attr, [Gemma_FloatPositive]>;
def Gemma_FiniteF64 : ConfinedAttr<F64Attr, [Gemma_FloatFinite]>;
// The ends of a range to which values are clamped. It holds 0, since padding is clamped, too, and must stay 0.
def Gemma_Bounds
    : ConfinedAttr<
          DenseF64ArrayAttr, [AttrConstraint<CPred<[{
    [](::llvm::ArrayRef<double> x) {
      return x.size() == 2 && std::isfinite(x[0]) && std::isfinite(x[1]) && x[0] <= 0 && x[1] >= 0;
    }(::llvm::cast<::mlir::DenseF64ArrayAttr>($_self).asArrayRef())
  }]>,
                                             "of two finite numbers, the first not above 0, the second not below">]>;
def Gemma_Count : ConfinedAttr<I64Attr, [IntPositive]>;
def Gemma_Offset : ConfinedAttr<I64Attr, [IntNonNegative]>;

// An assembly format in which each `/` begins a new line, 4 columns in from the op.
class Gemma_Lines<string lines> { string format = !subst("/", "`\\n` ` ` ` ` ` ` ` `", lines); }

class Gemma_Op<string mnemonic, list<Trait> traits = []> : Op<Gemma_Dialect, mnemonic, traits>;

#endif // GEMMA_BASE_TD
