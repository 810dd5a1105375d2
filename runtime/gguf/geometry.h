// What the metadata of a Gated-DeltaNet hybrid says about its shape: architectures qwen35, qwen35moe and qwen3next.
//
// Blocks 0..trunk-1 are the model, each either recurrent (Gated DeltaNet) or full attention; a block after them, where
// there is one, is the multi-token prediction (MTP) head, which is a full-attention block.
#pragma once

#include <array>

#include "runtime/gguf/file.h"
#include "runtime/gguf/problems.h"

namespace rw::gguf {

/// What differs between the architectures.
struct Family {
    const char* name;
    bool moe;
    bool interleaved;       // V head h uses K head h / (V heads / K heads); else h % K heads
    bool sections;          // rotary dimensions are divided between 3-D positions
    bool joint_beta_alpha;  // one ssm_ba instead of ssm_alpha and ssm_beta
    const char* pretokenizer;
};
/// Null for an architecture that is not of the family.
const Family* find_family(std::string_view architecture);
/// "qwen35, qwen35moe, ..."
std::string families();

struct Geometry {
    const Family* family = nullptr;
    uint32_t blocks = 0, mtp_blocks = 0;  // blocks counts the MTP block too
    bool mtp_only = false;                // a file with the MTP block but without the trunk
    uint32_t context = 0, width = 0, ff = 0, vocab = 0;
    std::vector<uint32_t> heads, kv_heads;  // per block
    uint32_t key_length = 0, value_length = 0;
    float eps = 0, rope_base = 0;
    uint32_t rope_dims = 0;
    std::array<uint32_t, 4> rope_sections{};
    uint32_t conv = 0, state = 0, k_heads = 0, v_heads = 0;
    std::vector<bool> recurrent;  // per block
    uint32_t experts = 0, experts_used = 0, expert_ff = 0, shared_ff = 0;

    uint32_t trunk() const { return blocks - mtp_blocks; }
    int64_t inner() const { return int64_t(state) * v_heads; }
    int64_t key_width() const { return int64_t(state) * k_heads; }
    int64_t conv_width() const { return 2 * key_width() + inner(); }
};

/// Reads and checks everything; what is wrong goes into `problems`, and the geometry is good only when nothing does.
Geometry read_geometry(const File& file, Problems& problems);

inline constexpr uint32_t most_blocks = 1024;

}  // namespace rw::gguf
