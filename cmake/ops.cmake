# Reads the two lists, ops.def and backends.def, checks that every row has its files, and writes the few headers that
# need a line a row (a preprocessor cannot build #include lines from a macro).

set(REWIND_GENERATED ${PROJECT_BINARY_DIR}/generated)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS include/rewind/ops.def core/backends.def)

file(READ include/rewind/ops.def ops_text)
string(REGEX REPLACE "//[^\n]*" "" ops_text "${ops_text}")
string(REGEX MATCHALL "REWIND_OP\\([A-Z0-9_]+, *[a-z0-9_]+" rows "${ops_text}")
set(REWIND_OPS "")
foreach(row IN LISTS rows)
  string(REGEX REPLACE ".*, *" "" stem "${row}")
  list(APPEND REWIND_OPS ${stem})
endforeach()

set(missing "")
foreach(stem IN LISTS REWIND_OPS)
  foreach(file include/rewind/ops/${stem}.h core/ops/${stem}.cpp reference/${stem}.cpp cpu/${stem}.cpp
               shaders/${stem}.comp shaders/${stem}.cl shaders/${stem}.kernels tests/ops/${stem}.cpp
               tests/cases/${stem}.smoke tests/cases/${stem}.ci tests/cases/${stem}.all tests/cases/${stem}.perf)
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${file})
      string(APPEND missing "\n  ${file}")
    endif()
  endforeach()
endforeach()
if(missing)
  message(FATAL_ERROR "include/rewind/ops.def has a row without its files. Missing:${missing}\n"
                      "See docs/add-an-op.md.")
endif()

file(READ core/backends.def backends_text)
string(REGEX REPLACE "//[^\n]*" "" backends_text "${backends_text}")
string(REGEX MATCHALL "REWIND_BACKEND\\([a-z0-9_]+" rows "${backends_text}")
set(REWIND_BACKENDS "")
foreach(row IN LISTS rows)
  string(REGEX REPLACE ".*\\(" "" backend "${row}")
  string(TOUPPER ${backend} upper)
  if(REWIND_${upper})
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${backend}/CMakeLists.txt)
      message(FATAL_ERROR "core/backends.def has the row ${backend}, but ${backend}/CMakeLists.txt is missing. "
                          "See docs/add-a-backend.md.")
    endif()
    list(APPEND REWIND_BACKENDS ${backend})
  endif()
endforeach()

function(rewind_write file text)  # only when it changes, so that nothing is rebuilt for no reason
  file(WRITE ${REWIND_GENERATED}/${file}.new "${text}")
  configure_file(${REWIND_GENERATED}/${file}.new ${REWIND_GENERATED}/${file} COPYONLY)
endfunction()

set(contracts "")
set(references "")
set(cpu_kernels "")
foreach(stem IN LISTS REWIND_OPS)
  string(APPEND contracts "#include \"rewind/ops/${stem}.h\"\n")
  string(APPEND reference_decls "void ${stem}(Run&);\n")
  string(APPEND references "    ${stem},\n")
  string(APPEND cpu_decls "std::vector<Kernel> ${stem}_kernels();\n")
  string(APPEND cpu_kernels "    ${stem}_kernels,\n")
endforeach()
rewind_write(contracts.h "${contracts}")
rewind_write(reference_list.h "namespace rw::reference {\n${reference_decls}constexpr void (*functions[])(Run&) = {\n${references}};\n}\n")
rewind_write(cpu_list.h "namespace rw::cpu {\n${cpu_decls}constexpr std::vector<Kernel> (*kernel_lists[])() = {\n${cpu_kernels}};\n}\n")

foreach(backend IN LISTS REWIND_BACKENDS)
  string(APPEND backend_decls "namespace rw::${backend} { std::unique_ptr<core::Backend> make_backend(); }\n")
  string(APPEND backend_calls "    list.push_back(${backend}::make_backend());\n")
endforeach()
rewind_write(backends.h "${backend_decls}namespace rw::core {\ninline std::vector<std::unique_ptr<Backend>> make_backends() {\n    std::vector<std::unique_ptr<Backend>> list;\n${backend_calls}    return list;\n}\n}\n")
