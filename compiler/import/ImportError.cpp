#include "compiler/import/ImportError.h"

char gemmac::ImportError::ID;
