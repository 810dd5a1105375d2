// A metadata value: a typed view into the file. Numbers are unaligned there, so they are copied out one at a time.
#pragma once

#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "rewind/ops/contract.h"

namespace rw::gguf {

enum class ValueType : int32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64, unknown };
inline constexpr int32_t value_types = int32_t(ValueType::unknown);
const char* name_of(ValueType type);
/// Bytes of a number or bool; 0 for strings and arrays.
uint32_t size_of(ValueType type);

template <class T> inline constexpr ValueType value_type = ValueType::unknown;
template <> inline constexpr ValueType value_type<uint8_t> = ValueType::u8;
template <> inline constexpr ValueType value_type<int8_t> = ValueType::i8;
template <> inline constexpr ValueType value_type<uint16_t> = ValueType::u16;
template <> inline constexpr ValueType value_type<int16_t> = ValueType::i16;
template <> inline constexpr ValueType value_type<uint32_t> = ValueType::u32;
template <> inline constexpr ValueType value_type<int32_t> = ValueType::i32;
template <> inline constexpr ValueType value_type<float> = ValueType::f32;
template <> inline constexpr ValueType value_type<bool> = ValueType::boolean;
template <> inline constexpr ValueType value_type<std::string_view> = ValueType::string;
template <> inline constexpr ValueType value_type<uint64_t> = ValueType::u64;
template <> inline constexpr ValueType value_type<int64_t> = ValueType::i64;
template <> inline constexpr ValueType value_type<double> = ValueType::f64;

struct Value {
    ValueType type = ValueType::unknown;
    ValueType element = ValueType::unknown;  // of an array
    uint64_t count = 1;                      // elements of an array
    std::span<const std::byte> bytes;        // the number, the string's characters, the array's elements

    /// "u32", "array of 3 i32".
    std::string describe() const;
    /// The value as text, arrays and strings cut short.
    std::string preview(size_t most = 60) const;
    bool integer() const;
    std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

/// Elements of a numeric array.
template <class T>
class Array {
public:
    Array() = default;
    Array(std::span<const std::byte> bytes) : bytes_(bytes) {}
    size_t size() const { return bytes_.size() / sizeof(T); }
    bool empty() const { return bytes_.empty(); }
    T operator[](size_t i) const {
        T value;
        std::memcpy(&value, bytes_.data() + i * sizeof(T), sizeof(T));
        return value;
    }

private:
    std::span<const std::byte> bytes_;
};

/// Elements of an array of strings, front to back. (The reader has walked them: their lengths are sound.)
class Strings {
public:
    struct Iterator {
        using value_type = std::string_view;
        using difference_type = ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        using pointer = const std::string_view*;
        using reference = std::string_view;
        const std::byte* p;
        std::string_view operator*() const {
            uint64_t n;
            std::memcpy(&n, p, 8);
            return {reinterpret_cast<const char*>(p) + 8, size_t(n)};
        }
        Iterator& operator++() {
            p += 8 + (**this).size();
            return *this;
        }
        bool operator==(const Iterator&) const = default;
    };

    Strings() = default;
    Strings(std::span<const std::byte> bytes, uint64_t count) : bytes_(bytes), count_(count) {}
    size_t size() const { return size_t(count_); }
    Iterator begin() const { return {bytes_.data()}; }
    Iterator end() const { return {bytes_.data() + bytes_.size()}; }

private:
    std::span<const std::byte> bytes_;
    uint64_t count_ = 0;
};

}  // namespace rw::gguf
