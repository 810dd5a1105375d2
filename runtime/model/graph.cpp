#include "runtime/model/graph.h"

#include <algorithm>

namespace rw::model {

void Scratch::reserve(const std::string& name, uint64_t bytes) {
    uint64_t& size = sizes_[name];
    size = std::max(size, bytes);
}

void Scratch::allocate(Memory& memory) {
    for (const auto& [name, bytes] : sizes_) {
        memory_[name] = memory.make("scratch", Type::f32, {int64_t((bytes + 3) / 4), 1, 1, 1});
        // Rows that no sequence has are computed too, from something finite.
        if (!memory.measures()) clear(*memory_[name].buffer, 0, bytes);
    }
}

Tensor Scratch::tensor(const std::string& name, Type type, Extent ne) const {
    Tensor t = memory_.at(name);
    t.type = type, t.ne = ne, t.nb = contiguous(type, ne);
    if (t.span() > sizes_.at(name)) throw Error(Status::internal, "scratch '" + name + "' is smaller than its use");
    return t;
}

Tensor Graph::input(int64_t from, Extent ne) const {
    Tensor t = lane_.inputs;
    t.offset = uint64_t(from) * 4, t.ne = ne, t.nb = contiguous(Type::i32, ne);
    return t;
}

Tensor Graph::scratch(const char* name, Extent ne, Type type) {
    if (sink_) return lane_.scratch.tensor(name, type, ne);
    Tensor t;
    t.type = type, t.ne = ne, t.nb = contiguous(type, ne);
    lane_.scratch.reserve(name, t.span());
    return t;
}

void Graph::add(const char* name, std::initializer_list<Named> tensors, std::initializer_list<Attribute> attributes) {
    if (!sink_) return;
    const ops::Op& op = ops::find(name);
    ops::Call call = ops::make_call(op);
    for (const Named& t : tensors) {
        const int arg = op.arg_index(t.name);
        if (arg < 0) throw Error(Status::internal, std::string(name) + " has no argument " + t.name);
        if (present(t.tensor)) call.arg[size_t(arg)] = t.tensor;
    }
    for (const Attribute& a : attributes) {
        const int attr = op.attr_index(a.name);
        if (attr < 0) throw Error(Status::internal, std::string(name) + " has no attribute " + a.name);
        if (a.choice)
            ops::set_attr(op, call, a.name, a.choice);
        else
            call.attr[size_t(attr)] = a.number;
    }
    sink_(call);
}

Tensor Graph::project(const char* name, const Tensor& w, const Tensor& x, const Tensor& sum) {
    const Tensor out = scratch(name, {w.ne[1], x.ne[1], 1, 1});
    add("MUL_MAT", {{"w", w}, {"x", x}, {"add", sum}, {"out", out}}, {{"path", 0, prefill_ ? "prefill" : "exact"}});
    return out;
}

Tensor Graph::normed(const char* name, const Tensor& x, const Tensor& w, float eps, const Tensor& gate) {
    const Tensor out = scratch(name, x.ne);
    add("RMS_NORM", {{"x", x}, {"weight", w}, {"gate", gate}, {"out", out}}, {{"eps", eps}});
    return out;
}

}  // namespace rw::model
