// What every Vulkan kernel is given: the parameter block, the fault word and the token range of this dispatch.
//
// Before including this: #define PARAMS <stem>_params, and include "rewind/ops/<stem>.h" and "<stem>_args.h".
// Binding numbers and indices are generated from ops.def (RW_BIND_x, RW_ARG_x); nothing is numbered by hand.
//
// The block is a uniform buffer, which devices read once for all invocations; its fields are whole words, so its layout is
// that of the C++ struct.
//
//   p        the op's parameters                       rw_arg[RW_ARG_x]   where argument x is, see Place
//   t0, t1   tokens [t0, t1) of this dispatch          raise(bits)        reports a bad index in a device buffer
//
// Specialisation constants: ids 0..2 are the work-group size, 9 is load.glsl's ALIGNED; names are what the host goes by,
// so any free id will do: gdn.glsl takes 10..19, a kernel's own begin at 30.
#ifndef REWIND_BLOCK_GLSL
#define REWIND_BLOCK_GLSL

layout(std140, binding = 0) uniform RwBlock {
    uvec4 rw_arg[RW_MAX_ARGS];
    PARAMS p;
};
layout(std430, binding = 1) buffer RwFault { uint rw_fault; };
layout(push_constant) uniform RwRange { int t0, t1; };

void raise(uint bits) { atomicOr(rw_fault, bits); }
bool present(int arg) { return rw_arg[arg].w != 0; }

#endif
