#include "tests/driver/guard.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/convert.h"

namespace rw::test {
namespace {

constexpr uint64_t guard_bytes = 256;

uint64_t scramble(uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 33);
}

/// Calls f(packed index of the first element, byte offset) for every block, which is an element of most types.
template <class F>
void each(const Tensor& t, F f) {
    size_t i = 0;
    const size_t block = info(t.type).block;
    for (int64_t d = 0; d < t.ne[3]; ++d)
        for (int64_t c = 0; c < t.ne[2]; ++c)
            for (int64_t b = 0; b < t.ne[1]; ++b) {
                const int64_t row = d * t.nb[3] + c * t.nb[2] + b * t.nb[1];
                for (int64_t a = 0; a < t.steps(0); ++a, i += block) f(i, row + a * t.nb[0]);
            }
}

/// Calls f with the bytes of one of the type's blocks: a constant, for those that outputs are made of.
template <class F>
void with_size(Type type, F f) {
    if (size_of(type) == 2) f(std::integral_constant<size_t, 2>());
    else if (size_of(type) == 4) f(std::integral_constant<size_t, 4>());
    else f(size_t(size_of(type)));
}

/// Marks the elements whose bits, or whose block's, are no longer what they were.
void mark_touched(const Tensor& t, const std::byte* before, const std::byte* now, std::vector<uint8_t>& touched) {
    with_size(t.type, [&](auto bytes) {
        each(t, [&](size_t e, int64_t at) {
            std::fill_n(&touched[e], info(t.type).block, std::memcmp(before + at, now + at, bytes) != 0);
        });
    });
}

/// Puts every element back to what it was.
void put_back(const Tensor& t, const std::byte* before, std::byte* now) {
    with_size(t.type, [&](auto bytes) {
        each(t, [&](size_t, int64_t at) { std::memcpy(now + at, before + at, bytes); });
    });
}

std::string place(uint64_t at, const std::vector<std::pair<std::string, Tensor>>& tensors) {
    std::string s;
    for (const auto& [name, t] : tensors) {
        s += s.empty() ? "" : "; ";
        if (at < t.offset) s += std::to_string(t.offset - at) + " bytes before " + name;
        else if (at >= t.offset + t.span()) s += std::to_string(at - t.offset - t.span()) + " bytes past the end of " + name;
        else s += "byte " + std::to_string(at - t.offset) + " of " + name;
    }
    return s;
}

}  // namespace

// Never 0x7fc00000, the NaN that arithmetic makes.
uint32_t poison(uint64_t offset) { return 0x7fc00001u | (uint32_t(scramble(offset / 4 + 77)) & 0x3fffffu); }

void poison_all(std::vector<std::byte>& image) {
    static std::vector<uint32_t> pattern;  // of the largest image so far: checks make thousands of them
    for (uint64_t at = pattern.size() * 4; at < image.size(); at += 4) pattern.push_back(poison(at));
    std::memcpy(image.data(), pattern.data(), image.size());
}

Bound::Bound(core::Device& device, const Inputs& inputs) : op_(*inputs.op), call_(inputs.shape()) {
    memory_of_.assign(call_.arg.size(), -1), poisoned_.assign(call_.arg.size(), false);
    for (size_t i = 0; i < call_.arg.size(); ++i) {
        if (!call_.arg[i]) continue;
        const int alias = inputs.example.arg[i].alias;
        if (alias < 0) memory_of_[i] = int(memory_.size()), memory_.emplace_back();
        else memory_of_[i] = memory_of_[size_t(alias)];
        memory_[size_t(memory_of_[i])].args.push_back(int(i));
    }
    lay_out(inputs, device);
}

void Bound::lay_out(const Inputs& inputs, core::Device& device) {
    const uint64_t align = uint64_t(inputs.align);
    for (Memory& m : memory_) {
        uint64_t span = 0;
        for (const int i : m.args) span = std::max(span, call_.arg[size_t(i)].span());
        // An odd multiple of the alignment, so that nothing more aligned is there by luck.
        const uint64_t vary = scramble(inputs.seed * 64 + uint64_t(m.args[0])) % 8 * 2 + 1;
        const uint64_t front = (guard_bytes + 2 * align - 1) / (2 * align) * (2 * align) + vary * align;
        m.image.resize((front + span + guard_bytes + 3) / 4 * 4);
        poison_all(m.image);
        m.buffer = device.allocate(m.image.size());
        for (const int i : m.args) {
            Tensor& t = call_.arg[size_t(i)];
            t.buffer = m.buffer.get(), t.offset = front;
            const auto& values = inputs.value[size_t(i)];
            if (!values.empty()) core::scatter(values, t, m.image.data() + front);
            poisoned_[size_t(i)] = values.empty() && m.args.size() == 1;
        }
        m.buffer->write(0, m.image.data(), m.image.size());
    }
}

Outcome Bound::read() const {
    Outcome outcome;
    outcome.value.resize(call_.arg.size()), outcome.touched.resize(call_.arg.size());
    for (const Memory& m : memory_) {
        std::vector<std::byte> now(m.image.size());
        m.buffer->read(0, now.data(), now.size());
        std::vector<std::pair<std::string, Tensor>> tensors;
        for (const int i : m.args) {
            const Tensor& t = call_.arg[size_t(i)];
            tensors.emplace_back(op_.args[size_t(i)].name, t);
            if (!op_.args[size_t(i)].written()) continue;
            outcome.value[size_t(i)] = core::gather(t, now.data() + t.offset);
            std::vector<uint8_t>& touched = outcome.touched[size_t(i)];
            touched.resize(size_t(t.elements()));
            mark_touched(t, m.image.data() + t.offset, now.data() + t.offset, touched);
        }
        for (const int i : m.args) {
            const Tensor& t = call_.arg[size_t(i)];
            if (!op_.args[size_t(i)].written()) continue;
            put_back(t, m.image.data() + t.offset, now.data() + t.offset);
        }
        if (std::memcmp(now.data(), m.image.data(), now.size()) == 0) continue;  // what differs now is no element of an output
        uint64_t changed = 0, first = 0;
        for (uint64_t at = 0; at < now.size(); at += 2) {
            if (std::memcmp(now.data() + at, m.image.data() + at, 2) == 0) continue;
            if (changed++ == 0) first = at;
        }
        outcome.damage.push_back(std::to_string(changed) + " half words changed outside the outputs, the first " +
                                 place(first, tensors));
    }
    return outcome;
}

}  // namespace rw::test
