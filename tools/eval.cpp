// Arrays to tensors and back. An array's shape is the ne order reversed. Nothing here knows an op: what it needs beyond
// the row of ops.def are the conventions of the whole family, stated at outputs() and is_state().
#include "tools/eval.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/convert.h"
#include "core/plan.h"
#include "reference/reference.h"

namespace rw::tools {
namespace {

/// A state [D, slots, rows] may also come with D spelled out, (rows, slots, H_v, S_v, S_k).
bool is_state(const ops::ArgRow& row) {
    const std::string_view name = row.name;
    return row.rank == 3 && (name == "state" || name == "state_out" || name == "base");
}

const char* descr_of(Type type) {
    static constexpr const char* names[] = {"<f4", "<f2", "<u2", "<i4"};
    return names[size_t(type)];
}

class Evaluator {
public:
    explicit Evaluator(const Evaluation& request)
        : request_(request), op_(ops::find(request.op)), call_(ops::make_call(op_)), reference_(request.backend == "reference"),
          device_(core::open(reference_ ? "cpu" : request.backend)) {}

    Evaluated run() {
        attributes();
        inputs();
        outputs();
        for (size_t i = 0; i < op_.args.size(); ++i) bind(i);
        ops::validate(op_, call_);
        spelled_states();
        Evaluated result;
        result.device = reference_ ? "reference" : device_->info().id;
        result.implementation = reference_ ? "reference" : on_device();
        if (reference_) by_definition();
        for (size_t i = 0; i < op_.args.size(); ++i) {
            if (!op_.args[i].written() || !call_.arg[i]) continue;
            Npy& array = arrays_[i];
            buffers_[i]->read(0, array.data.data(), array.data.size());
            result.output.emplace_back(op_.args[i].name, std::move(array));
        }
        return result;
    }

private:
    [[noreturn]] void refuse(size_t arg, const std::string& what, Status s = Status::invalid_argument) const {
        throw Error(s, std::string(op_.name) + ": " + op_.args[arg].name + ": " + what);
    }

    void attributes() {
        for (const std::string& word : request_.attr) {
            const size_t eq = word.find('=');
            if (eq == word.npos) throw Error(Status::invalid_argument, "--attr " + word + ": expected name=value");
            const std::string name = word.substr(0, eq), value = word.substr(eq + 1);
            if (name != "K" || op_.attr_index("K") >= 0 || op_.arg_index("state_out") < 0) {
                ops::set_attr(op_, call_, name, value);
                continue;
            }
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), slots_);
            if (error != std::errc() || end != value.data() + value.size() || slots_ < 1)
                throw Error(Status::invalid_argument, "--attr K=" + value + ": expected a whole number, at least 1");
        }
    }

    void inputs() {
        arrays_.resize(op_.args.size()), given_.resize(op_.args.size());
        for (const auto& [name, array] : request_.input) {
            const int index = op_.arg_index(name);
            if (index < 0) {
                std::string names;
                for (const ops::ArgRow& row : op_.args) names += std::string(names.empty() ? "" : ", ") + row.name;
                throw Error(Status::invalid_argument, std::string(op_.name) + ": no argument '" + name + "'; there are: " + names);
            }
            const size_t i = size_t(index);
            arrays_[i] = array, given_[i] = true;
            call_.arg[i].type = type_of(i, array);
            call_.arg[i].ne = ne_of(i, array);
        }
        for (size_t i = 0; i < op_.args.size(); ++i)
            if (!given_[i] && (op_.args[i].use == ops::Use::in || op_.args[i].use == ops::Use::inout))
                refuse(i, std::string("missing; give --in ") + op_.args[i].name + "=FILE.npy");
    }

    Type type_of(size_t arg, const Npy& array) const {
        std::string expected;
        for (const Type t : {Type::f32, Type::f16, Type::bf16, Type::i32}) {
            if (!(op_.args[arg].types >> int(t) & 1)) continue;
            if (array.descr == descr_of(t)) return t;
            expected += (expected.empty() ? "" : " or ") + type_text(descr_of(t)) + (t == Type::bf16 ? " for bf16" : "");
        }
        refuse(arg, "expected " + expected + ", got " + type_text(array.descr));
    }

    Extent ne_of(size_t arg, const Npy& array) const {
        const size_t rank = size_t(op_.args[arg].rank), n = array.shape.size();
        const bool spelled = is_state(op_.args[arg]) && n > rank;
        if (n != rank && !spelled)
            refuse(arg, "expected an array of " + std::to_string(rank) + " dimensions" +
                            (is_state(op_.args[arg]) ? ", (rows, slots, elements), or (rows, slots, H_v, S_v, S_k)" : "") +
                            ", got shape " + shape_text(array.shape));
        Extent ne{1, 1, 1, 1};
        for (size_t d = 0; d < n; ++d) {  // d counts NumPy's dimensions from the last, the fastest
            const int64_t extent = array.shape[n - 1 - d];
            if (extent < 1) refuse(arg, "shape " + shape_text(array.shape) + " has no elements; expected at least 1");
            if (spelled) ne[d < n - rank ? 0 : d - (n - rank)] *= extent;
            else ne[d] = extent;
        }
        return ne;
    }

