// Op calls put down by name, for a plan; and the memory for what passes between them.
//
// Scratch tensors go by name: the same name in every layer is the same memory, so a model takes what one layer takes.
// A graph that is built for the greatest number of rows and nobody finds the sizes; the same code then records.
#pragma once

#include <functional>
#include <initializer_list>

#include "core/plan.h"
#include "runtime/model/memory.h"

namespace rw::model {

/// The memory of scratch tensors, by name.
class Scratch {
public:
    /// Room for a tensor under this name; grows while measuring.
    void reserve(const std::string& name, uint64_t bytes);
    /// Allocates all that was reserved, on the device of `memory`.
    void allocate(Memory& memory);
    Tensor tensor(const std::string& name, Type type, Extent ne) const;

private:
    std::map<std::string, uint64_t> sizes_;
    std::map<std::string, Tensor> memory_;
};

/// What a call works in: scratch tensors, and its inputs, i32. Two calls that run side by side have one each.
struct Lane {
    Scratch scratch{};
    Tensor inputs{};
};

struct Named {
    const char* name;
    Tensor tensor;
};
struct Attribute {
    const char* name;
    double number;
    const char* choice = nullptr;
};

class Graph {
public:
    using Sink = std::function<void(const ops::Call&)>;
    /// Without a sink it measures: there are no calls and scratch grows.
    /// prefill: for the rows of a prompt, which keep their bits for the same prompt, not for any company.
    Graph(Lane& lane, Sink sink, bool prefill) : lane_(lane), sink_(std::move(sink)), prefill_(prefill) {}

    /// Elements of the inputs, from `from` on.
    Tensor input(int64_t from, Extent ne) const;
    Tensor scratch(const char* name, Extent ne, Type type = Type::f32);
    /// Tensors that are not present are left out.
    void add(const char* op, std::initializer_list<Named> tensors, std::initializer_list<Attribute> attributes = {});

    /// x times w, [outputs, rows]; added onto `sum` where it is given.
    Tensor project(const char* name, const Tensor& w, const Tensor& x, const Tensor& sum = {});
    /// Rows of dimension 0 over their root mean square, times w.
    Tensor normed(const char* name, const Tensor& x, const Tensor& w, float eps, const Tensor& gate = {});

private:
    Lane& lane_;
    Sink sink_;
    bool prefill_;
};

}  // namespace rw::model
