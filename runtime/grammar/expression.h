// Grammars before they are compiled: rules, which are expressions over characters. What is read from text (gbnf.h) and
// what a JSON schema becomes (json_schema.h) is this.
//
//     Rules rules;
//     const uint32_t root = rules.add("root");
//     rules[root] = sequence({text("("), optional(call(root)), text(")")});
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rw::grammar {

/// Characters from first to last.
struct Span {
    char32_t first, last;
    auto operator<=>(const Span&) const = default;
};
using Spans = std::vector<Span>;

inline constexpr char32_t last_character = 0x10FFFF;
/// Sorted, without overlaps and without surrogates, which are no characters.
Spans normal(Spans spans);
/// All other characters.
Spans complement(Spans spans);
void append_utf8(char32_t character, std::string& out);

inline constexpr uint32_t endless = UINT32_MAX;

struct Expression {
    enum class Kind : uint8_t { literal, set, sequence, choice, repeat, call };
    Kind kind = Kind::sequence;  // without parts: the empty text
    std::string bytes{};                  // of a literal, UTF-8
    Spans set{};                          // one of these characters; normal, and at least one
    std::vector<Expression> parts{};      // of a sequence or a choice; one of a repetition
    uint32_t least = 0, most = 0;         // of a repetition; most may be endless
    uint32_t rule = 0;                    // of a call
};

Expression text(std::string_view bytes);
Expression one_of(Spans spans);
Expression one_of(std::string_view ascii);
Expression sequence(std::vector<Expression> parts);
Expression choice(std::vector<Expression> parts);
Expression repeat(Expression part, uint32_t least, uint32_t most = endless);
inline Expression optional(Expression part) { return repeat(std::move(part), 0, 1); }
Expression call(uint32_t rule);

struct Rule {
    std::string name;
    Expression expression{};
};

class Rules {
public:
    /// More rules than this are refused, Error(invalid_argument).
    static constexpr size_t most = 20'000;
    uint32_t add(std::string name);
    Expression& operator[](uint32_t rule) { return rules_[rule].expression; }
    const Rule& at(uint32_t rule) const { return rules_[rule]; }
    uint32_t size() const { return uint32_t(rules_.size()); }
    uint32_t root = 0;  // where texts begin

private:
    std::vector<Rule> rules_;
};

}  // namespace rw::grammar
