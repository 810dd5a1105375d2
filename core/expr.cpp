#include "core/expr.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::core {

struct Expr::Node {
    std::string op;  // operator, function, "name" or "number"
    std::string name;
    int64_t number = 0;
    std::vector<std::shared_ptr<const Node>> kids;
};

namespace {

using Ptr = std::shared_ptr<const Expr::Node>;

[[noreturn]] void fail(const std::string& text, const std::string& what) {
    throw Error(Status::invalid_argument, "expression '" + text + "': " + what);
}

/// Precedence climbing over the binary operators, loosest first.
class Parser {
public:
    explicit Parser(const std::string& text) : text_(text) {}
    Ptr whole() {
        Ptr e = ternary();
        skip();
        if (at_ != text_.size()) fail(text_, "unexpected '" + text_.substr(at_) + "'");
        return e;
    }

private:
    static Ptr node(std::string op, std::vector<Ptr> kids) {
        return std::make_shared<Expr::Node>(Expr::Node{std::move(op), "", 0, std::move(kids)});
    }
    void skip() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    }
    bool eat(const std::string& token) {
        skip();
        if (text_.compare(at_, token.size(), token) != 0) return false;
        at_ += token.size();
        return true;
    }
    void expect(const std::string& token) {
        if (!eat(token)) fail(text_, "expected '" + token + "' at '" + text_.substr(at_) + "'");
    }
    Ptr ternary() {
        Ptr condition = binary(0);
        if (!eat("?")) return condition;
        Ptr yes = ternary();
        expect(":");
        return node("?", {condition, yes, ternary()});
    }
    Ptr binary(size_t level) {
        static const std::vector<std::vector<std::string>> levels = {
            {"||"}, {"&&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%"}};
        if (level == levels.size()) return unary();
        Ptr left = binary(level + 1);
        for (;;) {
            const auto op = std::find_if(levels[level].begin(), levels[level].end(), [&](auto& o) { return eat(o); });
            if (op == levels[level].end()) return left;
            left = node(*op, {left, binary(level + 1)});
        }
    }
    Ptr unary() {
        skip();
        if (text_.compare(at_, 2, "!=") != 0 && eat("!")) return node("!", {unary()});
        if (eat("-")) return node("neg", {unary()});
        if (eat("(")) {
            Ptr inside = ternary();
            expect(")");
            return inside;
        }
        const size_t start = at_;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
        const std::string word = text_.substr(start, at_ - start);
        if (word.empty()) fail(text_, "expected a value at '" + text_.substr(at_) + "'");
        if (std::isdigit(static_cast<unsigned char>(word[0])))
            return std::make_shared<Expr::Node>(Expr::Node{"number", "", number(word), {}});
        if (!eat("(")) return std::make_shared<Expr::Node>(Expr::Node{"name", word, 0, {}});
        if (word != "min" && word != "max" && word != "ceil_div") fail(text_, "no function '" + word + "'");
        Ptr first = ternary();
        expect(",");
        Ptr second = ternary();
        expect(")");
        return node(word, {first, second});
    }

    int64_t number(const std::string& word) const {
        int64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size())
            fail(text_, "'" + word + "' is not a whole number below 2^63");
        return value;
    }

    const std::string& text_;
    size_t at_ = 0;
};

int64_t evaluate(const Expr::Node& n, const Resolve& resolve, const std::string& text) {
    if (n.op == "number") return n.number;
    if (n.op == "name") return resolve(n.name);
    const auto kid = [&](size_t i) { return evaluate(*n.kids[i], resolve, text); };
    const int64_t a = kid(0);
    if (n.op == "?") return a ? kid(1) : kid(2);
    if (n.op == "!") return !a;
    if (n.op == "neg") return -a;
    if (n.op == "&&") return a && kid(1);
    if (n.op == "||") return a || kid(1);
    const int64_t b = kid(1);
    if ((n.op == "/" || n.op == "%" || n.op == "ceil_div") && b == 0) fail(text, "division by zero");
    if (n.op == "+") return a + b;
    if (n.op == "-") return a - b;
    if (n.op == "*") return a * b;
    if (n.op == "/") return a / b;
    if (n.op == "%") return a % b;
    if (n.op == "==") return a == b;
    if (n.op == "!=") return a != b;
    if (n.op == "<=") return a <= b;
    if (n.op == ">=") return a >= b;
    if (n.op == "<") return a < b;
    if (n.op == ">") return a > b;
    if (n.op == "min") return std::min(a, b);
    if (n.op == "max") return std::max(a, b);
    return (a + b - 1) / b;  // ceil_div
}

}  // namespace

Expr::Expr(const std::string& text) : text_(text), root_(Parser(text_).whole()) {}

int64_t Expr::operator()(const Resolve& resolve) const {
    if (!root_) fail(text_, "is empty");
    return evaluate(*root_, resolve, text_);
}

}  // namespace rw::core
