#include "runtime/tokenizer/split.h"

#include "runtime/tokenizer/unicode.h"

namespace rw::tokenizer {
namespace {

class Scanner {
public:
    Scanner(Rules rules, std::string_view text) : text_(text), marks_are_letters_(rules == Rules::qwen35) {}

    size_t end(size_t at) const {
        const Character c = character_at(text_, at);
        const size_t next = at + c.bytes;
        if (c.code == '\'')
            if (const size_t n = contraction(next)) return next + n;
        if (letter(c)) return run(at, &Scanner::letter);
        if (c.kind != Kind::number && c.kind != Kind::newline && next < text_.size() && letter(character_at(text_, next)))
            return run(next, &Scanner::letter);
        if (c.kind == Kind::number) return next;
        const size_t symbols = c.code == ' ' ? next : at;
        if (symbols < text_.size() && symbol(character_at(text_, symbols)))
            return run(run(symbols, &Scanner::symbol), &Scanner::newline);
        return spaces(at);
    }

private:
    bool letter(const Character& c) const { return c.kind == Kind::letter || (c.kind == Kind::mark && marks_are_letters_); }
    bool symbol(const Character& c) const { return c.kind == Kind::other || (c.kind == Kind::mark && !marks_are_letters_); }
    bool newline(const Character& c) const { return c.kind == Kind::newline; }

    size_t run(size_t at, bool (Scanner::*belongs)(const Character&) const) const {
        while (at < text_.size()) {
            const Character c = character_at(text_, at);
            if (!(this->*belongs)(c)) break;
            at += c.bytes;
        }
        return at;
    }

    /// Bytes of what can follow an apostrophe, 0 when nothing that starts at `at` does.
    size_t contraction(size_t at) const {
        const auto small = [&](size_t i) { return i < text_.size() ? char(text_[i] | 0x20) : '\0'; };
        const char a = small(at), b = small(at + 1);
        if (a == 's' || a == 't' || a == 'm' || a == 'd') return 1;
        return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 2 : 0;
    }

    size_t spaces(size_t at) const {
        size_t end = at, last = at, line = 0;  // of the spaces; where the last of them starts; past the last line break
        while (end < text_.size()) {
            const Character c = character_at(text_, end);
            if (c.kind != Kind::space && c.kind != Kind::newline) break;
            last = end;
            end += c.bytes;
            if (c.kind == Kind::newline) line = end;
        }
        if (line > 0) return line;
        return end == text_.size() || last == at ? end : last;
    }

    std::string_view text_;
    bool marks_are_letters_;
};

}  // namespace

size_t piece_end(Rules rules, std::string_view text, size_t at) { return Scanner(rules, text).end(at); }

}  // namespace rw::tokenizer
