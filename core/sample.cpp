#include "core/sample.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/convert.h"
#include "core/fill.h"

namespace rw::core {

void check_size(const ops::Op& op, const ops::Example& example) {
    const uint64_t memory = uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
    uint64_t sum = 0;
    for (size_t i = 0; i < example.arg.size(); ++i) {
        if (!example.arg[i].present) continue;
        const std::string name = std::string(op.name) + ": " + op.args[i].name + ": ";
        uint64_t bytes = sizeof(double);  // values are made as doubles
        bool fits = true;
        for (int d = 0; d < 4; ++d) {
            const int64_t n = example.arg[i].ne[size_t(d)];
            if (n < 1)
                throw Error(Status::invalid_argument, name + "dimension " + std::to_string(d) + " has " + std::to_string(n) +
                                                          " elements; at least 1 is needed");
            fits = fits && !__builtin_mul_overflow(bytes, uint64_t(n), &bytes);
        }
        if (!fits || __builtin_add_overflow(sum, bytes, &sum) || sum > memory)
            throw Error(Status::out_of_memory, name + "the example takes more than the " + std::to_string(memory >> 20) +
                                                   " MiB of memory that there are; make it smaller");
    }
}

Sample::Sample(Device& device, const ops::Op& op, const ops::Example& example, uint64_t seed) : call_(ops::make_call(op)) {
    check_size(op, example);
    call_.attr = example.attr;
    buffers_.resize(example.arg.size()), images_.resize(example.arg.size());
    std::vector<size_t> home(example.arg.size());           // whose memory an argument lies in
    std::vector<uint64_t> bytes(example.arg.size(), 0);     // of that memory: whoever shares it may need the most
    for (size_t i = 0; i < example.arg.size(); ++i) {
        const ops::Example::Arg& arg = example.arg[i];
        if (!arg.present) continue;
        Tensor& t = call_.arg[i];
        t.type = arg.type, t.ne = arg.ne;
        t.nb = arg.nb[0] ? arg.nb : contiguous(arg.type, arg.ne);
        home[i] = arg.alias >= 0 ? size_t(arg.alias) : i;
        bytes[home[i]] = std::max(bytes[home[i]], t.span());
    }
    for (size_t i = 0; i < example.arg.size(); ++i) {
        const ops::Example::Arg& arg = example.arg[i];
        if (!arg.present) continue;
        Tensor& t = call_.arg[i];
        if (home[i] == i) {
            images_[i].resize(bytes[i]);
            scatter(filled(arg, seed, int(i)), t, images_[i].data());
            buffers_[i] = device.allocate(bytes[i]);
        }
        t.buffer = buffers_[home[i]].get();
    }
    reset();
}

void Sample::reset() {
    for (size_t i = 0; i < buffers_.size(); ++i)
        if (buffers_[i]) buffers_[i]->write(0, images_[i].data(), images_[i].size());
}

std::vector<double> Sample::read(int arg) const {
    const Tensor& t = call_.arg.at(size_t(arg));
    std::vector<std::byte> image(t.span());
    t.buffer->read(t.offset, image.data(), image.size());
    return gather(t, image.data());
}

double nmse(std::span<const double> x, std::span<const double> y) {
    if (x.size() != y.size()) return std::numeric_limits<double>::infinity();
    double error = 0, power = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        if (std::isfinite(x[i]) && std::isfinite(y[i])) {
            error += (x[i] - y[i]) * (x[i] - y[i]), power += y[i] * y[i];
        } else if (!(std::isnan(x[i]) && std::isnan(y[i])) && x[i] != y[i]) {
            return std::numeric_limits<double>::infinity();
        }
    }
    return power > 0 ? error / power : error / double(std::max<size_t>(x.size(), 1));
}

}  // namespace rw::core