    /// Shapes of outputs that were not given. Conventions of the family: an output that may lie over an input has its
    /// shape, with K slots (an optional one comes with that input); `out` is like v, or like x where there is no v; a
    /// state written by itself is like the base.
    void outputs() {
        for (size_t i = 0; i < op_.args.size(); ++i) {
            const ops::ArgRow& row = op_.args[i];
            if (!row.fresh() || (row.optional() && !given_[i] && !given_[size_t(op_.arg_index(row.over))])) continue;
            Tensor& t = call_.arg[i];
            const int model = like(row);
            if (model < 0 && !given_[i]) refuse(i, std::string("its shape is not known; give --in ") + row.name + "=FILE.npy");
            if (!given_[i]) {
                t.type = Type::f32, t.ne = call_.arg[size_t(model)].ne;
                if (is_state(row) && row.over && slots_) t.ne[1] = slots_;
                if (is_state(row) && !row.over) t.ne[1] = 1, t.ne[2] = sequences(t.ne[2]);
                std::vector<int64_t> shape = arrays_[size_t(model)].shape;
                if (is_state(row)) shape[0] = t.ne[2], shape[1] = t.ne[1];
                arrays_[i] = Npy{"<f4", shape, {}};
            } else if (row.over && slots_ && slots_ != t.ne[1]) {
                refuse(i, "has " + std::to_string(t.ne[1]) + " slots, but --attr K=" + std::to_string(slots_));
            }
        }
    }

    int like(const ops::ArgRow& row) const {
        if (row.over) return op_.arg_index(row.over);
        if (is_state(row)) return op_.arg_index("base");
        const int v = op_.arg_index("v");
        return v >= 0 ? v : op_.arg_index("x");
    }

    int64_t sequences(int64_t otherwise) const {
        const int pos = op_.arg_index("pos");
        return pos >= 0 ? call_.arg[size_t(pos)].ne[0] : otherwise;
    }

    /// Memory for an argument: the array's bytes, zeros for an output that was not given.
    void bind(size_t i) {
        Tensor& t = call_.arg[i];
        if (buffers_.size() <= i) buffers_.resize(op_.args.size());
        if (!given_[i] && arrays_[i].shape.empty()) return;  // an input or output that is left out
        uint64_t bytes = size_of(t.type);
        bool fits = true;
        for (const int64_t extent : t.ne) fits = fits && !__builtin_mul_overflow(bytes, uint64_t(extent), &bytes);
        const core::DeviceInfo& info = device_->info();
        if (!fits || bytes > info.max_allocation || bytes > info.memory / 2)
            refuse(i, "would take more memory than one buffer of " + info.id + " may (" +
                          std::to_string(std::min(info.max_allocation, info.memory / 2)) + " bytes)", Status::out_of_memory);
        t.nb = contiguous(t.type, t.ne);
        arrays_[i].data.resize(bytes);
        buffers_[i] = device_->allocate(bytes);
        buffers_[i]->write(0, arrays_[i].data.data(), bytes);
        t.buffer = buffers_[i].get();
    }

    /// A state with its elements spelled out has to spell them in the op's order.
    void spelled_states() const {
        std::vector<std::byte> params(op_.params_size);
        op_.fill_params(call_, params.data());
        std::vector<int64_t> want;
        for (const char* name : {"H_v", "S_v", "S_k"})
            for (const ops::Field& field : op_.fields)
                if (std::string_view(field.name) == name) {
                    int32_t value = 0;
                    std::memcpy(&value, params.data() + field.offset, sizeof value);
                    want.push_back(value);
                }
        for (size_t i = 0; i < op_.args.size() && want.size() == 3; ++i) {
            if (!given_[i] || !is_state(op_.args[i]) || arrays_[i].shape.size() == 3) continue;
            const std::vector<int64_t>& shape = arrays_[i].shape;
            const std::vector<int64_t> inner(shape.begin() + 2, shape.end());
            if (inner != want)
                refuse(i, "expected (rows, slots, H_v, S_v, S_k) = (" + std::to_string(shape[0]) + ", " +
                              std::to_string(shape[1]) + ", " + shape_text(want).substr(1) + ", got " + shape_text(shape));
        }
    }

    std::string on_device() {
        core::Plan plan(device_);
        plan.add(call_, request_.impl);
        plan.run();
        return plan.implementation(0);
    }

    /// Runs the definition; only the elements that it writes change, so the rest keeps its bytes.
    void by_definition() {
        if (!request_.impl.empty() && request_.impl != "reference")
            throw Error(Status::not_found, "--backend reference has no implementation '" + request_.impl + "'");
        reference::Run run{call_, {}, {}};
        for (size_t i = 0; i < op_.args.size(); ++i)
            run.value.push_back(call_.arg[i] ? core::gather(call_.arg[i], arrays_[i].data.data()) : std::vector<double>{});
        reference::run(run);
        if (run.fault) core::throw_fault(run.fault);
        for (size_t i = 0; i < op_.args.size(); ++i) {
            if (!op_.args[i].written() || !call_.arg[i]) continue;
            std::vector<std::byte>& data = arrays_[i].data;
            const uint32_t element = size_of(call_.arg[i].type);
            for (size_t e = 0; e < run.value[i].size(); ++e)
                if (run.written[i][e]) core::store(data.data() + e * element, call_.arg[i].type, run.value[i][e]);
            buffers_[i]->write(0, data.data(), data.size());
        }
    }

    const Evaluation& request_;
    const ops::Op& op_;
    ops::Call call_;
    bool reference_;
    std::shared_ptr<core::Device> device_;
    std::vector<Npy> arrays_;
    std::vector<bool> given_;
    std::vector<std::shared_ptr<core::Buffer>> buffers_;
    int64_t slots_ = 0;  // K asked for; 0: as many as the input state has
};

}  // namespace

Evaluated evaluate(const Evaluation& request) {
    Evaluator evaluator(request);
    return evaluator.run();
}

}  // namespace rw::tools
