#include "tools/draft_length.h"

#include <fmt/format.h>

#include <charconv>

#include "runtime/spec/generator.h"

namespace rw::tools {
namespace {

constexpr int auto_most = 16;

}  // namespace

std::pair<int, int> drafts_of(const std::string& text) {
    const bool as_pays = text.starts_with("auto");
    const std::string digits = !as_pays ? text : text == "auto" ? std::to_string(auto_most) : text.substr(5);
    int n = -1;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    const bool number = end.ec == std::errc() && end.ptr == digits.data() + digits.size();
    if (!number || n < 0 || n > 64 || (as_pays && text.size() > 4 && text[4] != ':'))
        throw Error(Status::invalid_argument,
                    fmt::format("--n-max {}: a number from 0 to 64, auto, or auto:N for at most N is expected", text));
    return {as_pays && n > 0 ? spec::n_auto : n, n};
}

}  // namespace rw::tools
