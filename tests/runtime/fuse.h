// A constraint that allows everything, and throws at a token too many.
#pragma once

#include "runtime/sample/constraint.h"
#include "rewind/ops/contract.h"

namespace rw::test {

class Fuse : public sample::Constraint {
public:
    explicit Fuse(int left) : left_(left) {}
    bool allows(int32_t) const override { return true; }
    void mask(std::span<float>) const override {}
    std::shared_ptr<const Constraint> after(int32_t) const override {
        if (left_ == 0) throw Error(Status::internal, "blown");
        return std::make_shared<Fuse>(left_ - 1);
    }

private:
    int left_;
};

}  // namespace rw::test
