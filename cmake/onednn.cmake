# Whether there is a oneDNN that prompts can be multiplied with: REWIND_ONEDNN_MISSING is empty, or says why not.
#
# By name, not by its CMake package: Debian's asks for OpenCL, which the CPU backend knows nothing of. Kernels give oneDNN
# one thread a product. It can be kept to that when it starts its threads with OpenMP or has none, and no other way.
find_path(REWIND_ONEDNN_HEADERS oneapi/dnnl/dnnl.h)
find_library(REWIND_ONEDNN_LIBRARY dnnl)
set(REWIND_ONEDNN_MISSING "")
if(NOT REWIND_ONEDNN_HEADERS OR NOT REWIND_ONEDNN_LIBRARY)
  set(REWIND_ONEDNN_MISSING "oneDNN was not found")
else()
  file(STRINGS ${REWIND_ONEDNN_HEADERS}/oneapi/dnnl/dnnl_config.h onednn_threads
       REGEX "^#define[ \t]+DNNL_CPU_THREADING_RUNTIME[ \t]")
  string(REGEX REPLACE ".*DNNL_RUNTIME_" "" onednn_threads "${onednn_threads}")
  if(NOT onednn_threads MATCHES "^(OMP|SEQ)$")
    set(REWIND_ONEDNN_MISSING "the oneDNN of ${REWIND_ONEDNN_HEADERS} has threads of another kind than OpenMP's (${onednn_threads})")
  endif()
endif()
