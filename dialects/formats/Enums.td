// The enums that the dialect, the tables beside this file and everything above share. Nothing else names these things:
// C++ gets them from the header that TableGen makes, `Enums.h` includes it, and their spelling in IR, on the command
// line and in reports is the one written here.
#ifndef GEMMAC_DIALECTS_FORMATS_ENUMS_TD
#define GEMMAC_DIALECTS_FORMATS_ENUMS_TD

include "mlir/IR/EnumAttr.td"

class Gemmac_Enum<string name, string summary, list<I32EnumCase> cases> : I32Enum<name, summary, cases> {
  let cppNamespace = "::gemmac";
}

// How the elements of a weight or a cache are stored. Sizes and rules: Format.h.
def Gemmac_Format : Gemmac_Enum<"Format", "storage format",
                                [I32EnumCase<"F32", 0, "f32">,   //
                                 I32EnumCase<"F16", 1, "f16">,   //
                                 I32EnumCase<"BF16", 2, "bf16">, //
                                 I32EnumCase<"Q12", 3, "q12">, // q: integers in groups of 32 columns with an f16 scale
                                 I32EnumCase<"Q8", 4, "q8">,   //
                                 I32EnumCase<"Q6", 5, "q6">,   //
                                 I32EnumCase<"Q5", 6, "q5">,   //
                                 I32EnumCase<"Q4", 7, "q4">,   //
                                 I32EnumCase<"Q3", 8, "q3">,   //
                                 I32EnumCase<"Q2", 9, "q2">,   //
                                 I32EnumCase<"C8", 10, "c8">,  // c: integers with an f32 scale for a whole row
                                 I32EnumCase<"C4", 11, "c4">,  //
                                 I32EnumCase<"C2", 12, "c2">]>;

// How a checkpoint stores a tensor. Blocks with scales in them have the names that GGUF gives them. Sizes: Encoding.h.
def Gemmac_Encoding
    : Gemmac_Enum<"Encoding", "source encoding",
                  [I32EnumCase<"F32", 0, "f32">, I32EnumCase<"F16", 1, "f16">, I32EnumCase<"BF16", 2, "bf16">,
                   I32EnumCase<"Q8_0", 3, "q8_0">, I32EnumCase<"Q4_0", 4, "q4_0">, I32EnumCase<"Q4_1", 5, "q4_1">,
                   I32EnumCase<"Q5_0", 6, "q5_0">, I32EnumCase<"Q5_1", 7, "q5_1">, I32EnumCase<"Q2_K", 8, "q2_k">,
                   I32EnumCase<"Q3_K", 9, "q3_k">, I32EnumCase<"Q4_K", 10, "q4_k">, I32EnumCase<"Q5_K", 11, "q5_k">,
                   I32EnumCase<"Q6_K", 12, "q6_k">, I32EnumCase<"Int8", 13, "int8">,
                   I32EnumCase<"Offset8", 14, "offset8">, I32EnumCase<"Int4", 15, "int4">,
                   I32EnumCase<"Int2", 16, "int2">, I32EnumCase<"IQ4_NL", 17, "iq4_nl">,
                   I32EnumCase<"IQ4_XS", 18, "iq4_xs">]>;

// How packed weights lie in the data section: gemma.packed tells each.
def Gemmac_Layout : Gemmac_Enum<"Layout", "layout of packed weights",
                                [I32EnumCase<"Vector", 0, "vector">, // f32
                                 I32EnumCase<"Table", 1, "table">,   // read by row
                                 I32EnumCase<"Panels", 2, "panels">  // matrices, 16 rows at a time
]>;

// What the elements of a buffer are: gemma.buffer tells each.
def Gemmac_Element : Gemmac_Enum<"Element", "element of a buffer",
                                 [I32EnumCase<"F32", 0, "f32">, //
                                  I32EnumCase<"I32", 1, "i32">, //
                                  I32EnumCase<"Q8", 2, "q8">,   // int8, a scale for each group of 32
                                  I32EnumCase<"Q16", 3, "q16">, // int16, the same
                                  I32EnumCase<"S8", 4, "s8">    // int8 on a static grid
]>;

def Gemmac_Scope : Gemmac_Enum<"Scope", "who sees a buffer",
                             [I32EnumCase<"Shared", 0, "shared">, // the arena
                              I32EnumCase<"Private", 1, "private"> // a thread's scratch
]>;

def Gemmac_Epilogue : Gemmac_Enum<"Epilogue", "what a matmul step does with its sums before it stores them",
                                [I32EnumCase<"None", 0, "none">,
                                 I32EnumCase<"GeGlu", 1, "geglu">, // panels alternate gate, up: gelu(gate) * up
                                 I32EnumCase<"GeluMul", 2, "gelu_mul">, // gelu(sum) * factor row
                                 I32EnumCase<"Softcap", 3, "softcap">   // cap * tanh(sum / cap)
]>;

#endif // GEMMAC_DIALECTS_FORMATS_ENUMS_TD
