#include "compiler/driver/CommandLine.h"

int main(int argc, char **argv) { return gemmac::runCommandLine(argc, argv, gemmac::registerAllTargets); }
