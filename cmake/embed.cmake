# Embeds kernel sources as text: shaders/* and the contract headers they include. Also the version: the project's, with
# a hash of all kernel sources, so that caches on disk go stale when a kernel changes.

file(GLOB kernel_files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     shaders/*.comp shaders/*.cl shaders/*.kernels shaders/*.glsl shaders/*.clh shaders/*.h include/rewind/ops/*.h)
foreach(file IN LISTS REWIND_KERNEL_ARGS)
  list(APPEND kernel_files ${REWIND_GENERATED}/${file})
endforeach()
set(embedded_table "")
set(all_text "")
foreach(file IN LISTS kernel_files)
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE path)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  string(SHA256 hash "${text}")
  string(APPEND all_text "${hash}")
  # A compiler may refuse one string literal past 64 KiB: give it pieces, which it joins.
  string(LENGTH "${text}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literal "R\"~rw~(${piece})~rw~\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(REGEX REPLACE "^(shaders|include|.*/generated/kernels)/" "" name "${file}")
  string(APPEND embedded_table "    {\"${name}\", ${literal}},\n")
endforeach()
string(SHA256 hash "${all_text}")
string(SUBSTRING ${hash} 0 12 hash)

rewind_write(embedded_sources.h "#include <string_view>\nnamespace rw::core {\nstruct EmbeddedSource {\n    const char* file;\n    std::string_view text;\n};\ninline constexpr EmbeddedSource embedded_sources[] = {\n${embedded_table}};\n}\n")
rewind_write(version.cpp "#include \"core/version.h\"\nnamespace rw::core {\nconst char* version() { return \"${PROJECT_VERSION}+${hash}\"; }\n}\n")
set(REWIND_EMBEDDED ${REWIND_GENERATED}/version.cpp)
