// A call as values: what a case asks for, editable by checks before it is bound to memory.
#pragma once

#include "core/fill.h"
#include "reference/reference.h"

namespace rw::test {

struct Inputs {
    const ops::Op* op = nullptr;
    ops::Example example;                    // shapes, strides, attributes, aliasing
    std::vector<std::vector<double>> value;  // packed, ne order; empty for absent arguments and for pure outputs
    int64_t align = 16;
    uint64_t seed = 1;

    Inputs() = default;
    Inputs(const ops::Op& op, const ops::Example& example, uint64_t seed, int64_t align = 16);

    bool has(int arg) const { return arg >= 0 && example.arg[size_t(arg)].present; }
    const Extent& ne(int arg) const { return example.arg[size_t(arg)].ne; }
    /// Entry i of an i32 vector, or the fallback when it is absent.
    int64_t index(int arg, int64_t i, int64_t fallback) const {
        return has(arg) ? int64_t(value[size_t(arg)][size_t(i)]) : fallback;
    }
    /// Replaces an argument by packed values of the given shape.
    void put(int arg, Extent ne, std::vector<double> values);
    void put_list(int arg, const std::vector<int64_t>& values);
    void drop(int arg);
    /// No argument shares memory with another, none has gaps.
    void plain_layout();

    /// Shapes and attributes with stand-in buffers: good for validation of shapes, params and the reference.
    ops::Call shape() const;
};

/// The same before there are values: shapes of any size cost nothing.
ops::Call shape_of(const ops::Op& op, const ops::Example& example);

/// What the definition says about the inputs.
struct Expected {
    std::vector<std::vector<double>> value;     // as Inputs::value, outputs filled
    std::vector<std::vector<uint8_t>> written;  // as reference::Run::written
    uint32_t fault = 0;
};
Expected expected(const Inputs& inputs);

}  // namespace rw::test
