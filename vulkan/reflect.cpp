#include "vulkan/reflect.h"

#include <algorithm>
#include <cstring>

#include "rewind/ops/contract.h"

namespace rw::vulkan {
namespace {

// The few instruction, decoration and capability numbers of the SPIR-V specification that are looked at.
enum : uint32_t {
    op_name = 5, op_execution_mode = 16, op_capability = 17, op_constant = 43, op_spec_constant_true = 48,
    op_spec_constant_false = 49, op_spec_constant = 50, op_spec_constant_composite = 51, op_constant_composite = 44,
    op_variable = 59, op_access_chain = 65, op_decorate = 71, op_execution_mode_id = 331,
    mode_local_size = 17, mode_local_size_id = 38,
    decoration_spec_id = 1, decoration_builtin = 11, decoration_binding = 33, builtin_workgroup_size = 25,
    capability_group_non_uniform = 61, capability_physical_addresses = 5347, class_push_constant = 9,
};

}  // namespace

Reflection reflect(std::span<const uint32_t> words) {
    if (words.size() < 5 || words[0] != 0x07230203) throw Error(Status::internal, "vulkan: a module is not SPIR-V");
    Reflection r;
    std::map<uint32_t, std::string> names;
    std::map<uint32_t, uint32_t> spec_ids, values;
    std::array<uint32_t, 3> local_constants{};
    uint32_t workgroup_size = 0, push = ~0u;
    const auto take_local = [&](const uint32_t* ids) { std::copy_n(ids, 3, local_constants.begin()); };
    for (size_t at = 5; at < words.size();) {
        const uint32_t op = words[at] & 0xffff, length = words[at] >> 16;
        if (length == 0 || at + length > words.size()) throw Error(Status::internal, "vulkan: a module is cut short");
        const uint32_t* w = &words[at];
        if (op == op_name) {
            const char* text = reinterpret_cast<const char*>(w + 2);
            names[w[1]] = std::string(text, strnlen(text, (length - 2) * 4));
        } else if (op == op_capability) {
            r.subgroups = r.subgroups || (w[1] >= capability_group_non_uniform && w[1] <= capability_group_non_uniform + 7);
            r.addresses = r.addresses || w[1] == capability_physical_addresses;
        } else if (op == op_execution_mode && w[2] == mode_local_size) {
            std::copy_n(w + 3, 3, r.local.begin());
        } else if (op == op_execution_mode_id && w[2] == mode_local_size_id) {
            take_local(w + 3);
        } else if (op == op_decorate && w[2] == decoration_spec_id) {
            spec_ids[w[1]] = w[3];
        } else if (op == op_decorate && w[2] == decoration_binding) {
            r.bindings.push_back(w[3]);
        } else if (op == op_decorate && w[2] == decoration_builtin && w[3] == builtin_workgroup_size) {
            workgroup_size = w[1];
        } else if (op == op_constant || op == op_spec_constant) {
            values[w[2]] = w[3];
        } else if ((op == op_spec_constant_composite || op == op_constant_composite) && w[2] == workgroup_size) {
            take_local(w + 3);
        } else if (op == op_variable && w[3] == class_push_constant) {
            push = w[2];
        } else if (op == op_access_chain && w[3] == push) {
            r.push_constants = true;  // declared by every kernel, used by those that run over tokens
        }
        at += length;
    }
    for (int d = 0; d < 3; ++d) {
        if (!local_constants[d]) continue;
        r.local[d] = values[local_constants[d]];
        if (const auto it = spec_ids.find(local_constants[d]); it != spec_ids.end()) r.local_id[d] = it->second;
    }
    for (const auto& [id, spec] : spec_ids)
        if (const auto it = names.find(id); it != names.end() && !it->second.empty()) r.constants[it->second] = spec;
    std::sort(r.bindings.begin(), r.bindings.end());
    r.bindings.erase(std::unique(r.bindings.begin(), r.bindings.end()), r.bindings.end());
    return r;
}

}  // namespace rw::vulkan
