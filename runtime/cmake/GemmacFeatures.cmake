# The front ends that Halide makes: gemmac_feature_objects() runs the generators of generators/ for a triple. Halide is
# needed for building alone; its CMake package wants a newer CMake than Debian 12 has.

# Where tools/install.sh unpacks the wheel: in this build folder, or the usual one.
find_path(GEMMAC_HALIDE include/Halide.h NO_DEFAULT_PATH
          PATHS ${CMAKE_BINARY_DIR}/venv/wheels/halide ${CMAKE_CURRENT_SOURCE_DIR}/../build/venv/wheels/halide
          DOC "Folder of Halide 21 with include/ and lib/ or lib64/")
set(halide_advice "run 'tools/install.sh ${CMAKE_BINARY_DIR} build'")
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "x86_64")
  string(CONCAT halide_advice "there is no wheel of it for Linux on ${CMAKE_HOST_SYSTEM_PROCESSOR}: build Halide 21 "
                "from its sources and set GEMMAC_HALIDE to where it is installed, or build gemmac on x86_64")
endif()
if(NOT GEMMAC_HALIDE)
  message(FATAL_ERROR "runtime: Halide 21, which makes the front ends for pictures and sounds, was not found; "
                      "${halide_advice}")
endif()
foreach(library Halide Halide_GenGen)
  find_library(GEMMAC_LIB_${library} ${library} PATHS ${GEMMAC_HALIDE} PATH_SUFFIXES lib64 lib NO_DEFAULT_PATH REQUIRED)
endforeach()
file(STRINGS ${GEMMAC_HALIDE}/include/Halide.h halide_major REGEX "define HALIDE_VERSION_MAJOR")
if(NOT halide_major MATCHES "MAJOR 21$")
  message(FATAL_ERROR "runtime: ${GEMMAC_HALIDE} says '${halide_major}', expected version 21; ${halide_advice}")
endif()

set(GEMMAC_FEATURES frame mel patches resample)
set(generator_sources FrameGenerator.cpp MelGenerator.cpp PatchesGenerator.cpp ResampleGenerator.cpp)
list(TRANSFORM generator_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/generators/)
add_executable(gemmac-feature-generators EXCLUDE_FROM_ALL ${generator_sources})
target_compile_features(gemmac-feature-generators PRIVATE cxx_std_20)
target_compile_options(gemmac-feature-generators PRIVATE -O1)
target_include_directories(gemmac-feature-generators SYSTEM PRIVATE ${GEMMAC_HALIDE}/include)
target_link_libraries(gemmac-feature-generators PRIVATE ${GEMMAC_LIB_Halide_GenGen} ${GEMMAC_LIB_Halide})

# ISA levels of a triple, and each in Halide's words.
set(feature_levels_x86_64-linux avx2 avx512)
set(feature_levels_aarch64-linux neon)
set(halide_target_avx2 x86-64-linux-avx-avx2-f16c-fma-sse41)
set(halide_target_avx512 ${halide_target_avx2}-avx512-avx512_skylake)
set(halide_target_neon arm-64-linux)

# gemmac_feature_objects(TRIPLE OBJECTS HEADERS): paths of the objects, and of the headers that declare their functions,
# into two variables. strict_float: sums are added as they are written, so that every level gives the same bits.
function(gemmac_feature_objects triple objects_variable headers_variable)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/features/${triple})
  file(MAKE_DIRECTORY ${out})
  set(objects)
  set(headers)
  get_property(generated GLOBAL PROPERTY gemmac_features_${triple}) # there is one rule for each file
  set_property(GLOBAL PROPERTY gemmac_features_${triple} TRUE)
  foreach(level ${feature_levels_${triple}})
    foreach(feature ${GEMMAC_FEATURES})
      set(name gemmac_${feature}_${level})
      if(NOT generated)
        add_custom_command(OUTPUT ${out}/${name}.o ${out}/${name}.h
          COMMAND gemmac-feature-generators -g ${feature} -f ${name} -n ${name} -o ${out} -e object,c_header
                  target=${halide_target_${level}}-no_runtime-strict_float-user_context
          DEPENDS gemmac-feature-generators
          COMMENT "Generating ${feature} for ${level}" VERBATIM)
      endif()
      list(APPEND objects ${out}/${name}.o)
      list(APPEND headers ${out}/${name}.h)
    endforeach()
  endforeach()
  set(${objects_variable} ${objects} PARENT_SCOPE)
  set(${headers_variable} ${headers} PARENT_SCOPE)
endfunction()
