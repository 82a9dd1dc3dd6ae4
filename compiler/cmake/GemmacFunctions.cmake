# Thin functions over MLIR's. Everything links LLVM's and MLIR's shared libraries.

# LLVM is built without RTTI; -fno-rtti keeps our subclasses of its types linkable.
function(gemmac_compile_settings target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
                                              ${PROJECT_SOURCE_DIR}/runtime/include)
  target_include_directories(${target} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS} ${LLD_INCLUDE_DIRS})
  target_compile_options(${target} PRIVATE -fno-rtti -Wall -Wextra -Wno-unused-parameter
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endfunction()

# The compiler's precompiled header, shared by all who come after.
add_library(GemmacCompilerHeaders OBJECT ${CMAKE_CURRENT_LIST_DIR}/CompilerHeaders.cpp)
gemmac_compile_settings(GemmacCompilerHeaders)
# Templates are instantiated here, once, and not again in every file.
target_compile_options(GemmacCompilerHeaders PRIVATE "$<$<CXX_COMPILER_ID:Clang>:-fpch-instantiate-templates>")
target_precompile_headers(GemmacCompilerHeaders PRIVATE ${CMAKE_CURRENT_LIST_DIR}/CompilerHeaders.h)

# gemmac_library(NAME files... [LINK libs...])
function(gemmac_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  gemmac_compile_settings(${name})
  target_precompile_headers(${name} REUSE_FROM GemmacCompilerHeaders)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
endfunction()

# gemmac_program(NAME files... [LINK libs...])
function(gemmac_program name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  gemmac_compile_settings(${name})
  target_precompile_headers(${name} REUSE_FROM GemmacCompilerHeaders)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
endfunction()

# gemmac_tablegen(TARGET file.td "output generator-args"...): output files land beside the source in the build tree.
macro(gemmac_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  foreach(_entry ${ARGN})
    separate_arguments(_words UNIX_COMMAND "${_entry}")
    list(POP_FRONT _words _output)
    mlir_tablegen(${_output} ${_words} EXTRA_INCLUDES ${PROJECT_SOURCE_DIR} ${MLIR_INCLUDE_DIRS})
  endforeach()
  add_public_tablegen_target(${target})
endmacro()
