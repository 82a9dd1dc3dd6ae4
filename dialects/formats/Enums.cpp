#include "dialects/formats/Enums.h"

#include "llvm/ADT/StringSwitch.h"

#include "dialects/formats/Enums.cpp.inc"
