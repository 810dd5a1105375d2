# Installation: library, headers, the rewind:: CMake package and a pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS rewind EXPORT rewind-targets)
install(DIRECTORY include/rewind DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET rewind_program)
  install(TARGETS rewind_program)
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/rewind)
install(EXPORT rewind-targets NAMESPACE rewind:: DESTINATION ${package})
set(REWIND_CXX_LIBS ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
configure_package_config_file(cmake/rewind-config.cmake.in rewind-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(rewind-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/rewind-config.cmake ${PROJECT_BINARY_DIR}/rewind-config-version.cmake
        DESTINATION ${package})

# What a static librewind.a needs besides itself; a shared one brings it.
set(REWIND_STATIC_LIBS "")
if(NOT BUILD_SHARED_LIBS)
  set(REWIND_STATIC_LIBS "-lhwy${REWIND_CPU_LIBS} -lgomp -lstdc++ -lm")
  if(REWIND_VULKAN)
    string(APPEND REWIND_STATIC_LIBS " ${REWIND_VULKAN_LIBS}")
  endif()
  if(REWIND_OPENCL)
    string(APPEND REWIND_STATIC_LIBS " ${REWIND_OPENCL_LIBS}-lOpenCL")
  endif()
endif()
# From where the file lies, so that an installation may be moved, or made with another --prefix.
file(RELATIVE_PATH REWIND_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" REWIND_PC_TO_PREFIX "${REWIND_PC_TO_PREFIX}")
configure_file(cmake/rewind.pc.in rewind.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rewind.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The installed package is tested the way an engine would use it.
if(REWIND_TESTS)
  add_test(NAME consumer COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DSOURCE=${PROJECT_SOURCE_DIR}
           -DGENERATOR=${CMAKE_GENERATOR} -DLIBDIR=${CMAKE_INSTALL_LIBDIR} -DCC=${CMAKE_C_COMPILER}
           -DFLAGS=$<$<BOOL:${REWIND_SANITIZE}>:-fsanitize=address,undefined>
           -P ${PROJECT_SOURCE_DIR}/tests/consumer/run.cmake)
endif()
