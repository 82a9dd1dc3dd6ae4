# cmake -DLLD= -DEMULATION= -DRUNTIME= -DOBJECT= -DOUT= -P LinkDemo.cmake: links as link.txt says.
file(STRINGS ${RUNTIME}/link.txt order)
set(items)
foreach(item ${order})
  if(item STREQUAL "@PROGRAM@")
    list(APPEND items ${OBJECT})
  elseif(item MATCHES "^-")
    list(APPEND items ${item})
  else()
    list(APPEND items ${RUNTIME}/${item})
  endif()
endforeach()
execute_process(COMMAND ${LLD} -m ${EMULATION} -static --no-pie --gc-sections --strip-debug -o ${OUT} ${items}
                COMMAND_ERROR_IS_FATAL ANY)
