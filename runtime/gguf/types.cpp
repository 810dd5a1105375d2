#include "runtime/gguf/types.h"

#include <strings.h>

#include "rewind/ops/contract.h"

namespace rw::gguf {
namespace {

constexpr TypeInfo row(int id, const char* name, uint32_t block, uint32_t bytes, bool weights = false) {
    return {TensorType(id), name, block, bytes, weights};
}

constexpr TypeInfo table[] = {
    row(0, "F32", 1, 4, true),          row(1, "F16", 1, 2, true),         row(2, "Q4_0", 32, 18, true),
    row(3, "Q4_1", 32, 20, true),       row(4, "Q4_2", 0, 0),              row(5, "Q4_3", 0, 0),
    row(6, "Q5_0", 32, 22, true),       row(7, "Q5_1", 32, 24, true),      row(8, "Q8_0", 32, 34, true),
    row(9, "Q8_1", 32, 36),             row(10, "Q2_K", 256, 84),          row(11, "Q3_K", 256, 110),
    row(12, "Q4_K", 256, 144, true),    row(13, "Q5_K", 256, 176, true),   row(14, "Q6_K", 256, 210, true),
    row(15, "Q8_K", 256, 292),          row(16, "IQ2_XXS", 256, 66),       row(17, "IQ2_XS", 256, 74),
    row(18, "IQ3_XXS", 256, 98),        row(19, "IQ1_S", 256, 50),         row(20, "IQ4_NL", 32, 18, true),
    row(21, "IQ3_S", 256, 110),         row(22, "IQ2_S", 256, 82),         row(23, "IQ4_XS", 256, 136, true),
    row(24, "I8", 1, 1),                row(25, "I16", 1, 2),              row(26, "I32", 1, 4),
    row(27, "I64", 1, 8),               row(28, "F64", 1, 8),              row(29, "IQ1_M", 256, 56),
    row(30, "BF16", 1, 2, true),        row(31, "Q4_0_4_4", 0, 0),         row(32, "Q4_0_4_8", 0, 0),
    row(33, "Q4_0_8_8", 0, 0),          row(34, "TQ1_0", 256, 54),         row(35, "TQ2_0", 256, 66),
    row(36, "IQ4_NL_4_4", 0, 0),        row(37, "IQ4_NL_4_8", 0, 0),       row(38, "IQ4_NL_8_8", 0, 0),
    row(39, "MXFP4", 32, 17),           row(40, "NVFP4", 64, 36),          row(41, "Q1_0", 128, 18),
    row(42, "Q2_0", 64, 18),
};
constexpr int32_t count = std::size(table);

constexpr bool indexed_by_id() {
    for (int32_t i = 0; i < count; ++i)
        if (int32_t(table[i].type) != i) return false;
    return true;
}
static_assert(indexed_by_id());

}  // namespace

const TypeInfo* find_type(int32_t id) { return id >= 0 && id < count ? &table[id] : nullptr; }

const TypeInfo* find_type(std::string_view name) {
    for (const TypeInfo& t : table)
        if (strcasecmp(t.name, std::string(name).c_str()) == 0) return &t;
    return nullptr;
}

const TypeInfo& info(TensorType type) {
    if (const TypeInfo* found = find_type(int32_t(type))) return *found;
    throw Error(Status::internal, "tensor type " + std::to_string(int32_t(type)) + " is not in the table");
}

std::string weight_types() {
    std::string names;
    for (const TypeInfo& t : table)
        if (t.weights) names += (names.empty() ? "" : ", ") + std::string(t.name);
    return names;
}

}  // namespace rw::gguf
