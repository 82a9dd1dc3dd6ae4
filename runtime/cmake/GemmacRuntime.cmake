# gemmac_runtime_triple(): builds the runtime for one triple with clang, whatever compiler and flags CMake itself uses.

# Libraries that decode pictures and sounds, in link order.
set(GEMMAC_MEDIA_LIBRARIES libjpeg.a libpng16.a libz.a libwebpdemux.a libwebp.a libFLAC.a libogg.a)

# Start files and libraries of a static, non-PIE C++ program, in link order. @PROGRAM@ is where the emitted objects go.
set(GEMMAC_LINK_ORDER
    crt1.o crti.o crtbeginT.o @PROGRAM@ libgemmac_runtime.a ${GEMMAC_MEDIA_LIBRARIES} libstdc++.a libm.a --start-group
    libgcc.a libgcc_eh.a libpthread.a libc.a --end-group crtend.o crtn.o)

# Path of a start file or static library for a triple: in ROOT, a folder with packages unpacked, or where the compiler
# finds it. Debian's libm.a for x86-64 is a linker script with absolute
# paths: the archive that it names first is the library proper (the other, libmvec, has vector functions nobody calls).
function(gemmac_system_file triple package root name result)
  set(path ${root}/usr/lib/${triple}-gnu/${name})
  if(NOT root OR NOT EXISTS ${path})
    execute_process(COMMAND ${GEMMAC_RUNTIME_CXX} --target=${triple}-gnu -print-file-name=${name}
                    OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  if(NOT IS_ABSOLUTE "${path}" OR NOT EXISTS "${path}")
    set(remedy "install the package ${package}")
    if(name IN_LIST GEMMAC_MEDIA_LIBRARIES)
      set(remedy "run tools/install.sh ${CMAKE_BINARY_DIR}, which gets it")
    endif()
    message(FATAL_ERROR "runtime: ${name} for ${triple} was not found; ${remedy}")
  endif()
  file(READ ${path} start LIMIT 400)
  if(start MATCHES "GROUP *\\( *([^ ]+\\.a)")
    set(path ${CMAKE_MATCH_1})
  endif()
  set(${result} ${path} PARENT_SCOPE)
endfunction()

# gemmac_runtime_triple(TRIPLE PACKAGE debian-package [ROOT folder] SOURCES room/name...): adds to the target
# gemmac-runtime. `PACKAGE` is what to install when the triple's libraries are missing, `ROOT` where packages of the
# triple are unpacked that the machine does not have.
function(gemmac_runtime_triple triple)
  cmake_parse_arguments(ARG "" "PACKAGE;ROOT" "SOURCES" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/lib/gemmac/${triple})
  set(objects_dir ${CMAKE_CURRENT_BINARY_DIR}/${triple})
  file(MAKE_DIRECTORY ${out} ${objects_dir})

  set(products)
  foreach(name ${GEMMAC_LINK_ORDER})
    if(name MATCHES "^(@|--|libgemmac_runtime)")
      continue()
    endif()
    gemmac_system_file(${triple} ${ARG_PACKAGE} "${ARG_ROOT}" ${name} path)
    add_custom_command(OUTPUT ${out}/${name} DEPENDS ${path}
                       COMMAND ${CMAKE_COMMAND} -E copy ${path} ${out}/${name}
                       COMMENT "Copying ${name} for ${triple}" VERBATIM)
    list(APPEND products ${out}/${name})
  endforeach()

  # Baseline instruction set: the runtime must start on any machine to say what that machine lacks.
  set(flags --target=${triple}-gnu -std=c++20 -O2 -DNDEBUG -ffunction-sections -fdata-sections -fno-pie -fno-rtti
      -Wall -Wextra -DGEMMAC_VERSION="${PROJECT_VERSION}" -ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}=runtime
      -I${CMAKE_CURRENT_SOURCE_DIR}/include -I${CMAKE_CURRENT_SOURCE_DIR}/src
      -I${CMAKE_CURRENT_BINARY_DIR}/features/${triple} -isystem ${GEMMAC_HALIDE}/include
      -idirafter ${GEMMAC_CLI11_INCLUDE} -idirafter ${GEMMAC_JSON_INCLUDE} -idirafter ${GEMMAC_XXHASH_INCLUDE})
  if(ARG_ROOT)
    list(APPEND flags -isystem ${ARG_ROOT}/usr/include/${triple}-gnu -isystem ${ARG_ROOT}/usr/include)
  endif()
  gemmac_feature_objects(${triple} feature_objects feature_headers)
  set(objects ${feature_objects})
  foreach(name ${ARG_SOURCES})
    set(source ${CMAKE_CURRENT_SOURCE_DIR}/src/${name}.cpp)
    set(object ${objects_dir}/${name}.o)
    get_filename_component(room ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${room})
    set(extra -fno-exceptions)
    if(name STREQUAL "commands/CommandLine") # CLI11 throws, and asks for types at run time
      set(extra -fexceptions -frtti)
    endif()
    set(generated)
    if(name MATCHES "^features/")
      set(generated ${feature_headers})
    endif()
    add_custom_command(OUTPUT ${object} DEPENDS ${source} ${generated} DEPFILE ${object}.d
                       COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${GEMMAC_RUNTIME_CXX} ${flags} ${extra}
                               -MD -MF ${object}.d -c ${source} -o ${object}
                       COMMENT "Compiling ${name}.cpp for ${triple}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(archive ${out}/libgemmac_runtime.a)
  add_custom_command(OUTPUT ${archive} DEPENDS ${objects}
                     COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
                     COMMAND ${GEMMAC_RUNTIME_AR} rcsD ${archive} ${objects}
                     COMMENT "Archiving the runtime for ${triple}" VERBATIM)

  string(REPLACE ";" "\n" order "${GEMMAC_LINK_ORDER}")
  file(GENERATE OUTPUT ${out}/link.txt CONTENT "${order}\n")
  add_custom_target(gemmac-runtime-${triple} DEPENDS ${products} ${archive})
  add_dependencies(gemmac-runtime gemmac-runtime-${triple})
  install(FILES ${products} ${archive} ${out}/link.txt DESTINATION lib/gemmac/${triple} COMPONENT gemmac)
endfunction()
