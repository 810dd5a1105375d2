// What may come next in a text, however probable the model holds it: a grammar's rules, a budget of thinking.
//
// A constraint never changes. Taking a token in gives the constraint behind it, which shares what it can with the one
// before, so a round that is given up leaves nothing to undo and nothing is parsed again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace rw::sample {

class Constraint {
public:
    virtual ~Constraint() = default;
    virtual bool allows(int32_t token) const = 0;
    /// Makes every token that may not come next impossible, -infinity. At least one is left: where the text can only end, the
    /// end tokens are.
    virtual void mask(std::span<float> logits) const = 0;
    /// What holds behind that token, which has to be an allowed one.
    virtual std::shared_ptr<const Constraint> after(int32_t token) const = 0;
};

}  // namespace rw::sample
