#include "runtime/tokenizer/tools_form.h"

#include <algorithm>

namespace rw::tokenizer {
namespace {

constexpr std::string_view blanks = " \t\r\n";

bool has(std::string_view text, std::string_view what) { return text.find(what) != text.npos; }

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(blanks);
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// A piece of a template: text, {{ an expression }} or {% a statement %}.
struct Piece {
    enum class Kind { text, expression, statement } kind;
    std::string_view inside;
    bool cuts_before = false, cuts_after = false;  // blanks, as {%- and -%} do
};

std::vector<Piece> pieces_of(std::string_view text) {
    std::vector<Piece> list;
    while (!text.empty()) {
        const size_t open = std::min({text.find("{{"), text.find("{%"), text.find("{#")});
        if (open == text.npos || open > 0) list.push_back({Piece::Kind::text, text.substr(0, open)});
        if (open == text.npos) break;
        const char kind = text[open + 1];
        const size_t close = text.find(kind == '{' ? "}}" : kind == '%' ? "%}" : "#}", open + 2);
        if (close == text.npos) break;
        Piece piece{kind == '{' ? Piece::Kind::expression : Piece::Kind::statement, text.substr(open + 2, close - open - 2)};
        if (kind == '#') piece.inside = "";
        piece.cuts_before = piece.inside.starts_with('-'), piece.cuts_after = piece.inside.ends_with('-');
        if (piece.cuts_before) piece.inside.remove_prefix(1);
        if (piece.cuts_after && !piece.inside.empty()) piece.inside.remove_suffix(1);
        piece.inside = trimmed(piece.inside);
        list.push_back(piece);
        text.remove_prefix(close + 2);
        if (kind != '{' && text.starts_with('\n')) text.remove_prefix(1);  // a line that a statement ends is not written
    }
    for (size_t i = 0; i < list.size(); ++i) {
        if (list[i].kind != Piece::Kind::text) continue;
        std::string_view& t = list[i].inside;
        if (i > 0 && list[i - 1].cuts_after) t.remove_prefix(std::min(t.find_first_not_of(blanks), t.size()));
        if (i + 1 < list.size() && list[i + 1].cuts_before) t = t.substr(0, t.find_last_not_of(blanks) + 1);
    }
    return list;
}

/// What a quoted text stands for; none when it is not one, or not one alone.
std::optional<std::string> literal(std::string_view text) {
    if (text.size() < 2 || (text[0] != '\'' && text[0] != '"') || text.back() != text[0]) return std::nullopt;
    std::string out;
    for (size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == text[0]) return std::nullopt;
        if (text[i] != '\\' || i + 2 >= text.size()) {
            out += text[i];
            continue;
        }
        const char c = text[++i];
        out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    return out;
}

/// The parts of a sum, outside of quotes.
std::vector<std::string_view> summands(std::string_view text) {
    std::vector<std::string_view> list;
    char quote = 0;
    size_t from = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (quote && text[i] == '\\') ++i;
        else if (quote) quote = text[i] == quote ? 0 : quote;
        else if (text[i] == '\'' || text[i] == '"') quote = text[i];
        else if (text[i] == '+' || text[i] == '~') list.push_back(trimmed(text.substr(from, i - from))), from = i + 1;
    }
    list.push_back(trimmed(text.substr(from)));
    return list;
}

bool is_system(std::string_view text) {
    return text == "content" || text == "system_message" || text.starts_with("messages[0]");
}

}  // namespace

std::optional<ToolsForm> ToolsForm::of(std::string_view text) {
    const std::vector<Piece> list = pieces_of(text);
    const auto begins = [](const Piece& p, std::string_view what) {
        return p.kind == Piece::Kind::statement && p.inside.starts_with(what);
    };
    auto at = std::find_if(list.begin(), list.end(), [&](const Piece& p) { return begins(p, "if tools"); });
    if (at == list.end()) return std::nullopt;
    ToolsForm form;
    std::vector<std::string_view> open;  // statements round this place, "for" and "if"
    bool tool = false;
    for (++at; at != list.end(); ++at) {
        const bool each = std::find(open.begin(), open.end(), "for") != open.end();
        const bool with_system = std::find(open.begin(), open.end(), "if") != open.end();
        if (at->kind == Piece::Kind::statement) {
            const std::string_view s = at->inside;
            if (open.empty() && (s.starts_with("el") || s == "endif")) break;
            if (s.starts_with("for")) {
                if (s != "for tool in tools" || !open.empty()) return std::nullopt;
                open.push_back("for");
            } else if (s.starts_with("if")) {
                if (each || with_system || !(has(s, "messages[0]") || has(s, "content") || has(s, "system_message"))) {
                    // Conditions within those of the system's message ask whether it says anything.
                    if (!with_system || each || !has(s, "content")) return std::nullopt;
                }
                open.push_back("if");
            } else if (s == "endfor" || s == "endif") {
                if (open.empty()) return std::nullopt;
                open.pop_back();
            } else if (!s.empty() && !s.starts_with("set ")) {
                return std::nullopt;
            }
            continue;
        }
        if (at->kind == Piece::Kind::text) {
            if (!at->inside.empty()) form.items.push_back({What::text, std::string(at->inside), with_system, each});
            continue;
        }
        for (const std::string_view part : summands(at->inside)) {
            if (const auto words = literal(part)) form.items.push_back({What::text, *words, with_system, each});
            else if (each && part.starts_with("tool") && has(part, "tojson")) form.items.push_back({What::tool, "", false, true}), tool = true;
            else if (!each && is_system(part)) form.items.push_back({What::system, "", true, false});
            else return std::nullopt;
        }
    }
    const bool system = std::any_of(form.items.begin(), form.items.end(), [](const Item& i) { return i.what == What::system; });
    if (at == list.end() || !tool || !system || !has(text, "<tool_call>") || !has(text, "<tool_response>")) return std::nullopt;
    form.marks = has(text, "<function=");
    form.apart = has(text, "\\n\\n<tool_call>");
    return form;
}

}  // namespace rw::tokenizer
