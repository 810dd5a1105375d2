# Installs the build into a fresh prefix, moves that, and uses it as engines do: a C++ project and a C project with
# find_package, and a plain compiler call with pkg-config. Runs the programs.
set(prefix ${BUILD}/consumer/moved)
set(work ${BUILD}/consumer/build)
file(REMOVE_RECURSE ${BUILD}/consumer)
function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result)
    message(FATAL_ERROR "${ARGV}:\n${output}")
  endif()
  message(STATUS "${output}")
endfunction()
step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${BUILD}/consumer/prefix)
file(RENAME ${BUILD}/consumer/prefix ${prefix})

step(${CMAKE_COMMAND} -S ${SOURCE}/tests/consumer -B ${work} -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${prefix}
     -DCMAKE_CXX_FLAGS=${FLAGS})
step(${CMAKE_COMMAND} --build ${work})
step(${work}/consumer_cpp)

step(${CMAKE_COMMAND} -S ${SOURCE}/tests/consumer/c -B ${work}-c -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${prefix}
     -DCMAKE_C_FLAGS=${FLAGS})
step(${CMAKE_COMMAND} --build ${work}-c)
step(${work}-c/consumer_c)

find_program(PKG_CONFIG pkg-config REQUIRED)
set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
execute_process(COMMAND ${PKG_CONFIG} --cflags --libs rewind OUTPUT_VARIABLE words COMMAND_ERROR_IS_FATAL ANY
                OUTPUT_STRIP_TRAILING_WHITESPACE)
separate_arguments(words UNIX_COMMAND "${FLAGS} ${SOURCE}/tests/consumer/consumer.c ${words} -Wl,-rpath,${prefix}/${LIBDIR}")
step(${CC} ${words} -o ${work}/consumer_pc)
step(${work}/consumer_pc)
