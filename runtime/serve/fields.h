// The fields of a request, checked while they are read: each has a type and a range, and one that is not within them is
// refused with its name. Fields that nobody asks for are ignored; null is as good as not there.
//
//     const Json body = parsed(text);
//     const Fields fields(body);
//     const double temperature = fields.number("temperature", 1, 0, 2);
//     const Fields options = fields.object("stream_options");          // empty where it is not there
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/serve/problem.h"

namespace rw::serve {

/// Throws Problem(400) for what is not JSON, or not an object, or so deep or wide that walking it would take long.
Json parsed(const std::string& text);
/// Any JSON, within the same bounds. Throws Problem(400).
Json bounded(std::string_view text);

class Fields {
public:
    explicit Fields(const Json& object, std::string path = "") : object_(object), path_(std::move(path)) {}

    /// Null when the field is not there, or is null.
    const Json* find(const char* name) const;
    bool has(const char* name) const { return find(name) != nullptr; }
    /// "tools[0].function.name"
    std::string path(const char* name) const;

    double number(const char* name, double otherwise, double least, double most) const;
    int64_t integer(const char* name, int64_t otherwise, int64_t least, int64_t most) const;
    bool flag(const char* name, bool otherwise) const;
    /// At most `most` bytes.
    std::string text(const char* name, const std::string& otherwise, size_t most = 1 << 16) const;
    /// One of `words`.
    std::string choice(const char* name, const std::string& otherwise, const std::vector<std::string>& words) const;
    /// A text, or a list of texts: at most `count` of them, none empty.
    std::vector<std::string> texts(const char* name, size_t count, size_t most = 1 << 10) const;
    /// The fields of an object within; of none at all when it is not there.
    Fields object(const char* name) const;
    /// An array; null when it is not there.
    const Json* list(const char* name, size_t most) const;

    /// Throws Problem(400) that names the field.
    [[noreturn]] void fail(const char* name, const std::string& expected) const;

private:
    const Json& object_;
    std::string path_;
};

/// What a value is, for messages: `a string`, `the number 7`.
std::string told(const Json& value);

}  // namespace rw::serve
