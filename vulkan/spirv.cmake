# Compiles each distinct `pass X.comp A=1 ...` line of shaders/*.kernels to SPIR-V once (and once more with FAR=1 when
# the row says `far`), and writes the table of them:
# generated/spirv_modules.h, by the same key that core::Pass has. Names stay in (no -g0): specialisation is by name.

find_program(GLSLANG glslangValidator REQUIRED)
set(REWIND_SPIRV_DIR ${PROJECT_BINARY_DIR}/spirv)
set(REWIND_SPIRV_HEADERS "")
set(REWIND_SPIRV_BINARIES "")
set(keys "")
foreach(stem IN LISTS REWIND_OPS)
  file(STRINGS ${PROJECT_SOURCE_DIR}/shaders/${stem}.kernels lines REGEX "^(\\[|far|[ \t]*pass[ \t]+[^ \t]+\\.comp)")
  set(far FALSE)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "#.*" "" line "${line}")
    if(line MATCHES "^(\\[|far)")
      string(COMPARE NOTEQUAL "${CMAKE_MATCH_1}" "[" far)
      continue()
    endif()
    string(REGEX REPLACE "^[ \t]*pass[ \t]+" "" line "${line}")
    string(REGEX REPLACE "[ \t]+" " " line "${line}")
    string(STRIP "${line}" key)
    list(APPEND keys "${key}")
    if(far)
      list(APPEND keys "${key} FAR=1")
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES keys)

set(includes "")
set(table "")
foreach(key IN LISTS keys)
  string(REPLACE " " ";" words "${key}")
  list(POP_FRONT words source)
  set(defines "")
  foreach(word IN LISTS words)
    list(APPEND defines -D${word})
  endforeach()
  string(MAKE_C_IDENTIFIER "spirv_${key}" name)
  set(output ${REWIND_SPIRV_DIR}/${name})
  set(compile ${GLSLANG} --quiet -V --target-env vulkan1.1 -S comp -I${PROJECT_SOURCE_DIR}/shaders
              -I${PROJECT_SOURCE_DIR}/include -I${REWIND_GENERATED}/kernels ${defines}
              ${PROJECT_SOURCE_DIR}/shaders/${source})
  add_custom_command(
    OUTPUT ${output}.h ${output}.spv
    COMMAND ${compile} -o ${output}.spv
    COMMAND ${compile} --vn ${name} -o ${output}.h --depfile ${output}.d
    DEPENDS ${PROJECT_SOURCE_DIR}/shaders/${source}
    DEPFILE ${output}.d
    COMMENT "SPIR-V ${key}"
    VERBATIM)
  list(APPEND REWIND_SPIRV_HEADERS ${output}.h)
  list(APPEND REWIND_SPIRV_BINARIES ${output}.spv)
  string(APPEND includes "#include \"${name}.h\"\n")
  string(APPEND table "    {\"${key}\", ${name}, sizeof ${name} / sizeof *${name}},\n")
endforeach()
file(MAKE_DIRECTORY ${REWIND_SPIRV_DIR})
rewind_write(spirv_modules.h "#include <cstddef>\n#include <cstdint>\nnamespace rw::vulkan {\nnamespace {\n${includes}struct SpirvModule {\n    const char* key;\n    const uint32_t* words;\n    size_t count;\n};\nconstexpr SpirvModule spirv_modules[] = {\n${table}    {\"\", nullptr, 0}};\n}\n}\n")
