// What texts in JSON are made of.
#pragma once



#include "runtime/grammar/expression.h"

namespace rw::grammar {

/// Between the signs of JSON: nothing, a space, or a new line and its indentation. Never without end.
Expression json_blank();
/// One of these characters as a string holds it: itself, or escaped where it has to be.
Expression json_character(const Spans& spans);
/// Any character of a string, in all ways to write it.
Expression json_any_character();
Expression json_string_of(Expression content);
/// Strings, written without escapes, that are none of the names.
Expression json_string_but(Rules& rules, const std::vector<std::string>& names);
Expression json_number();
Expression json_integer();

/// Rules for values of any kind.
class JsonValues {
public:
    explicit JsonValues(Rules& rules) : rules_(rules) {}
    uint32_t value() { return made().value; }
    uint32_t object() { return made().object; }
    uint32_t string() { return made().string; }
    uint32_t array() { return made().array; }

private:
    struct Made {
        uint32_t value, object, array, string;
    };
    const Made& made();
    Rules& rules_;
    bool done_ = false;
    Made made_{};
};

/// `{` ... `}` and `[` ... `]` with blanks inside.
Expression json_enclosed(const char* begin, Expression inner, const char* end);
/// `,` and what comes behind it.
Expression json_next(Expression item);
/// `:` and a value behind a key.
Expression json_member(Expression key, Expression value);

}  // namespace rw::grammar
