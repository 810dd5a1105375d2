#include "tests/runtime/gguf_image.h"

#include "runtime/gguf/check.h"

namespace rw::test {

Image Image::header(uint64_t tensors, uint64_t keys, uint32_t version) {
    Image image{"GGUF"};
    image.u32(version).u64(tensors).u64(keys);
    return image;
}

Image& Image::text(std::string_view s) {
    u64(s.size());
    bytes += s;
    return *this;
}

Image& Image::tensor(std::string_view name, std::vector<int64_t> ne, int32_t type, uint64_t offset) {
    text(name).u32(uint32_t(ne.size()));
    for (const int64_t n : ne) put(n);
    return i32(type).u64(offset);
}

Image& Image::pad(size_t alignment) {
    bytes.resize(gguf::padded(bytes.size(), alignment));
    return *this;
}

std::string image_of(const gguf::Draft& draft) {
    std::string image = draft.header();
    image.resize(draft.size());
    return image;
}

std::string model_image(const std::function<void(gguf::Draft&)>& change, const gguf::Recipe& recipe) {
    gguf::Draft draft = draft_model(recipe);
    change(draft);
    return image_of(draft);
}

gguf::Draft sampler() {
    gguf::Draft d;
    d.set("a.u8", uint8_t(200));
    d.set("a.i8", int8_t(-100));
    d.set("a.u16", uint16_t(60000));
    d.set("a.i16", int16_t(-30000));
    d.set("a.u32", uint32_t(4000000000u));
    d.set("a.i32", int32_t(-2000000000));
    d.set("a.f32", 1.5f);
    d.set("a.bool", true);
    d.set("a.string", "h\xc3\xa9llo");
    d.set("a.u64", uint64_t(1) << 62);
    d.set("a.i64", -(int64_t(1) << 62));
    d.set("a.f64", 2.25);
    d.set_array("b.i32", std::vector<int32_t>{1, -2, 3});
    d.set_array("b.f64", std::vector<double>{0.5});
    d.set_array("b.u8", std::vector<uint8_t>{});
    d.set_array("b.string", std::vector<std::string>{"one", "", "three"});
    d.add("x", gguf::TensorType::f32, {3, 5, 1, 1}, 2);
    d.add("y", gguf::TensorType::q8_0, {64, 2, 1, 1}, 2);
    d.add("z", gguf::TensorType::bf16, {7, 1, 1, 1}, 1);
    return d;
}

std::vector<std::byte> exact(std::string_view image) {
    const auto* p = reinterpret_cast<const std::byte*>(image.data());
    return {p, p + image.size()};
}

std::vector<std::string> complaints(std::string_view image) {
    const auto bytes = exact(image);
    try {
        return check(gguf::File(bytes, "image"));
    } catch (const Error& e) {
        return {e.what()};
    }
}

}  // namespace rw::test
