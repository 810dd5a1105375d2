// Random models: every form of every architecture is sound, weights are what the seed says, wherever they are stored.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/convert.h"
#include "runtime/gguf/byte_alphabet.h"
#include "runtime/gguf/check.h"
#include "runtime/gguf/encode.h"
#include "tests/runtime/gguf_image.h"

namespace rw::test {
namespace {

namespace fs = std::filesystem;
using gguf::File;
using gguf::Recipe;
using gguf::TensorType;

class GgufModel : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "rewind-make-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }
    std::vector<std::string> make(const Recipe& recipe, const char* name = "m.gguf") { return make_model(recipe, (folder_ / name).string()); }
    fs::path folder_;
};

std::vector<float> floats(const File& file, const std::string& name) {
    const auto bytes = file.bytes(file.tensor(name));
    std::vector<float> out(bytes.size() / 4);
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
}

TEST_F(GgufModel, EveryFormIsSound) {
    int forms = 0;
    for (const char* architecture : {"qwen35", "qwen35moe", "qwen3next"})
        for (const gguf::Mtp mtp : {gguf::Mtp::none, gguf::Mtp::grafted, gguf::Mtp::separate})
            for (const TensorType type : {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0})
                for (const bool other : {false, true}) {
                    Recipe recipe;
                    recipe.architecture = architecture, recipe.mtp = mtp, recipe.type = type;
                    recipe.tied = recipe.fused_input = recipe.fused_experts = other;
                    for (const std::string& path : make(recipe)) {
                        EXPECT_EQ(check(File(path)), std::vector<std::string>()) << path << " " << architecture;
                        ++forms;
                    }
                }
    EXPECT_EQ(forms, 3 * 4 * 4 * 2);
}

TEST_F(GgufModel, GeometryIsReadBack) {
    Recipe recipe;
    recipe.architecture = "qwen35moe", recipe.layers = 8;
    const File file(make(recipe).front());
    const gguf::Geometry g = checked_geometry(file);
    EXPECT_EQ(g.trunk(), 8u);
    EXPECT_EQ(g.blocks, 9u);
    EXPECT_EQ(g.recurrent, (std::vector<bool>{true, true, true, false, true, true, true, false, false}));
    EXPECT_EQ(g.vocab, recipe.vocab);
    EXPECT_EQ(g.conv_width(), 2 * 16 * 2 + 16 * 4);
    EXPECT_EQ(g.experts_used, 2u);
    EXPECT_EQ(g.heads, std::vector<uint32_t>(9, 4));
    EXPECT_EQ(g.rope_sections[0] + g.rope_sections[1] + g.rope_sections[2], recipe.rope_dims / 2);
    EXPECT_FALSE(g.mtp_only);
}

TEST_F(GgufModel, SeparateFilesHoldWhatTheGraftedOneHolds) {
    Recipe recipe;
    const File grafted(make(recipe, "grafted.gguf").front());
    recipe.mtp = gguf::Mtp::separate;
    const auto paths = make(recipe, "apart.gguf");
    ASSERT_EQ(paths.size(), 2u);
    EXPECT_EQ(fs::path(paths[1]).filename(), "mtp-apart.gguf");
    const File trunk(paths[0]), mtp(paths[1]);
    EXPECT_TRUE(checked_geometry(mtp).mtp_only);
    EXPECT_EQ(checked_geometry(mtp).blocks, checked_geometry(trunk).blocks + 1);
    for (const auto& t : grafted.tensors()) {
        const bool head = t.name.starts_with("blk.4."), shared = !t.name.starts_with("blk.");
        EXPECT_EQ(trunk.find(t.name) != nullptr, !head) << t.name;
        EXPECT_EQ(mtp.find(t.name) != nullptr, head || shared) << t.name;
        for (const File* f : {&trunk, &mtp}) {
            const auto* same = f->find(t.name);
            EXPECT_TRUE(!same || std::ranges::equal(f->bytes(*same), grafted.bytes(t))) << t.name;
        }
    }
}

TEST_F(GgufModel, WeightsComeFromTheSeedAndStayInRange) {
    Recipe recipe;
    const File one(make(recipe, "1.gguf").front()), again(make(recipe, "2.gguf").front());
    recipe.seed = 2;
    const File other(make(recipe, "3.gguf").front());
    EXPECT_EQ(floats(one, "blk.0.attn_qkv.weight"), floats(again, "blk.0.attn_qkv.weight"));
    EXPECT_NE(floats(one, "blk.0.attn_qkv.weight"), floats(other, "blk.0.attn_qkv.weight"));
    EXPECT_NE(floats(one, "blk.0.ffn_up.weight"), floats(one, "blk.0.ffn_gate.weight"));
    double sum = 0, squares = 0;
    const auto x = floats(one, "token_embd.weight");
    for (const float e : x) sum += e, squares += double(e) * e;
    EXPECT_NEAR(sum / double(x.size()), 0, 5 / std::sqrt(64.0 * double(x.size())));
    EXPECT_NEAR(squares / double(x.size()) * 64, 1, 0.02);  // variance 1 / inputs
    for (const float e : floats(one, "blk.0.ssm_a")) EXPECT_TRUE(e <= -1 && e >= -16) << e;
    for (const float e : floats(one, "blk.0.ssm_dt.bias")) {
        const double step = std::log1p(std::exp(double(e)));
        EXPECT_TRUE(step > 0.00099 && step < 0.101) << step;
    }
    std::vector<float> piece(5);
    gguf::draw_weights(1, "token_embd.weight", {64, 512, 1, 1}, 1000, piece);
    EXPECT_TRUE(std::equal(piece.begin(), piece.end(), x.begin() + 1000));
}

TEST_F(GgufModel, TypesHoldTheSameWeightsUpToRounding) {
    Recipe recipe;
    const File exact(make(recipe, "f32.gguf").front());
    const auto want = floats(exact, "output.weight");
    const float most = float(std::sqrt(3.0 / 64));  // of any weight
    recipe.type = TensorType::q8_0;
    const File coarse(make(recipe, "q8.gguf").front());
    const auto bytes = coarse.bytes(coarse.tensor("output.weight"));
    EXPECT_EQ(coarse.tensor("output_norm.weight").type, TensorType::f32);
    for (size_t i = 0; i < want.size(); ++i) {
        const std::byte* block = bytes.data() + i / 32 * 34;
        uint16_t half;
        std::memcpy(&half, block, 2);
        const float d = core::from_half(half), found = d * float(int8_t(block[2 + i % 32]));
        ASSERT_LE(std::fabs(found - want[i]), 0.5f * d + most * 0x1p-11f) << i;  // half a step, and d rounded to f16
    }
    std::vector<std::byte> f16(want.size() * 2), bf16(want.size() * 2);
    gguf::encode(TensorType::f16, want, f16);
    gguf::encode(TensorType::bf16, want, bf16);
    for (size_t i = 0; i < want.size(); ++i) {
        uint16_t h, b;
        std::memcpy(&h, &f16[2 * i], 2), std::memcpy(&b, &bf16[2 * i], 2);
        ASSERT_LE(std::fabs(core::from_half(h) - want[i]), std::fabs(want[i]) * 0x1p-11f + 0x1p-25f);
        ASSERT_LE(std::fabs(core::from_bfloat(b) - want[i]), std::fabs(want[i]) * 0x1p-8f);
    }
    std::vector<std::byte> room(18);
    EXPECT_THROW(gguf::encode(TensorType::q4_0, std::span(want).first(32), room), Error);
}

TEST_F(GgufModel, RowsThatAreNotWholeBlocksAreF16) {
    Recipe recipe;
    recipe.type = TensorType::q8_0, recipe.ff = 40;
    const File file(make(recipe).front());
    EXPECT_EQ(file.tensor("blk.0.ffn_down.weight").type, TensorType::f16);
    EXPECT_EQ(file.tensor("blk.0.ffn_up.weight").type, TensorType::q8_0);
    EXPECT_EQ(check(file), std::vector<std::string>());
}

TEST_F(GgufModel, StoppedOrRefused) {
    Recipe recipe;
    EXPECT_THROW(make_model(recipe, (folder_ / "m.gguf").string(), [](uint64_t done, uint64_t) { return done < 1000; }), Error);
    EXPECT_TRUE(fs::is_empty(folder_));
    recipe.type = TensorType::q4_k;
    EXPECT_THROW(make(recipe), Error);
    recipe.type = TensorType::f32, recipe.architecture = "llama";
    EXPECT_THROW(make(recipe), Error);
    recipe.architecture = "qwen35", recipe.vocab = 100;
    EXPECT_THROW(make(recipe), Error);
    recipe.tokenizer = false;
    EXPECT_EQ(check(File(make(recipe).front())), std::vector<std::string>());
}

TEST(GgufByteAlphabet, IsTheUsualOne) {
    EXPECT_EQ(gguf::byte_letter(' '), 0x120u);
    EXPECT_EQ(gguf::byte_letter('\n'), 0x10au);
    EXPECT_EQ(gguf::byte_letter(0), 0x100u);
    EXPECT_EQ(gguf::byte_letter(0xad), 0x143u);
    EXPECT_EQ(gguf::byte_letter('A'), uint32_t('A'));
    EXPECT_EQ(gguf::spelled_byte(' '), "\xc4\xa0");
    EXPECT_EQ(gguf::spelled_byte(0xff), "\xc3\xbf");
}

}  // namespace
}  // namespace rw::test
