# The step from checkpoint to IR is a library of its own: the readers need no dialect, and their fuzzers no MLIR passes.
gemmac_library(GemmacModuleBuilder
  ${CMAKE_CURRENT_LIST_DIR}/AudioBuilder.cpp ${CMAKE_CURRENT_LIST_DIR}/ModuleBuilder.cpp
  ${CMAKE_CURRENT_LIST_DIR}/FunctionMaker.cpp ${CMAKE_CURRENT_LIST_DIR}/UnifiedBuilder.cpp
  ${CMAKE_CURRENT_LIST_DIR}/VisionBuilder.cpp LINK GemmaDialect)
add_dependencies(GemmacModuleBuilder GemmaTableGen)
