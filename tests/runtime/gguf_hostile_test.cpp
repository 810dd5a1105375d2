// Malformed and malicious files, one row each: every one ends in an error or a listed problem that says what is wrong,
// quickly and without memory beyond the size of the file. The numbers group the rows by what they attack.
#include <gtest/gtest.h>

#include <chrono>

#include "runtime/gguf/byte_alphabet.h"
#include "tests/runtime/allocation.h"
#include "tests/runtime/gguf_image.h"

namespace rw::test {
namespace {

using gguf::Draft;
using gguf::Recipe;
using gguf::TensorType;
constexpr uint64_t huge = ~0ull;
constexpr int32_t u8 = 0, u32 = 4, i32 = 5, boolean = 7, string = 8, array = 9;

struct Hostile {
    const char* name;
    std::function<std::string()> image;
    const char* says;
};

/// One key "k" of a type, then whatever follows.
Image key(int32_t type, uint64_t tensors = 0) { return Image::header(tensors, 1).text("k").i32(type); }
/// The key general.alignment, one tensor of 4 floats and its data.
std::string aligned(uint32_t alignment) {
    return Image::header(1, 1).text("general.alignment").i32(u32).u32(alignment).tensor("x", {4}, 0, 0).pad().zeros(1 << 12).bytes;
}
/// One tensor and 4 KiB of data.
std::string tensor(std::string_view name, std::vector<int64_t> ne, int32_t type = 0, uint64_t offset = 0) {
    return Image::header(1, 0).tensor(name, ne, type, offset).pad().zeros(4096).bytes;
}
std::string second_tensor(uint64_t offset) {
    return Image::header(2, 0).tensor("x", {16}, 0, 0).tensor("y", {16}, 0, offset).pad().zeros(4096).bytes;
}
template <class T>
std::string with(const char* name, T value, const char* architecture = "qwen35") {
    Recipe recipe;
    recipe.architecture = architecture;
    return model_image([&](Draft& d) { d.set(std::string(architecture) + "." + name, value); }, recipe);
}
template <class T>
std::string with_array(const std::string& name, const std::vector<T>& values) {
    return model_image([&](Draft& d) { d.set_array(name, values); });
}
std::string without(const char* name) {
    return model_image([&](Draft& d) { d.erase(name); });
}
std::string reshaped(const char* name, TensorType type, Extent ne, int dims) {
    return model_image([&](Draft& d) { d.remove(name), d.add(name, type, ne, dims); });
}
/// The vocabulary of the model with one token replaced.
std::string token(std::string text, int32_t type = 1) {
    std::vector<std::string> tokens;
    std::vector<int32_t> types(512, 1);
    for (int i = 0; i < 512; ++i) tokens.push_back(i < 256 ? gguf::spelled_byte(uint8_t(i)) : "t" + std::to_string(i));
    tokens[300] = std::move(text), types[300] = type;
    return model_image([&](Draft& d) {
        d.set_array("tokenizer.ggml.tokens", tokens);
        d.set_array("tokenizer.ggml.token_type", types);
        d.set_array("tokenizer.ggml.merges", std::vector<std::string>{});
    });
}
std::string merge(const char* text) { return with_array<std::string>("tokenizer.ggml.merges", {text}); }

const Hostile cases[] = {
    // the start of the file
    {"c01_bad_magic", [] { return Image{"GGUX"}.zeros(60).bytes; }, "not a GGUF file"},
    {"c02_version_0", [] { return Image::header(0, 0, 0).bytes; }, "version 0"},
    {"c03_version_1", [] { return Image::header(0, 0, 1).bytes; }, "version 1"},
    {"c04_version_future", [] { return Image::header(0, 0, 4).bytes; }, "version 4: 2 and 3 are read"},
    {"c04b_big_endian", [] { return Image::header(0, 0, 0x03000000).bytes; }, "big-endian"},
    {"c05_tensor_count_2_64", [] { return Image::header(huge, 0).bytes; }, "a tensor count of 18446744073709551615"},
    {"c05b_tensor_count_2_63", [] { return Image::header(1ull << 63, 0).zeros(999).bytes; }, "a tensor count of"},
    {"c06_key_count_2_64", [] { return Image::header(0, huge).bytes; }, "a key count of 18446744073709551615"},
    {"c06b_key_count_2_60", [] { return Image::header(0, 1ull << 60).zeros(999).bytes; }, "a file of this size has at most"},
    // keys
    {"c07_key_length", [] { return Image::header(0, 1).u64(huge).zeros(64).bytes; }, "a key needs 18446744073709551615 bytes"},
    {"c08_empty_key", [] { return Image::header(0, 1).text("").i32(u8).zeros(64).bytes; }, "a key of 0 bytes"},
    {"c09_duplicate_key",
     [] { return Image::header(0, 2).text("kk").i32(u32).u32(1).text("kk").i32(u32).u32(2).bytes; }, "'kk' occurs twice"},
    {"c10_value_type_13", [] { return key(13).zeros(64).bytes; }, "key 'k': value type 13 is unknown"},
    {"c10b_value_type_negative", [] { return key(-1).zeros(64).bytes; }, "value type -1 is unknown"},
    {"c11_array_of_unknown", [] { return key(array).i32(77).u64(1ull << 60).zeros(64).bytes; }, "element type 77 is unknown"},
    {"c12_array_of_arrays", [] { return key(array).i32(array).u64(1ull << 62).zeros(64).bytes; }, "array of arrays"},
    {"c13_array_length_2_63", [] { return key(array).i32(u8).u64(1ull << 63).zeros(64).bytes; }, "does not fit"},
    {"c13b_strings_length_2_61", [] { return key(array).i32(string).u64(1ull << 61).zeros(64).bytes; }, "does not fit"},
    {"c14_string_1_gib", [] { return key(string).u64(1u << 30).zeros(110).bytes; }, "needs 1073741824 bytes"},
    {"c15_string_wraps", [] { return key(string).u64(huge - 30).zeros(64).bytes; }, "needs 18446744073709551585 bytes"},
    {"c15b_array_bytes_wrap", [] { return key(array).i32(u32).u64((1ull << 62) + 1).zeros(64).bytes; }, "does not fit"},
    {"c16_string_of_array_passes_end",
     [] { return key(array).i32(string).u64(3).text("ab").u64(500).zeros(64).bytes; }, "a string of an array needs 500 bytes"},
    {"c17_alignment_of_other_type",
     [] { return Image::header(0, 1).text("general.alignment").i32(i32).i32(32).zeros(64).bytes; }, "expected u32"},
    {"c18_alignment_0", [] { return aligned(0); }, "a power of two from 8 to 65536, found u32 0"},
    {"c18b_alignment_13", [] { return aligned(13); }, "found u32 13"},
    {"c19_alignment_2_31", [] { return aligned(0x80000000u); }, "found u32 2147483648"},
    {"c19b_alignment_2_30", [] { return aligned(1u << 30); }, "found u32 1073741824"},
    {"c20_bool_2", [] { return key(boolean).put(uint8_t(2)).zeros(64).bytes; }, "a bool of 2"},
    {"c20b_bool_in_array", [] { return key(array).i32(boolean).u64(2).put(uint16_t(0xff01)).zeros(64).bytes; }, "a bool of 255"},
    // tensors
    {"c21_name_of_64", [] { return tensor(std::string(64, 'n'), {4}); }, "a name of 64 bytes"},
    {"c21b_name_empty", [] { return tensor("", {4}); }, "a name of 0 bytes"},
    {"c22_duplicate_tensor",
     [] { return Image::header(2, 0).tensor("x", {8}, 0, 0).tensor("x", {8}, 0, 32).pad().zeros(64).bytes; }, "'x' occurs twice"},
    {"c23_dims_5", [] { return tensor("x", {1, 1, 1, 1, 1}); }, "5 dimensions"},
    {"c23_dims_2_32", [] { return Image::header(1, 0).text("x").u32(~0u).zeros(999).bytes; }, "4294967295 dimensions"},
    {"c23b_dims_0", [] { return tensor("x", {}); }, "0 dimensions"},
    {"c24_negative_dim", [] { return tensor("x", {4, -1}); }, "a dimension of -1"},
    {"c25_zero_dim", [] { return tensor("x", {4, 0}); }, "a dimension of 0"},
    {"c26_elements_overflow", [] { return tensor("x", {1ll << 32, (1ll << 31) + 1}); }, "more than 2^63 elements"},
    {"c26b_elements_wrap_to_small", [] { return tensor("x", {1ll << 32, 1ll << 32, 4}); }, "more than 2^63 elements"},
    {"c27_bytes_overflow", [] { return tensor("x", {1ll << 61, 3}); }, "more than 2^63 bytes"},
    {"c28_padded_size_wraps", [] { return tensor("x", {4, (1 << 30) - 1, (1 << 30) + 1}); }, "more than 2^63 bytes"},
    {"c29_sum_wraps",
     [] {
         const int64_t n = 0x7fffffffffffffc0;
         return Image::header(2, 0).tensor("x", {n}, 24, 0).tensor("y", {n}, 24, uint64_t(n)).pad().zeros(64).bytes;
     },
     "more than 2^63 bytes"},
    {"c29b_sum_passes_end",
     [] {
         const int64_t n = 1ll << 62;
         return Image::header(2, 0).tensor("x", {n}, 24, 0).tensor("y", {n}, 24, uint64_t(n)).pad().zeros(64).bytes;
     },
     "pass the end of the file"},
    {"c30_type_unknown", [] { return tensor("x", {256}, 43); }, "type 43 is unknown"},
    {"c30b_type_negative", [] { return tensor("x", {256}, -1); }, "type -1 is unknown"},
    {"c30c_type_retired", [] { return tensor("x", {256}, 4); }, "type Q4_2 (4) was retired"},
    {"c30d_type_retired_with_name", [] { return tensor("x", {256}, 31); }, "type Q4_0_4_4 (31) was retired"},
    {"c31_row_not_whole_blocks", [] { return tensor("x", {48}, 8); }, "rows of 48 elements are not whole Q8_0 blocks of 32"},
    {"c32_offset_not_running", [] { return second_tensor(128); }, "tensor 'y': offset 128, expected 64"},
    {"c32b_offset_misaligned", [] { return second_tensor(65); }, "offset 65, expected 64"},
    {"c32c_offset_overlaps", [] { return second_tensor(32); }, "offset 32, expected 64"},
    {"c32d_offset_decreases", [] { return second_tensor(0); }, "offset 0, expected 64"},
    {"c32e_offset_far", [] { return second_tensor(1ull << 40); }, "offset 1099511627776, expected 64"},
    {"c32f_offset_wraps", [] { return second_tensor(huge - 31); }, "offset 18446744073709551584, expected 64"},
    {"c33_data_missing", [] { return Image::header(1, 0).tensor("x", {16}, 0, 0).bytes; }, "pass the end of the file"},
    {"c33b_data_one_byte_short", [] { return Image::header(1, 0).tensor("x", {16}, 0, 0).pad().zeros(63).bytes; }, "pass the end"},
    {"c34_other_alignment_than_the_writer",
     [] {
         return Image::header(2, 1).text("general.alignment").i32(u32).u32(64).tensor("x", {4}, 0, 0).tensor("y", {4}, 0, 32).pad(64).zeros(256).bytes;
     },
     "offset 32, expected 64"},
    {"c35_refused_tensor_does_not_end_the_list",
     [] { return Image::header(3, 0).tensor("x", {8}, 0, 0).tensor("y", {8}, 4, 32).tensor("z", {8}, 0, 64).pad().zeros(96).bytes; },
     "tensor 'y': type Q4_2 (4) was retired"},
    {"c35b_data_of_no_tensor", [] { return model_image([](Draft&) {}) + std::string(64, 'x'); }, "64 bytes at the end"},
    {"c36_shape_larger_than_data", [] { return tensor("x", {4096, 4096}); }, "67108864 bytes from byte 96 pass the end"},
    // models
    {"c37_no_blocks", [] { return with("block_count", 0u); }, "'qwen35.block_count': expected 1 to 1024, found 0"},
    {"c37b_too_many_blocks", [] { return with("block_count", 4000000000u); }, "expected 1 to 1024, found 4000000000"},
    {"c38_no_heads", [] { return with("attention.head_count", 0u); }, "'qwen35.attention.head_count': expected 1"},
    {"c38b_no_kv_heads", [] { return with("attention.head_count_kv", 0u); }, "'qwen35.attention.head_count_kv': expected 1"},
    {"c38c_heads_not_a_multiple", [] { return with("attention.head_count_kv", 3u); }, "4 heads over 3 KV heads"},
    {"c39_zero_heads_on_mtp_block",
     [] { return with_array<uint32_t>("qwen35.attention.head_count_kv", {0, 0, 0, 2, 0}); }, "block 4 has attention with 4 heads over 0"},
    {"c39b_array_short_of_mtp_block",
     [] { return with_array<uint32_t>("qwen35.attention.head_count_kv", {0, 0, 0, 2}); }, "one entry for each of 5 blocks, found 4"},
    {"c39c_mtp_block_recurrent",
     [] { return with_array<uint32_t>("qwen35.attention.recurrent_layers", {1, 1, 1, 0, 1}); }, "block 4 is the MTP block"},
    {"c40_all_blocks_are_mtp", [] { return with("nextn_predict_layers", 5u); }, "no block is left"},
    {"c40b_mtp_tensors_missing",
     [] { return model_image([](Draft& d) { d.remove("blk.4.nextn.eh_proj.weight"); }); }, "tensor 'blk.4.nextn.eh_proj.weight' [128, 64] is missing"},
    {"c40c_two_mtp_blocks", [] { return with("nextn_predict_layers", 2u); }, "one MTP block is supported"},
    {"c41_state_size_0", [] { return with("ssm.state_size", 0u); }, "'qwen35.ssm.state_size': expected 1"},
    {"c41b_group_count_0", [] { return with("ssm.group_count", 0u); }, "'qwen35.ssm.group_count': expected 1"},
    {"c41c_time_step_rank_0", [] { return with("ssm.time_step_rank", 0u); }, "'qwen35.ssm.time_step_rank': expected 1"},
    {"c41d_conv_kernel_0", [] { return with("ssm.conv_kernel", 0u); }, "'qwen35.ssm.conv_kernel': expected 2"},
    {"c41e_inner_size_0", [] { return with("ssm.inner_size", 0u); }, "'qwen35.ssm.inner_size': expected 1"},
    {"c41f_inner_size_inconsistent", [] { return with("ssm.inner_size", 65u); }, "ssm.state_size x ssm.time_step_rank = 64"},
    {"c41g_v_heads_no_multiple", [] { return with("ssm.group_count", 3u); }, "not a multiple of ssm.group_count 3"},
    {"c41h_conv_kernel_other_than_tensors", [] { return with("ssm.conv_kernel", 3u); }, "expected [3, 128], found [4, 128]"},
    {"c42_interval_0", [] { return with("full_attention_interval", 0u); }, "'qwen35.full_attention_interval': expected 1"},
    {"c43_conv_quantised",
     [] { return reshaped("blk.0.ssm_conv1d.weight", TensorType::f16, {4, 128, 1, 1}, 2); }, "'blk.0.ssm_conv1d.weight': expected F32, found F16"},
    {"c43b_norm_as_f16",
     [] { return reshaped("output_norm.weight", TensorType::f16, {64, 1, 1, 1}, 1); }, "'output_norm.weight': expected F32, found F16"},
    {"c43c_wrong_shape",
     [] { return reshaped("blk.3.attn_q.weight", TensorType::f32, {64, 128, 1, 1}, 2); }, "expected [64, 256], found [64, 128]"},
    {"c43d_type_without_kernels",
     [] { return reshaped("output.weight", TensorType(10), {256, 128, 1, 1}, 2); }, "'output.weight': type Q2_K is not supported"},
    {"c44_tensor_missing", [] { return model_image([](Draft& d) { d.remove("blk.1.ssm_a"); }); }, "tensor 'blk.1.ssm_a' [4] is missing"},
    {"c44b_tensor_unknown",
     [] { return model_image([](Draft& d) { d.add("blk.0.attn_qkv.scale", TensorType::f32, {1, 1, 1, 1}, 1); }); },
     "tensor 'blk.0.attn_qkv.scale' [1] is not one that qwen35 has"},
    {"c44c_embedding_missing", [] { return model_image([](Draft& d) { d.remove("token_embd.weight"); }); }, "'token_embd.weight' is missing"},
    {"c44d_key_missing", [] { return without("qwen35.rope.freq_base"); }, "key 'qwen35.rope.freq_base' is missing"},
    {"c44e_sections_missing", [] { return without("qwen35.rope.dimension_sections"); }, "'qwen35.rope.dimension_sections' is missing"},
    {"c44f_architecture_missing", [] { return without("general.architecture"); }, "'general.architecture' is missing"},
    {"c44g_architecture_unknown",
     [] { return model_image([](Draft& d) { d.set("general.architecture", "qwen4exp"); }); }, "architecture 'qwen4exp' is not supported"},
    {"c44h_experts_used", [] { return with("expert_used_count", 9u, "qwen35moe"); }, "expert_used_count 9 of expert_count 8"},
    {"c44i_no_experts", [] { return with("expert_count", 0u, "qwen3next"); }, "'qwen3next.expert_count': expected 1"},
    {"c44j_eps_not_a_number", [] { return with("attention.layer_norm_rms_epsilon", 0.0f / 0.0f); }, "expected a positive number"},
    {"c44k_rope_dims_odd", [] { return with("rope.dimension_count", 15u); }, "rope.dimension_count 15"},
    // vocabularies and templates
    {"c45_token_type_short",
     [] { return with_array<int32_t>("tokenizer.ggml.token_type", {1, 1, 1}); }, "'tokenizer.ggml.token_type': 3 entries for 512 tokens"},
    {"c45b_scores_short", [] { return with_array<float>("tokenizer.ggml.scores", {0.5f}); }, "'tokenizer.ggml.scores': 1 entries for 512"},
    {"c45c_token_type_as_u8",
     [] { return with_array("tokenizer.ggml.token_type", std::vector<uint8_t>(512, 1)); }, "expected array of i32, found array of 512 u8"},
    {"c45d_scores_as_u8",
     [] { return with_array("tokenizer.ggml.scores", std::vector<uint8_t>(512, 1)); }, "expected array of f32, found array of 512 u8"},
    {"c45e_tokens_short", [] { return with_array<std::string>("tokenizer.ggml.tokens", {"a"}); }, "1 entries, 'token_embd.weight' has 512 rows"},
    {"c46_special_id_past_end",
     [] { return model_image([](Draft& d) { d.set("tokenizer.ggml.bos_token_id", 512u); }); }, "'tokenizer.ggml.bos_token_id': token 512 of 512"},
    {"c46b_no_end_token", [] { return without("tokenizer.ggml.eos_token_id"); }, "'tokenizer.ggml.eos_token_id' is missing"},
    {"c47_byte_token_negative", [] { return token("<0x-1>", 6); }, "type byte but not spelled <0xHH>, the first is number 300"},
    {"c47b_byte_token_not_hex", [] { return token("<0xZZ>", 6); }, "type byte but not spelled <0xHH>, the first is number 300"},
    {"c47c_type_unknown", [] { return token("x", 7); }, "not a type from 1 to 6, the first is number 300"},
    {"c48_token_long", [] { return token(std::string(2000, 'x')); }, "longer than 1024 bytes, the first is number 300"},
    {"c48b_token_not_utf8", [] { return token("\xff"); }, "not valid UTF-8, the first is number 300"},
    {"c48c_token_with_zero", [] { return token(std::string("a\0b", 3)); }, "contain a zero byte, the first is number 300"},
    {"c48d_token_empty", [] { return token(""); }, "are empty, the first is number 300"},
    {"c48e_token_twice", [] { return token("t299"); }, "'t299' occurs twice"},
    {"c48j_token_not_spelled_in_bytes", [] { return token("\xe4\xb8\xad"); }, "stand for no byte, the first is number 300"},
    {"c48k_bytes_without_token",
     [] { return with_array("tokenizer.ggml.token_type", std::vector<int32_t>(512, 5)); }, "256 bytes are not tokens, the first is 0x00"},
    {"c48f_merge_without_space", [] { return merge("ab"); }, "not two tokens with one space between"},
    {"c48g_merge_with_two_spaces", [] { return merge("a b c"); }, "not two tokens with one space between"},
    {"c48h_merge_of_unknown", [] { return merge("nothing else"); }, "join tokens that do not exist"},
    {"c48i_merge_into_unknown", [] { return merge("z z"); }, "make a token that does not exist"},
    {"c49_tokenizer_unknown", [] { return model_image([](Draft& d) { d.set("tokenizer.ggml.model", "llama"); }); }, "'gpt2' (byte-level BPE)"},
    {"c49b_pretokenizer_unknown", [] { return model_image([](Draft& d) { d.set("tokenizer.ggml.pre", "new\x1b[2J"); }); }, "'new\\x1b[2J'"},
    {"c50_template_of_2_mib",
     [] { return model_image([](Draft& d) { d.set("tokenizer.chat_template", std::string(2 << 20, '{')); }); }, "1048576 is the most"},
    {"c50b_template_not_a_string", [] { return model_image([](Draft& d) { d.set("tokenizer.chat_template", 5u); }); }, "expected string, found u32 5"},
    {"c51_image_projector",
     [] { return model_image([](Draft& d) { d.set("general.architecture", "clip"); }); }, "architecture 'clip' is not supported"},
    {"c52_part_of_a_split", [] { return model_image([](Draft& d) { d.set("split.count", uint16_t(3)); }); }, "one part of a split model"},
    {"c53_web_page", [] { return std::string("<!DOCTYPE html><html><body>404</body></html>"); }, "a web page, not a model"},
    {"c53b_lfs_pointer",
     [] { return std::string("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n"); }, "a Git LFS pointer"},
    {"c53c_empty_file", [] { return std::string(); }, "the file is empty"},
    {"c53d_three_bytes", [] { return std::string("GGU"); }, "truncated"},
};

class GgufHostile : public testing::TestWithParam<Hostile> {};

TEST_P(GgufHostile, EndsInAClearError) {
    const std::string image = GetParam().image();
    const AllocationPeak peak;
    const auto start = std::chrono::steady_clock::now();
    const std::vector<std::string> lines = complaints(image);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(took.count(), 1);
    EXPECT_LT(peak.bytes(), (256u << 10) + 16 * image.size());
    bool said = false;
    for (const std::string& line : lines) {
        said |= line.find(GetParam().says) != std::string::npos;
        EXPECT_EQ(line.find_first_of("\n\r\x1b"), std::string::npos) << "not one safe line";
    }
    std::string all;
    for (const std::string& line : lines) all += "\n  " + line;
    EXPECT_TRUE(said) << "expected: " << GetParam().says << "\nfound:" << all;
}

INSTANTIATE_TEST_SUITE_P(Cases, GgufHostile, testing::ValuesIn(cases), [](const auto& info) { return std::string(info.param.name); });

TEST(GgufHostileBase, TheModelsThatAreBrokenAboveAreSoundWithoutTheDamage) {
    for (const char* architecture : {"qwen35", "qwen35moe", "qwen3next"}) {
        Recipe recipe;
        recipe.architecture = architecture;
        EXPECT_EQ(complaints(model_image([](Draft&) {}, recipe)), std::vector<std::string>());
    }
    EXPECT_EQ(complaints(token("fine")), std::vector<std::string>());
    EXPECT_EQ(complaints(merge("b a")).size(), 1u);
    EXPECT_EQ(complaints(merge("a b")), std::vector<std::string>());
    EXPECT_EQ(complaints(aligned(64)).front().substr(0, 26), "key 'general.architecture'");
    EXPECT_EQ(complaints(second_tensor(64)).front().substr(0, 26), "key 'general.architecture'");
}

}  // namespace
}  // namespace rw::test
