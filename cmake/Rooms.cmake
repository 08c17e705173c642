# godwit_room(NAME [DEPS rooms...] [LIBS libraries...])
#
# A room is one static library made of every .c and .cc file of its folder. Its public include path holds the room
# alone (build/rooms/NAME/NAME -> NAME), so a file can include only the rooms that its target links to:
# `#include "kernels/tape.h"` from base/ does not compile. tests/layering proves it.
function(godwit_room name)
  cmake_parse_arguments(R "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(godwit_${name} STATIC ${sources})
  set(window ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${window})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${window}/${name} SYMBOLIC)
  target_include_directories(godwit_${name} PUBLIC $<BUILD_INTERFACE:${window}>)
  foreach(dep ${R_DEPS})
    target_link_libraries(godwit_${name} PUBLIC godwit_${dep})
  endforeach()
  target_link_libraries(godwit_${name} PRIVATE ${R_LIBS})
endfunction()
