#include "runtime/model/loader.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace rw::model {
namespace {

constexpr uint64_t piece = 16 << 20;  // bytes moved at once: what progress and a cancellation wait for

}  // namespace

Type device_type(const gguf::TensorInfo& tensor) {
    std::string name = gguf::name_of(tensor.type);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    for (const TypeInfo& type : all_types)
        if (name == type.name) return type.type;
    throw Error(Status::unsupported, "'" + std::string(tensor.name) + "' has type " + gguf::name_of(tensor.type) +
                                         ", which no kernel takes; quantise the model to " + gguf::weight_types());
}

void Loader::advance(uint64_t bytes) {
    done_ += bytes;
    if (progress_ && !progress_(done_, total_)) throw Error(Status::invalid_argument, "loading was cancelled");
}

Tensor Loader::whole(const gguf::File& file, const gguf::TensorInfo& tensor) {
    const Type type = device_type(tensor);
    if (memory_.shares_host()) {
        const Tensor t = memory_.wrap("mapped weights", type, tensor.ne, file.bytes(tensor).data());
        if (!memory_.measures()) advance(tensor.bytes);
        return t;
    }
    const Tensor t = memory_.make("weights", type, tensor.ne);
    if (memory_.measures()) return t;
    std::vector<std::byte> part;
    for (uint64_t at = 0; at < tensor.bytes; at += part.size()) {
        part.resize(std::min(piece, tensor.bytes - at));
        file.read(tensor, at, part);
        t.buffer->write(at, part.data(), part.size());
        advance(part.size());
    }
    return t;
}

Tensor Loader::rows(const gguf::File& file, const gguf::TensorInfo& tensor, const std::vector<int64_t>& rows) {
    const Tensor t = memory_.make("weights", device_type(tensor), {tensor.ne[0], int64_t(rows.size()), 1, 1});
    if (memory_.measures()) return t;
    const uint64_t row = uint64_t(t.nb[1]);
    std::vector<std::byte> all(row * rows.size());
    for (size_t i = 0; i < rows.size(); ++i)
        file.read(tensor, uint64_t(rows[i]) * row, std::span(all).subspan(i * row, row));
    t.buffer->write(0, all.data(), all.size());
    advance(all.size());
    return t;
}

Tensor Loader::values(Extent ne, const std::vector<float>& values) {
    const Tensor t = memory_.make("weights", Type::f32, ne);
    if (!memory_.measures()) t.buffer->write(0, values.data(), values.size() * sizeof(float));
    return t;
}

}  // namespace rw::model
