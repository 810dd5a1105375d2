#include "core/sample.h"

#include <cmath>
#include <limits>

#include "core/convert.h"
#include "core/fill.h"

namespace rw::core {

Sample::Sample(Device& device, const ops::Op& op, const ops::Example& example, uint64_t seed) : call_(ops::make_call(op)) {
    call_.attr = example.attr;
    buffers_.resize(example.arg.size()), images_.resize(example.arg.size());
    for (size_t i = 0; i < example.arg.size(); ++i) {
        const ops::Example::Arg& arg = example.arg[i];
        if (!arg.present) continue;
        Tensor& t = call_.arg[i];
        t.type = arg.type, t.ne = arg.ne;
        t.nb = arg.nb[0] ? arg.nb : contiguous(arg.type, arg.ne);
        if (arg.alias >= 0) {
            t.buffer = call_.arg[size_t(arg.alias)].buffer;
            continue;
        }
        images_[i].resize(t.span());
        scatter(filled(arg, seed, int(i)), t, images_[i].data());
        buffers_[i] = device.allocate(t.span());
        t.buffer = buffers_[i].get();
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
