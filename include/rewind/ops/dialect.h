// One parameter struct, three languages. A contract header lists its fields once, as
//
//   #define RW_MY_OP_FIELDS(I, F) I(T) I(B) F(scale)
//   RW_PARAMS(my_op_params, RW_MY_OP_FIELDS)
//
// and C++, GLSL and OpenCL C all see `struct my_op_params` with 32-bit members in that order, so nothing is mirrored
// by hand. In C++ the same list also yields the name table that kernel rows (shaders/<op>.kernels) are evaluated with.
// Comments inside such a list have to be of the /* */ kind.
#ifndef REWIND_OPS_DIALECT_H
#define REWIND_OPS_DIALECT_H

#define RW_MAX_ARGS 24 /* most inputs + outputs + scratch of one op */

/* Element types as the kernels see them (equal to rw_type in rewind.h). */
#define RW_F32 0
#define RW_F16 1
#define RW_BF16 2
#define RW_I32 3
/* Blocks of quantised values as GGUF files have them: layouts and formulas in core/blocks.h. */
#define RW_Q8_0 4
#define RW_Q4_0 5
#define RW_Q4_1 6
#define RW_Q5_0 7
#define RW_Q5_1 8
#define RW_Q4_K 9
#define RW_Q5_K 10
#define RW_Q6_K 11
#define RW_IQ4_NL 12
#define RW_IQ4_XS 13

/* Bits a kernel ors into the fault word; the next wait turns them into a range error. */
#define RW_FAULT_SLOT 1
#define RW_FAULT_SEQ 2
#define RW_FAULT_SEQ_LEN 4
#define RW_FAULT_FIRST 8
#define RW_FAULT_POS 16
#define RW_FAULT_ROW 32

#if defined(__cplusplus)

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace rw::ops {
struct Field {
    const char* name;
    bool is_float;
    uint32_t offset;  // bytes
};
}  // namespace rw::ops

#define RW_DETAIL_INT(n) int32_t n;
#define RW_DETAIL_FLOAT(n) float n;
#define RW_DETAIL_INT_ROW(n) ::rw::ops::Field{#n, false, uint32_t(offsetof(RwSelf, n))},
#define RW_DETAIL_FLOAT_ROW(n) ::rw::ops::Field{#n, true, uint32_t(offsetof(RwSelf, n))},
#define RW_DETAIL_COUNT(n) +1
#define RW_PARAMS(Name, FIELDS)                                                                       \
    struct Name {                                                                                     \
        FIELDS(RW_DETAIL_INT, RW_DETAIL_FLOAT)                                                        \
    };                                                                                                \
    static_assert(std::is_standard_layout_v<Name> && std::is_trivially_copyable_v<Name>);             \
    static_assert(sizeof(Name) == 4 * (0 FIELDS(RW_DETAIL_COUNT, RW_DETAIL_COUNT)), "32-bit fields"); \
    struct Name##_table {                                                                             \
        using RwSelf = Name;                                                                          \
        static constexpr ::rw::ops::Field rows[] = {FIELDS(RW_DETAIL_INT_ROW, RW_DETAIL_FLOAT_ROW)}; \
    };

#else /* GLSL, OpenCL C */

#define RW_DETAIL_INT(n) int n;
#define RW_DETAIL_FLOAT(n) float n;
#define RW_PARAMS(Name, FIELDS)                \
    struct Name {                              \
        FIELDS(RW_DETAIL_INT, RW_DETAIL_FLOAT) \
    };

#endif
#endif
