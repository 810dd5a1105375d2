#include "runtime/serve/one_call.h"

#include <limits>

namespace rw::serve {
namespace {

class OneCall : public sample::Constraint {
public:
    OneCall(const tokenizer::Tokenizer& tokenizer, Reply reply) : tokenizer_(tokenizer), reply_(std::move(reply)) {}

    bool allows(int32_t token) const override { return !reply_.called() || tokenizer_.vocabulary().ends(token); }

    void mask(std::span<float> logits) const override {
        if (!reply_.called()) return;
        for (size_t token = 0; token < logits.size(); ++token)
            if (!allows(int32_t(token))) logits[token] = -std::numeric_limits<float>::infinity();
    }

    std::shared_ptr<const Constraint> after(int32_t token) const override {
        auto next = std::make_shared<OneCall>(*this);
        next->reply_.push(tokenizer_.piece(token, true));
        return next;
    }

private:
    const tokenizer::Tokenizer& tokenizer_;
    Reply reply_;  // so far
};

}  // namespace

std::shared_ptr<const sample::Constraint> one_call(const tokenizer::Tokenizer& tokenizer, Reply::Form form) {
    return std::make_shared<OneCall>(tokenizer, Reply(std::move(form)));
}

}  // namespace rw::serve
