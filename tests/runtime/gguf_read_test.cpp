// What is written is read back; a file cut short anywhere is refused; getters say what they miss.
#include <gtest/gtest.h>

#include "runtime/gguf/file.h"
#include "runtime/gguf/text.h"
#include "tests/runtime/gguf_image.h"

namespace rw::test {
namespace {

using gguf::File;

std::string failure(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

TEST(GgufRead, EveryTypeOfValue) {
    const auto bytes = exact(image_of(sampler()));
    const File file(bytes, "sampler");
    const gguf::Metadata& m = file.metadata();
    EXPECT_EQ(file.version(), 3u);
    EXPECT_EQ(m.get<uint8_t>("a.u8"), 200);
    EXPECT_EQ(m.get<int32_t>("a.i8"), -100);
    EXPECT_EQ(m.get<uint32_t>("a.u16"), 60000u);
    EXPECT_EQ(m.get<int16_t>("a.i16"), -30000);
    EXPECT_EQ(m.get<uint32_t>("a.u32"), 4000000000u);
    EXPECT_EQ(m.get<int32_t>("a.i32"), -2000000000);
    EXPECT_EQ(m.get<float>("a.f32"), 1.5f);
    EXPECT_EQ(m.get<bool>("a.bool"), true);
    EXPECT_EQ(m.get<std::string_view>("a.string"), "h\xc3\xa9llo");
    EXPECT_EQ(m.get<uint64_t>("a.u64"), uint64_t(1) << 62);
    EXPECT_EQ(m.get<int64_t>("a.i64"), -(int64_t(1) << 62));
    EXPECT_EQ(m.get<float>("a.f64"), 2.25f);
    EXPECT_EQ(m.array<int32_t>("b.i32")[1], -2);
    EXPECT_EQ(m.array<double>("b.f64")[0], 0.5);
    EXPECT_TRUE(m.array<uint8_t>("b.u8").empty());
    std::vector<std::string_view> strings;
    for (const auto s : m.strings("b.string")) strings.push_back(s);
    EXPECT_EQ(strings, (std::vector<std::string_view>{"one", "", "three"}));
    EXPECT_EQ(m.entries().size(), 16u);
    EXPECT_EQ(m.get_or<uint32_t>("not there", 7), 7u);
}

TEST(GgufRead, Tensors) {
    std::string image = image_of(sampler());
    image[image.size() - 32] = 'Z';  // the first byte of the last tensor, which is padded to 32
    const auto bytes = exact(image);
    const File file(bytes, "sampler");
    ASSERT_EQ(file.tensors().size(), 3u);
    EXPECT_EQ(file.tensor("x").bytes, 60u);
    EXPECT_EQ(file.tensor("y").bytes, 2u * 2 * 34);
    EXPECT_EQ(file.tensor("y").ne, (Extent{64, 2, 1, 1}));
    EXPECT_EQ(file.tensor("z").type, gguf::TensorType::bf16);
    EXPECT_EQ(file.bytes(file.tensor("z")).front(), std::byte('Z'));
    for (const auto& t : file.tensors()) EXPECT_EQ(t.offset % 32, 0u);
    EXPECT_EQ(file.find("w"), nullptr);
    EXPECT_EQ(file.trailing(), 0u);
    std::byte one;
    file.read(file.tensor("z"), 0, {&one, 1});
    EXPECT_EQ(one, std::byte('Z'));
    EXPECT_NE(failure([&] { file.read(file.tensor("z"), 14, {&one, 1}); }).find("bytes 14 to 15 of 14"), std::string::npos);
}

TEST(GgufRead, GettersNameKeyExpectedAndFound) {
    const auto bytes = exact(image_of(sampler()));
    const File file(bytes, "sampler");
    const gguf::Metadata& m = file.metadata();
    EXPECT_EQ(failure([&] { m.get<uint8_t>("a.u16"); }), "key 'a.u16': expected an integer from 0 to 255, found u16 60000");
    EXPECT_EQ(failure([&] { m.get<uint32_t>("a.i8"); }), "key 'a.i8': expected an integer from 0 to 4294967295, found i8 -100");
    EXPECT_EQ(failure([&] { m.get<uint32_t>("a.f32"); }), "key 'a.f32': expected an integer from 0 to 4294967295, found f32 1.5");
    EXPECT_EQ(failure([&] { m.get<float>("a.u8"); }), "key 'a.u8': expected f32, found u8 200");
    EXPECT_EQ(failure([&] { m.get<bool>("a.u8"); }), "key 'a.u8': expected bool, found u8 200");
    EXPECT_EQ(failure([&] { m.get<std::string_view>("none"); }), "key 'none' is missing: expected string");
    EXPECT_EQ(failure([&] { m.array<uint32_t>("b.i32"); }), "key 'b.i32': expected array of u32, found array of 3 i32");
    EXPECT_EQ(failure([&] { m.strings("a.string"); }), "key 'a.string': expected array of string, found string 'h\xc3\xa9llo'");
    EXPECT_EQ(failure([&] { m.get_or<uint32_t>("a.string", 1); }).substr(0, 15), "key 'a.string':");
    EXPECT_EQ(failure([&] { file.tensor("w"); }), "sampler: no tensor 'w'");
}

TEST(GgufRead, Version2AndOtherAlignments) {
    std::string image = image_of(sampler());
    image[4] = 2;
    auto bytes = exact(image);
    EXPECT_EQ(File(bytes, "v2").version(), 2u);
    for (const uint32_t alignment : {8u, 64u, 4096u}) {
        gguf::Draft draft(alignment);
        draft.add("x", gguf::TensorType::f32, {3, 1, 1, 1}, 1);
        draft.add("y", gguf::TensorType::f32, {3, 1, 1, 1}, 1);
        bytes = exact(image_of(draft));
        const File file(bytes, "aligned");
        EXPECT_EQ(file.alignment(), alignment);
        EXPECT_EQ(file.tensor("y").offset % alignment, 0u);
        EXPECT_EQ(file.tensor("y").offset, file.tensor("x").offset + gguf::padded(12, alignment));
    }
}

TEST(GgufRead, CutShortAnywhere) {
    gguf::Recipe recipe;
    recipe.tokenizer = false;
    recipe.layers = 2, recipe.interval = 2, recipe.width = recipe.ff = 32, recipe.vocab = 8;
    for (const std::string& whole : {image_of(sampler()), model_image([](gguf::Draft&) {}, recipe)}) {
        const auto bytes = exact(whole);
        const File file(bytes, "whole");
        const auto& last = file.tensors().back();
        const size_t end = last.offset + last.bytes, header = file.tensors().front().offset;
        // every byte of the header, and of the data where there is little of it
        for (size_t n = 0; n < end; n += n < header || whole.size() < 4096 ? 1 : 997) {
            const auto cut = exact(std::string_view(whole).substr(0, n));
            EXPECT_NE(failure([&] { File(cut, "cut"); }), "no error") << "at byte " << n << " of " << whole.size();
        }
        const auto all = exact(std::string_view(whole).substr(0, end));  // without the last padding
        EXPECT_EQ(failure([&] { File(all, "all"); }), "no error");
    }
}

TEST(GgufRead, TextIsMadeSafe) {
    EXPECT_EQ(gguf::printable("a\x1b[2J\n\xff\xc2\x9b"), "'a\\x1b[2J\\x0a\\xff\\xc2\\x9b'");
    EXPECT_EQ(gguf::printable("\xe4\xb8\xad"), "'\xe4\xb8\xad'");
    EXPECT_EQ(gguf::printable(std::string(200, 'x'), 4), "'xxxx'... (200 bytes)");
    for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5", "\xe4\xb8"})
        EXPECT_FALSE(gguf::valid_utf8(bad)) << gguf::printable(bad);
    for (const char* good : {"", "a", "\xc2\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(gguf::valid_utf8(good));
}

TEST(GgufRead, TypeTable) {
    EXPECT_EQ(gguf::find_type("q4_k")->bytes, 144u);
    EXPECT_EQ(gguf::find_type("Q6_K")->block, 256u);
    EXPECT_EQ(gguf::find_type(31)->block, 0u);
    EXPECT_EQ(gguf::find_type(-1), nullptr);
    EXPECT_EQ(gguf::find_type(43), nullptr);
    EXPECT_EQ(gguf::weight_types(), "F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, BF16");
}

}  // namespace
}  // namespace rw::test
