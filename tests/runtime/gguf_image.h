// Byte images of GGUF files, good and bad, and what the reader says about them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/gguf/make.h"

namespace rw::test {

/// Bytes put one after the other, without any regard for whether they make sense.
struct Image {
    std::string bytes;
    /// Magic, version and counts.
    static Image header(uint64_t tensors, uint64_t keys, uint32_t version = 3);

    template <class T>
    Image& put(T value) {
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        return *this;
    }
    Image& u32(uint32_t v) { return put(v); }
    Image& i32(int32_t v) { return put(v); }
    Image& u64(uint64_t v) { return put(v); }
    Image& text(std::string_view s);
    Image& zeros(size_t n) { return bytes.append(n, '\0'), *this; }
    /// A tensor's description.
    Image& tensor(std::string_view name, std::vector<int64_t> ne, int32_t type, uint64_t offset);
    /// Zeros up to a multiple of the alignment.
    Image& pad(size_t alignment = 32);
};

/// The file that a draft describes, its data all zeros.
std::string image_of(const gguf::Draft& draft);
/// A sound model in memory after a change to it.
std::string model_image(const std::function<void(gguf::Draft&)>& change, const gguf::Recipe& recipe = {});
/// A file with every type of value and three tensors, of a few hundred bytes.
gguf::Draft sampler();

/// A copy on the heap of exactly its size, so that a sanitizer sees the first byte read past it.
std::vector<std::byte> exact(std::string_view image);
/// Opens and checks an image: the error, or the problems.
std::vector<std::string> complaints(std::string_view image);

}  // namespace rw::test
