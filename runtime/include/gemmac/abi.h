// The contract between an emitted program and the runtime linked with it, and all that the compiler and the runtime
// share: plain C that needs nothing else. Program and runtime always come from one gemmac; a change raises
// GEMMAC_ABI_VERSION, and both sides assert the sizes of structs. Whoever needs one part includes that part.
#ifndef GEMMAC_ABI_H
#define GEMMAC_ABI_H

#include "gemmac/call.h"
#include "gemmac/program.h"
#include "gemmac/tokenizer.h"

#define GEMMAC_ABI_VERSION 9u

#endif // GEMMAC_ABI_H
