#include "tests/driver/inputs.h"

#include <limits>

#include "core/convert.h"
#include "core/sample.h"

namespace rw::test {
namespace {

/// Present, and nothing else: contracts ask whether an optional argument is there.
class StandIn : public core::Buffer {
public:
    StandIn() : Buffer(std::numeric_limits<int64_t>::max()) {}
    void write(uint64_t, const void*, uint64_t) override {}
    void read(uint64_t, void*, uint64_t) const override {}
};

}  // namespace

Inputs::Inputs(const ops::Op& o, const ops::Example& e, uint64_t s, int64_t a)
    : op(&o), example(e), value(e.arg.size()), align(a), seed(s) {
    core::check_size(o, e);
    for (size_t i = 0; i < e.arg.size(); ++i)
        if (e.arg[i].present && e.arg[i].alias < 0 && !o.args[i].fresh())
            value[i] = core::filled(e.arg[i], seed, int(i));
}

void Inputs::put(int arg, Extent ne, std::vector<double> values) {
    ops::Example::Arg& a = example.arg[size_t(arg)];
    a.present = true, a.ne = ne, a.nb = {0, 0, 0, 0}, a.alias = -1;
    value[size_t(arg)] = std::move(values);
}

void Inputs::put_list(int arg, const std::vector<int64_t>& values) {
    example.arg[size_t(arg)].type = Type::i32;
    put(arg, {int64_t(values.size()), 1, 1, 1}, {values.begin(), values.end()});
}

void Inputs::drop(int arg) {
    if (arg < 0) return;
    example.arg[size_t(arg)] = {};
    value[size_t(arg)].clear();
}

void Inputs::plain_layout() {
    for (ops::Example::Arg& a : example.arg) a.nb = {0, 0, 0, 0}, a.alias = -1;
}

ops::Call Inputs::shape() const { return shape_of(*op, example); }

ops::Call shape_of(const ops::Op& op, const ops::Example& example) {
    static StandIn stand_in;
    ops::Call call = ops::make_call(op);
    call.attr = example.attr;
    std::vector<uint64_t> bytes(example.arg.size(), 0);  // arguments lie apart, aliased ones together
    for (size_t i = 0; i < example.arg.size(); ++i) {
        const ops::Example::Arg& a = example.arg[i];
        if (!a.present) continue;
        Tensor& t = call.arg[i];
        t.type = a.type, t.ne = a.ne, t.nb = a.nb[0] ? a.nb : contiguous(a.type, a.ne), t.buffer = &stand_in;
        uint64_t& home = bytes[a.alias >= 0 ? size_t(a.alias) : i];
        home = std::max(home, (t.span() + 255) / 256 * 256);
    }
    for (size_t i = 0, next = 0; i < example.arg.size(); next += bytes[i++]) {
        const int alias = example.arg[i].alias;
        if (example.arg[i].present) call.arg[i].offset = alias >= 0 ? call.arg[size_t(alias)].offset : next;
    }
    return call;
}

Expected expected(const Inputs& inputs) {
    const ops::Call call = inputs.shape();
    reference::Run run{call, inputs.value, {}, 0};
    for (size_t i = 0; i < run.value.size(); ++i) {
        const ops::Example::Arg& a = inputs.example.arg[i];
        if (a.present && run.value[i].empty())
            run.value[i].assign(size_t(call.arg[i].elements()), std::numeric_limits<double>::quiet_NaN());
        else if (a.present && is_quantised(a.type))
            run.value[i] = core::as_stored(a.type, a.ne, run.value[i]);
    }
    reference::run(run);
    return {std::move(run.value), std::move(run.written), run.fault};
}

}  // namespace rw::test
