// What KV_STORE leaves in a q8_0 cache is defined to the byte: every implementation on every device stores the same.
#include "rewind/ops/kv_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/plan.h"
#include "core/sample.h"

namespace rw::core {
namespace {

using Bytes = std::vector<std::byte>;

/// Puts numbers that have no finite scale into five blocks of six of packed f32 rows.
void spoil(const Tensor& t) {
    constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::pair<int, float>> blocks[] = {
        {{3, nan}}, {{0, inf}}, {{31, -inf}}, {{5, -nan}, {6, inf}, {7, -inf}}, {{9, std::numeric_limits<float>::max()}}, {}};
    std::vector<float> x(t.span() / sizeof(float));
    t.buffer->read(t.offset, x.data(), t.span());
    for (size_t block = 0; block < x.size() / 32; ++block)
        for (const auto& [i, value] : blocks[block % std::size(blocks)]) x[32 * block + size_t(i)] = value;
    t.buffer->write(t.offset, x.data(), t.span());
}

Bytes stored(const std::shared_ptr<Device>& device, const std::string& implementation, const char* words, bool spoilt = false) {
    const ops::Op& op = ops::find("KV_STORE");
    const Sample sample(*device, op, op.example(ops::Dims(words)), 7);
    for (const int arg : {ops::kv_store::arg::k, ops::kv_store::arg::v})
        if (spoilt) spoil(sample.call().arg[size_t(arg)]);
    Plan plan(device);
    plan.add(sample.call(), implementation);
    plan.run();
    Bytes all;
    for (const int arg : {ops::kv_store::arg::cache_k, ops::kv_store::arg::cache_v}) {
        const Tensor& cache = sample.call().arg[size_t(arg)];
        Bytes bytes(cache.span());
        cache.buffer->read(cache.offset, bytes.data(), bytes.size());
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
}

void every_device_stores(const Bytes& expected, const std::string& words, bool spoilt = false) {
    const ops::Op& op = ops::find("KV_STORE");
    for (const DeviceInfo& info : devices()) {
        const auto device = open(info.id);
        for (const Implementation* i : device->implementations(op.id)) {
            const Sample sample(*device, op, op.example(ops::Dims(words)), 7);
            if (!i->decline(sample.call()).empty()) continue;
            EXPECT_TRUE(stored(device, i->name(), words.c_str(), spoilt) == expected) << i->name() << " " << words;
        }
    }
}

TEST(KvStore, EveryDeviceStoresTheSameBytes) {
    for (const char* x : {"normal", "huge", "tiny", "small", "ties", "past"}) {
        const std::string words = std::string("D=96 H=3 T=32 R=32 B=3 type=q8_0 x=") + x;
        every_device_stores(stored(open("cpu"), "cpu:plain", words.c_str()), words);
    }
}

TEST(KvStore, EveryDeviceStoresTheSameBytesForWhatIsNotFinite) {
    const std::string words = "D=96 H=3 T=32 R=32 B=3 type=q8_0";
    const Bytes expected = stored(open("cpu"), "cpu:plain", words.c_str(), true);
    size_t lost = 0;  // blocks whose scale is the one NaN that is stored
    for (size_t at = 0; at < expected.size(); at += 34) {
        if (expected[at] != std::byte(0) || expected[at + 1] != std::byte(0x7e)) continue;
        ++lost;
        for (size_t i = 2; i < 34; ++i) EXPECT_EQ(expected[at + i], std::byte(0)) << "block " << at / 34;
    }
    EXPECT_EQ(lost, expected.size() / 34 / 6 * 5);
    every_device_stores(expected, words, true);
}

/// Whole numbers up to 254: d is 2, and an odd one lies half-way between two numbers.
TEST(KvStore, TiesGoToTheEvenNumber) {
    const ops::Op& op = ops::find("KV_STORE");
    const Sample sample(*open("cpu"), op, op.example(ops::Dims("D=32 H=1 T=1 R=1 type=q8_0 x=ties")), 7);
    const std::vector<double> x = sample.read(ops::kv_store::arg::k);
    const Bytes bytes = stored(open("cpu"), "", "D=32 H=1 T=1 R=1 type=q8_0 x=ties");
    EXPECT_EQ(bytes[0], std::byte(0));
    EXPECT_EQ(bytes[1], std::byte(0x40));
    int ties = 0;
    for (size_t i = 0; i < 32; ++i) {
        const int q = int8_t(bytes[2 + i]), whole = int(x[i]);
        if (whole % 2 == 0) EXPECT_EQ(q, whole / 2);
        else EXPECT_TRUE(++ties && q % 2 == 0 && std::abs(2 * q - whole) == 1) << q << " for " << whole;
    }
    EXPECT_GT(ties, 8);
}

TEST(KvStore, BlocksWithoutAScaleAreNaN) {
    const Bytes bytes = stored(open("cpu"), "", "D=160 H=1 T=1 R=1 type=q8_0 x=past");
    const auto scale = [&](size_t block) { return int(bytes[34 * block]) | int(bytes[34 * block + 1]) << 8; };
    EXPECT_EQ(scale(0), 0x4000);
    EXPECT_EQ(scale(1), 0x7bff);  // the last finite one
    for (const size_t block : {2, 4}) {
        EXPECT_EQ(scale(block), 0x7e00);
        for (size_t i = 2; i < 34; ++i) EXPECT_EQ(bytes[34 * block + i], std::byte(0));
    }
    for (size_t i = 0; i < 34; ++i) EXPECT_EQ(bytes[34 * 3 + i], std::byte(0));
}

}  // namespace
}  // namespace rw::core
