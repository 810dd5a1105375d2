// Whole-number expressions of kernel rows: C's arithmetic, comparison, logic and ?: on 64-bit integers, the functions
// min(a, b), max(a, b), ceil_div(a, b), and names that the caller resolves. x / 0 and x % 0 are errors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace rw::core {

/// The value of a name; throws Error for one it does not know.
using Resolve = std::function<int64_t(const std::string& name)>;

class Expr {
public:
    Expr() = default;  // empty
    /// Throws Error(invalid_argument) with the place of a syntax error.
    explicit Expr(const std::string& text);
    bool empty() const { return text_.empty(); }
    const std::string& text() const { return text_; }
    int64_t operator()(const Resolve& resolve) const;

    struct Node;

private:
    std::string text_;
    std::shared_ptr<const Node> root_;
};

}  // namespace rw::core
