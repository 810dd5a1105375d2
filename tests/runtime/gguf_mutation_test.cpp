// Sound files, damaged at random: whatever the bytes are, reading ends soon, in bounded memory, with an rw::Error or
// with a file whose every view lies inside the image. REWIND_SEED and REWIND_SECONDS choose other and longer runs.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>

#include "runtime/gguf/check.h"
#include "tests/runtime/allocation.h"
#include "tests/runtime/gguf_image.h"

namespace rw::test {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<std::string> sound_images() {
    std::vector<std::string> images{image_of(sampler())};
    for (const char* architecture : {"qwen35", "qwen35moe", "qwen3next"}) {
        gguf::Recipe recipe;
        recipe.architecture = architecture;
        recipe.layers = 2, recipe.interval = 2, recipe.width = recipe.ff = 32, recipe.vocab = 270, recipe.experts = 2;
        recipe.heads = recipe.kv_heads = 1;
        images.push_back(image_of(draft_model(recipe)));
    }
    return images;
}

class Damage {
public:
    explicit Damage(uint64_t seed) : random_(seed) {}

    void apply(std::string& image) {
        const size_t header = std::min<size_t>(image.size(), below(4) ? 4096 : image.size());  // mostly where it matters
        for (size_t n = 1 + below(4); n > 0 && !image.empty(); --n) {
            const size_t at = below(std::min(header, image.size()));
            switch (below(7)) {
                case 0: image[at] = char(random_()); break;
                case 1: image[at] = char(image[at] ^ 1 << below(8)); break;
                case 2: number<uint64_t>(image, at); break;
                case 3: number<uint32_t>(image, at); break;
                case 4: image.erase(at, 1 + below(16)); break;
                case 5: image.insert(at, image.substr(below(image.size()), 1 + below(64))); break;
                case 6: if (below(8) == 0) image.resize(at); break;
            }
        }
    }

private:
    size_t below(size_t n) { return size_t(random_() % n); }
    template <class T>
    void number(std::string& image, size_t at) {
        if (at + sizeof(T) > image.size()) return;
        const uint64_t values[] = {0, 1, ~0ull, 1ull << 63, 1ull << 62, 1ull << 60, 1ull << 31, (1ull << 32) - 1, image.size(),
                                   image.size() - at, random_() % 64, ~0ull - at};
        const T value = T(values[below(std::size(values))]);
        std::memcpy(image.data() + at, &value, sizeof value);
    }
    std::mt19937_64 random_;
};

/// Reads everything that a user of the file could read; returns a sum so that nothing is optimised away.
uint64_t touch(const gguf::File& file) {
    uint64_t sum = file.trailing();
    for (const auto& entry : file.metadata().entries()) sum += entry.value.preview(1000).size();
    for (const auto& t : file.tensors()) {
        const auto bytes = file.bytes(t);
        sum += uint64_t(bytes.front()) + uint64_t(bytes.back());
    }
    for (const std::string& line : check(file)) sum += line.size();
    return sum;
}

TEST(GgufMutation, NeverCrashesHangsOrGrows) {
    const char* seed_text = std::getenv("REWIND_SEED");
    const char* seconds_text = std::getenv("REWIND_SECONDS");
    const uint64_t seed = seed_text ? std::strtoull(seed_text, nullptr, 0) : std::random_device{}();
    const double seconds = seconds_text ? std::atof(seconds_text) : 2;
    std::printf("REWIND_SEED=%llu\n", static_cast<unsigned long long>(seed));
    const std::vector<std::string> images = sound_images();
    const auto start = Clock::now();
    uint64_t runs = 0, opened = 0, good = 0, sum = 0;
    for (; seconds_since(start) < seconds; ++runs) {
        std::string image = images[runs % images.size()];
        Damage(seed + runs).apply(image);
        const auto bytes = exact(image);
        const AllocationPeak peak;
        const auto begin = Clock::now();
        try {
            const gguf::File file(bytes, "damaged");
            ++opened;
            sum += touch(file);
            good += check(file).empty();
        } catch (const Error&) {  // anything else fails the test
        }
        ASSERT_LT(seconds_since(begin), 2) << "run " << runs;
        ASSERT_LT(peak.bytes(), (8u << 20) + 64 * bytes.size()) << "run " << runs;
    }
    std::printf("%llu files, %llu opened, %llu without a problem (%llu)\n", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(opened), static_cast<unsigned long long>(good), static_cast<unsigned long long>(sum));
    EXPECT_GT(runs, 100u);
    EXPECT_LT(opened, runs);  // damage that is never noticed would be no damage
}

}  // namespace
}  // namespace rw::test
