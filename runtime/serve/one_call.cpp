#include "runtime/serve/one_call.h"

#include <limits>

namespace rw::serve {
namespace {

constexpr std::string_view call_close = "</tool_call>";

class OneCall : public sample::Constraint {
public:
    OneCall(const tokenizer::Tokenizer& tokenizer, size_t matched) : tokenizer_(tokenizer), matched_(matched) {}

    bool allows(int32_t token) const override { return !over() || tokenizer_.vocabulary().ends(token); }

    void mask(std::span<float> logits) const override {
        if (!over()) return;
        for (size_t token = 0; token < logits.size(); ++token)
            if (!allows(int32_t(token))) logits[token] = -std::numeric_limits<float>::infinity();
    }

    std::shared_ptr<const Constraint> after(int32_t token) const override {
        size_t matched = matched_;
        for (const char c : tokenizer_.piece(token, true)) {
            if (matched == call_close.size()) break;
            matched =
                c == call_close[matched] ? matched + 1 : c == call_close[0];  // no other of its characters is the first
        }
        return std::make_shared<OneCall>(tokenizer_, matched);
    }

private:
    bool over() const { return matched_ == call_close.size(); }

    const tokenizer::Tokenizer& tokenizer_;
    size_t matched_;  // bytes of the mark that end the text
};

}  // namespace

std::shared_ptr<const sample::Constraint> one_call(const tokenizer::Tokenizer& tokenizer) {
    return std::make_shared<OneCall>(tokenizer, 0);
}

}  // namespace rw::serve
