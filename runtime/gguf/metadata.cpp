#include "runtime/gguf/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

[[noreturn]] void wrong(std::string_view key, const std::string& expected, const Value* found) {
    if (!found) throw Error(Status::invalid_argument, fmt::format("key {} is missing: expected {}", printable(key), expected));
    const bool scalar = found->type != ValueType::array;
    throw Error(Status::invalid_argument, fmt::format("key {}: expected {}, found {}{}", printable(key), expected,
                                                      found->describe(), scalar ? " " + found->preview() : ""));
}

template <class T>
T as(const Value& value) {
    T out;
    std::memcpy(&out, value.bytes.data(), sizeof out);
    return out;
}

}  // namespace

int64_t integer_of(const Value& value) {
    switch (value.type) {
        case ValueType::u8: return as<uint8_t>(value);
        case ValueType::i8: return as<int8_t>(value);
        case ValueType::u16: return as<uint16_t>(value);
        case ValueType::i16: return as<int16_t>(value);
        case ValueType::u32: return as<uint32_t>(value);
        case ValueType::i32: return as<int32_t>(value);
        case ValueType::i64: return as<int64_t>(value);
        default: return int64_t(std::min(as<uint64_t>(value), uint64_t(std::numeric_limits<int64_t>::max())));
    }
}

Metadata::Metadata(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::vector<std::string_view> keys;
    keys.reserve(entries_.size());
    for (const Entry& e : entries_) keys.push_back(e.key);
    index_ = NameIndex(std::move(keys));
    if (const auto twice = index_.duplicate())
        throw Error(Status::invalid_argument, fmt::format("key {} occurs twice", printable(*twice)));
}

const Value* Metadata::find(std::string_view key) const {
    const auto at = index_.find(key);
    return at ? &entries_[*at].value : nullptr;
}

int64_t Metadata::integer(std::string_view key, int64_t least, int64_t most) const {
    const Value* value = find(key);
    if (value && value->integer()) {
        const int64_t found = integer_of(*value);
        if (found >= least && found <= most) return found;
    }
    wrong(key, fmt::format("an integer from {} to {}", least, most), value);
}

float Metadata::number(std::string_view key) const {
    const Value* value = find(key);
    if (value && value->type == ValueType::f32) return as<float>(*value);
    if (value && value->type == ValueType::f64) return float(as<double>(*value));
    wrong(key, "f32", value);
}

bool Metadata::boolean(std::string_view key) const {
    const Value* value = find(key);
    if (!value || value->type != ValueType::boolean) wrong(key, "bool", value);
    return as<uint8_t>(*value) != 0;
}

std::string_view Metadata::text(std::string_view key) const {
    const Value* value = find(key);
    if (!value || value->type != ValueType::string) wrong(key, "string", value);
    return value->text();
}

const Value& Metadata::elements(std::string_view key, ValueType element) const {
    const Value* value = find(key);
    if (!value || value->type != ValueType::array || value->element != element)
        wrong(key, fmt::format("array of {}", name_of(element)), value);
    return *value;
}

Strings Metadata::strings(std::string_view key) const {
    const Value& value = elements(key, ValueType::string);
    return {value.bytes, value.count};
}

}  // namespace rw::gguf
