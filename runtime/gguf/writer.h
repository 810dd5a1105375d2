// Writing GGUF version 3. A Draft collects keys and tensor descriptions; Output writes it and then takes the tensors'
// data in the order of their descriptions, in pieces of any size, so that no tensor has to be in memory whole.
//
//     gguf::Draft draft;
//     draft.set("general.architecture", "qwen35");
//     draft.add("token_embd.weight", gguf::TensorType::q8_0, {1024, 32768}, 2);
//     gguf::Output out("model.gguf", draft);
//     out.append(bytes);  // until each tensor is full
//     out.finish();
//
// The file appears under its name when it is complete; what is abandoned or fails on the way is removed.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "runtime/gguf/header.h"

namespace rw::gguf {

class Draft {
public:
    struct Tensor {
        std::string name;
        TensorType type;
        Extent ne;
        int dims;
        uint64_t bytes;
    };

    explicit Draft(uint32_t alignment = default_alignment);
    uint32_t alignment() const { return alignment_; }

    /// A key that is there already gets the new value. T: a number or bool.
    template <class T>
        requires std::is_arithmetic_v<T>
    void set(const std::string& key, T value) {
        static_assert(value_type<T> != ValueType::unknown);
        put(key, value_type<T>, &value, sizeof value);
    }
    void set(const std::string& key, std::string_view text);
    void set(const std::string& key, const char* text) { set(key, std::string_view(text)); }
    template <class T>
    void set_array(const std::string& key, const std::vector<T>& values) {
        static_assert(size_of_element<T> > 0);
        put_array(key, value_type<T>, values.size(), values.data(), values.size() * sizeof(T));
    }
    void set_array(const std::string& key, const std::vector<std::string>& values);
    void erase(const std::string& key);

    void add(std::string name, TensorType type, const Extent& ne, int dims);
    void remove(std::string_view tensor);
    const std::vector<Tensor>& tensors() const { return tensors_; }

    /// Everything before the data, padded.
    std::string header() const;
    /// Of the whole file.
    uint64_t size() const;

private:
    template <class T>
    static constexpr size_t size_of_element = value_type<T> == ValueType::unknown ? 0 : sizeof(T);

    std::string& slot(const std::string& key);
    void put(const std::string& key, ValueType type, const void* bytes, size_t count);
    void put_array(const std::string& key, ValueType element, uint64_t count, const void* bytes, size_t size);

    uint32_t alignment_;
    std::vector<std::pair<std::string, std::string>> keys_;  // the value with its type, as stored
    std::vector<Tensor> tensors_;
};

class Output {
public:
    /// Opens PATH.part and writes the header. Throws Error(io).
    Output(std::string path, const Draft& draft);
    ~Output();
    Output(const Output&) = delete;

    /// More of the current tensor, at most to its end.
    void append(std::span<const std::byte> bytes);
    /// Checks that all tensors are full and gives the file its name.
    void finish();

private:
    void write(const void* bytes, size_t count);
    [[noreturn]] void fail() const;

    std::string path_, part_;
    std::FILE* file_ = nullptr;
    std::vector<uint64_t> sizes_;
    uint32_t alignment_;
    size_t tensor_ = 0;
    uint64_t filled_ = 0;
};

}  // namespace rw::gguf
