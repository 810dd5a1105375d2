// The element types of a GGUF file: tensors are stored in blocks along their first dimension.
//
// A type is listed when files exist that use it; that a file can be read does not mean that a model can be run from it:
// `weights` says whether matrix products take the type. Retired types keep their names, so that the refusal of an old
// file can say which one it met.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rw::gguf {

enum class TensorType : int32_t {
    f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q4_k = 12, q5_k = 13, q6_k = 14, iq4_nl = 20,
    iq4_xs = 23, i32 = 26, bf16 = 30,  // those that code speaks of; the others are rows of the table only
};

struct TypeInfo {
    TensorType type;
    const char* name;
    uint32_t block;  // elements of a block; 0: retired
    uint32_t bytes;  // of a block
    bool weights;    // taken by matrix products
};

/// Null when no type has this id.
const TypeInfo* find_type(int32_t id);
/// By name in any case ("q8_0"); null when there is none.
const TypeInfo* find_type(std::string_view name);
/// Of a type that is in the table.
const TypeInfo& info(TensorType type);
inline const char* name_of(TensorType type) { return info(type).name; }
/// "F32, F16, ...": the types that matrix products take.
std::string weight_types();

}  // namespace rw::gguf
