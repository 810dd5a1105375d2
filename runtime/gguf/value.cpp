#include "runtime/gguf/value.h"

#include <fmt/format.h>

#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

struct Row {
    const char* name;
    uint32_t size;
};
constexpr Row table[] = {{"u8", 1},   {"i8", 1},     {"u16", 2},   {"i16", 2}, {"u32", 4}, {"i32", 4},    {"f32", 4},
                         {"bool", 1}, {"string", 0}, {"array", 0}, {"u64", 8}, {"i64", 8}, {"f64", 8}, {"unknown", 0}};

template <class T>
T as(const std::byte* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

std::string number(ValueType type, const std::byte* p) {
    switch (type) {
        case ValueType::u8: return fmt::format("{}", as<uint8_t>(p));
        case ValueType::i8: return fmt::format("{}", as<int8_t>(p));
        case ValueType::u16: return fmt::format("{}", as<uint16_t>(p));
        case ValueType::i16: return fmt::format("{}", as<int16_t>(p));
        case ValueType::u32: return fmt::format("{}", as<uint32_t>(p));
        case ValueType::i32: return fmt::format("{}", as<int32_t>(p));
        case ValueType::f32: return fmt::format("{}", as<float>(p));
        case ValueType::boolean: return as<uint8_t>(p) ? "true" : "false";
        case ValueType::u64: return fmt::format("{}", as<uint64_t>(p));
        case ValueType::i64: return fmt::format("{}", as<int64_t>(p));
        case ValueType::f64: return fmt::format("{}", as<double>(p));
        default: return "?";
    }
}

}  // namespace

const char* name_of(ValueType type) { return table[int32_t(type)].name; }
uint32_t size_of(ValueType type) { return table[int32_t(type)].size; }

bool Value::integer() const {
    return type != ValueType::f32 && type != ValueType::f64 && type != ValueType::boolean && size_of(type) > 0;
}

std::string Value::describe() const {
    if (type == ValueType::array) return fmt::format("array of {} {}", count, name_of(element));
    return name_of(type);
}

std::string Value::preview(size_t most) const {
    if (type == ValueType::string) return printable(text(), most);
    if (type != ValueType::array) return number(type, bytes.data());
    std::string out = "[";
    const auto add = [&](const std::string& item) {
        if (out.size() > 1) out += ", ";
        out += item;
        return out.size() < most;
    };
    uint64_t shown = 0;
    if (element == ValueType::string) {
        for (const std::string_view s : Strings(bytes, count))
            if (++shown; !add(printable(s, 24))) break;
    } else {
        while (shown < count)
            if (!add(number(element, bytes.data() + size_of(element) * shown++))) break;
    }
    return out + (shown < count ? ", ...]" : "]");
}

}  // namespace rw::gguf
