// The keys of a file and their values. A getter that cannot deliver throws an Error that names the key, what was
// expected and what was found. Integers may be stored in any width as long as the value fits; arrays must have the very
// element type that is asked for.
#pragma once

#include <limits>
#include <type_traits>
#include <vector>

#include "runtime/gguf/name_index.h"
#include "runtime/gguf/value.h"

namespace rw::gguf {

class Metadata {
public:
    struct Entry {
        std::string_view key;
        Value value;
    };

    Metadata() = default;
    /// Throws when a key occurs twice.
    explicit Metadata(std::vector<Entry> entries);

    /// In the order of the file.
    const std::vector<Entry>& entries() const { return entries_; }
    const Value* find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }

    /// T: an integer type, float, bool or std::string_view.
    template <class T>
    T get(std::string_view key) const {
        if constexpr (std::is_same_v<T, bool>) return boolean(key);
        else if constexpr (std::is_integral_v<T>)
            return T(integer(key, std::numeric_limits<T>::min(),
                             std::is_same_v<T, uint64_t> ? std::numeric_limits<int64_t>::max()
                                                         : int64_t(std::numeric_limits<T>::max())));
        else if constexpr (std::is_same_v<T, float>) return number(key);
        else {
            static_assert(std::is_same_v<T, std::string_view>);
            return text(key);
        }
    }
    /// The fallback stands for a missing key, not for one of the wrong type.
    template <class T>
    T get_or(std::string_view key, T fallback) const {
        return has(key) ? get<T>(key) : fallback;
    }
    template <class T>
    Array<T> array(std::string_view key) const {
        return Array<T>(elements(key, value_type<T>).bytes);
    }
    Strings strings(std::string_view key) const;

private:
    const Value& elements(std::string_view key, ValueType element) const;
    int64_t integer(std::string_view key, int64_t least, int64_t most) const;
    float number(std::string_view key) const;
    bool boolean(std::string_view key) const;
    std::string_view text(std::string_view key) const;

    std::vector<Entry> entries_;
    NameIndex index_;
};

/// A stored integer of any width; what passes int64 is cut to its greatest value.
int64_t integer_of(const Value& value);

}  // namespace rw::gguf
