#include "runtime/gguf/encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/convert.h"
#include "rewind/ops/contract.h"

namespace rw::gguf {
namespace {

void q8_0(std::span<const float> values, std::byte* out) {
    for (size_t i = 0; i < values.size(); i += 32, out += 34) {
        const auto block = values.subspan(i, 32);
        float most = 0;
        for (const float x : block) most = std::max(most, std::fabs(x));
        const float d = most / 127, by = d > 0 ? 1 / d : 0;
        const uint16_t half = core::to_half(d);
        std::memcpy(out, &half, 2);
        for (size_t j = 0; j < 32; ++j)
            out[2 + j] = std::byte(int8_t(std::clamp(std::nearbyint(block[j] * by), -127.0f, 127.0f)));
    }
}

}  // namespace

bool encodable(TensorType type) {
    return type == TensorType::f32 || type == TensorType::f16 || type == TensorType::bf16 || type == TensorType::q8_0;
}

void encode(TensorType type, std::span<const float> values, std::span<std::byte> out) {
    const TypeInfo& t = info(type);
    if (!encodable(type)) throw Error(Status::unsupported, std::string(t.name) + " cannot be written; F32, F16, BF16 and Q8_0 can");
    if (values.size() % t.block || out.size() != values.size() / t.block * t.bytes)
        throw Error(Status::invalid_argument, "values to encode are not whole blocks, or the room for them is not of their size");
    if (type == TensorType::f32) std::memcpy(out.data(), values.data(), out.size());
    else if (type == TensorType::q8_0) q8_0(values, out.data());
    else
        for (size_t i = 0; i < values.size(); ++i) {
            const uint16_t bits = type == TensorType::f16 ? core::to_half(values[i]) : core::to_bfloat(values[i]);
            std::memcpy(out.data() + 2 * i, &bits, 2);
        }
}

}  // namespace rw::gguf
