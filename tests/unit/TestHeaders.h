// What nearly every unit test reads, parsed once per build: the compiler's headers and GTest.
#include "compiler/cmake/CompilerHeaders.h"

#include <gtest/gtest.h>
