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
    Graph(Scratch& scratch, Sink sink, bool prefill) : scratch_(scratch), sink_(std::move(sink)), prefill_(prefill) {}

    Tensor scratch(const char* name, Extent ne, Type type = Type::f32);
    /// Tensors that are not present are left out.
    void add(const char* op, std::initializer_list<Named> tensors, std::initializer_list<Attribute> attributes = {});

    /// x times w, [outputs, rows]; added onto `sum` where it is given.
    Tensor project(const char* name, const Tensor& w, const Tensor& x, const Tensor& sum = {});
    /// Rows of dimension 0 over their root mean square, times w.
    Tensor normed(const char* name, const Tensor& x, const Tensor& w, float eps, const Tensor& gate = {});

private:
    Scratch& scratch_;
    Sink sink_;
    bool prefill_;
};

}  // namespace rw::model
