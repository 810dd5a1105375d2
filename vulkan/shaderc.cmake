# REWIND_SHADERC_LIBS: what links against libshaderc here. Debian 12's shared library lacks its own dependencies; the
# static parts it was made of are linked instead there.
include(CheckCXXSourceCompiles)
set(probe "#include <shaderc/shaderc.hpp>
int main() { return int(shaderc::Compiler().CompileGlslToSpv(\"\", shaderc_compute_shader, \"\").GetCompilationStatus()); }")
set(static_parts shaderc_combined glslang SPIRV MachineIndependent GenericCodeGen OSDependent OGLCompiler SPIRV-Tools-opt
                 SPIRV-Tools pthread)
set(CMAKE_REQUIRED_LIBRARIES shaderc)
check_cxx_source_compiles("${probe}" REWIND_SHADERC_SHARED)
set(CMAKE_REQUIRED_LIBRARIES ${static_parts})
if(NOT REWIND_SHADERC_SHARED)
  check_cxx_source_compiles("${probe}" REWIND_SHADERC_STATIC)
endif()
unset(CMAKE_REQUIRED_LIBRARIES)
if(REWIND_SHADERC_SHARED)
  set(REWIND_SHADERC_LIBS shaderc)
elseif(REWIND_SHADERC_STATIC)
  set(REWIND_SHADERC_LIBS ${static_parts})
else()
  message(FATAL_ERROR "libshaderc was not found or does not link: install libshaderc-dev, glslang-dev and "
                      "spirv-tools, or configure with -DREWIND_VULKAN=OFF")
endif()
