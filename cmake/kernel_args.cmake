# What a kernel sees of its op's argument list, generated from ops.def so that no binding or signature is typed twice:
# generated/kernels/<stem>_args.h, included by shaders/<stem>.comp and .cl as "<stem>_args.h".
#
#   binding 0   struct { uvec4 arg[RW_MAX_ARGS]; <stem>_params p; }    arg[i]: x, y = byte address or offset (64 bits),
#               z = elements (of a quantised type: half-words) from the binding's start to the tensor, w = 1 when present
#   binding 1   the fault word
#   binding 2+i argument i in ops.def order; then the row's scratch buffers in order
#
# GLSL:     RW_BIND_<name>, RW_BIND_SCRATCH (first scratch buffer), RW_ARG_<name> (index into arg[])
# OpenCL C: RW_ARG_<name>, and RW_KERNEL_ARGS, the leading parameters of every kernel of the op:
#           block (params), fault, arg_<name> for every argument. Scratch buffers and (int t0, int t1) follow.
#           RW_KERNEL_PASS_ON: the same as call arguments, for kernels that share a function.

foreach(stem IN LISTS REWIND_OPS)
  string(REGEX REPLACE "^.*REWIND_OP\\([A-Z0-9_]+, *${stem}," "" body "${ops_text}")
  string(REGEX REPLACE "REWIND_OP\\(.*$" "" body "${body}")
  string(REGEX MATCHALL "REWIND_(IN|OPT|OUT|INOUT|OVER|OPT_OVER)\\([a-z0-9_]+" args "${body}")
  set(header "/* Generated from ops.def: the arguments of ${stem}. */\n")
  set(signature "__global const struct ${stem}_block* block, __global volatile int* fault")
  set(pass_on "block, fault")
  set(index 0)
  foreach(arg IN LISTS args)
    string(REGEX REPLACE ".*\\(" "" name "${arg}")
    math(EXPR binding "${index} + 2")
    string(APPEND header "#define RW_ARG_${name} ${index}\n#define RW_BIND_${name} ${binding}\n")
    string(APPEND signature ", __global uchar* arg_${name}")
    string(APPEND pass_on ", arg_${name}")
    math(EXPR index "${index} + 1")
  endforeach()
  math(EXPR binding "${index} + 2")
  string(APPEND header "#define RW_BIND_SCRATCH ${binding}\n#define RW_OP_ARGS ${index}\n"
                       "#if defined(__OPENCL_VERSION__)\nstruct ${stem}_block {\n    uint4 arg[RW_MAX_ARGS];\n"
                       "    struct ${stem}_params p;\n};\n#define RW_KERNEL_ARGS ${signature}\n#define RW_KERNEL_PASS_ON ${pass_on}\n#endif\n")
  rewind_write(kernels/${stem}_args.h "${header}")
  list(APPEND REWIND_KERNEL_ARGS kernels/${stem}_args.h)
endforeach()
