// Random calls beyond the case lists, on every implementation of every device. The seed is printed; REWIND_SEED=N repeats a
// run, REWIND_ROUNDS=N makes it longer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "core/fill.h"
#include "tests/driver/case_run.h"

namespace rw::test {
namespace {

uint64_t from_environment(const char* name, uint64_t fallback) {
    const char* text = std::getenv(name);
    return text && *text ? std::strtoull(text, nullptr, 10) : fallback;
}

/// A source of words, the same for the same seed on every machine.
class Dice {
public:
    Dice(uint64_t seed, uint64_t round) : seed_(seed), stream_(0xd1ce + round) {}
    int64_t below(int64_t n) { return int64_t(core::uniform(seed_, stream_, counter_++) * double(n)); }
    bool one_in(int64_t n) { return below(n) == 0; }
    std::string of(std::initializer_list<const char*> words) { return words.begin()[below(int64_t(words.size()))]; }
    std::string list(int64_t n, int64_t low, int64_t high) {
        std::string s;
        for (int64_t i = 0; i < n; ++i) s += (i ? "," : "") + std::to_string(low + below(high - low + 1));
        return s;
    }
    /// n different numbers of 0..of-1.
    std::string distinct(int64_t n, int64_t of) {
        std::vector<int64_t> all;
        for (int64_t i = 0; i < of; ++i) all.push_back(i);
        std::string s;
        for (int64_t i = 0; i < n; ++i) {
            const size_t at = size_t(below(int64_t(all.size())));
            s += (i ? "," : "") + std::to_string(all[at]);
            all.erase(all.begin() + long(at));
        }
        return s;
    }

private:
    uint64_t seed_, stream_, counter_ = 0;
};

/// Words that both forms of the gated delta rule share.
std::string delta_words(Dice& d) {
    std::ostringstream s;
    if (d.one_in(4)) s << "S_k=" << d.of({"16", "32", "64"}) << " S_v=" << d.of({"16", "32", "64"});
    else s << "S=" << d.of({"16", "16", "32", "64"});
    const int64_t H_k = 1 + d.below(3);
    s << " H_k=" << H_k << " H_v=" << H_k * (1 + d.below(4)) << " heads=" << d.of({"tiled", "interleaved"});
    s << " gate=" << d.of({"scalar", "channel"}) << " type=" << d.of({"f32", "f32", "f16", "bf16"});
    s << " layout=" << d.of({"packed", "permuted", "padded", "odd"});
    if (d.one_in(4)) s << " raw=1";
    else
        s << " gates=" << d.of({"weak", "weak", "strong", "reset", "inf", "up", "dead", "mixed"})
          << " betas=" << d.of({"uniform", "one", "high", "over", "mixed"});
    s << " keys=" << d.of({"iid", "corr", "mixed"});
    if (d.one_in(4)) s << " l2norm=1e-6";
    if (d.one_in(6)) s << " scale=0.37";
    s << " align=" << d.of({"16", "16", "4", "64"});
    return s.str();
}

std::string slot_case(Dice& d) {
    std::ostringstream s;
    const int64_t B = 1 + d.below(4), T = d.one_in(3) ? 1 + d.below(90) : 1 + d.below(18), K = 1 + d.below(T + 3);
    s << delta_words(d) << " T=" << T << " B=" << B << " K=" << std::min<int64_t>(K, 20);
    s << " path=" << d.of({"auto", "exact", "prefill"}) << " order=" << d.of({"trailing", "recent_first"});
    if (d.one_in(3)) s << " len=" << d.list(B, 0, T);
    const int64_t K_in = 1 + d.below(3);
    if (d.one_in(3)) s << " K_in=" << K_in << " in_slot=" << d.list(B, 0, K_in - 1);
    if (d.one_in(3)) s << " pool=" << B + 2 << " seq=" << d.distinct(B, B + 2);
    return s.str();
}

std::string ring_case(Dice& d) {
    std::ostringstream s;
    const int64_t B = 1 + d.below(4), W = int64_t(4) << d.below(4), n_base = 2 + d.below(4);
    const bool exact = d.one_in(2);
    const int64_t T = 1 + d.below(exact ? W * (n_base - 1) : 90);
    s << delta_words(d) << " T=" << T << " B=" << B << " W=" << W << " n_base=" << n_base;
    s << " path=" << (exact ? "exact" : "prefill") << " pos=" << d.list(B, 0, 5 * W * n_base);
    s << " rowg=" << d.of({"weak", "reset", "mixed"});
    if (d.one_in(3)) s << " len=" << d.list(B, 0, T);
    if (d.one_in(3)) s << " pool=" << B + 2 << " seq=" << d.distinct(B, B + 2);
    return s.str();
}

void property(const char* op, std::string (*make)(Dice&)) {
    const uint64_t seed = from_environment("REWIND_SEED", 20260921), rounds = from_environment("REWIND_ROUNDS", 24);
    std::cout << "seed " << seed << " (REWIND_SEED), " << rounds << " rounds (REWIND_ROUNDS)\n";
    std::vector<std::shared_ptr<core::Device>> devices;
    for (const core::DeviceInfo& info : core::devices()) devices.push_back(core::open(info.id));
    uint64_t telling = 0;
    for (uint64_t round = 0; round < rounds; ++round) {
        Dice dice(seed, round);
        const std::string line = make(dice);
        CaseRun run(ops::find(op), line, seed + round);
        for (const auto& device : devices) {
            // Every new combination costs a GPU driver seconds of compiling: there, one round in six.
            if (!device->info().id.starts_with("cpu") && round % 6) continue;
            for (const Finding& f : run.on(device)) {
                telling += f.result == Result::passed;
                EXPECT_NE(f.result, Result::failed)
                    << (f.notes.empty() ? "" : f.notes[0]) << "\n  replay: rewind ops test --op " << op << " --backend "
                    << f.device << " --impl " << f.implementation << " --seed " << seed + round << " --case \"" << line
                    << "\"";
            }
        }
    }
    EXPECT_GT(telling, rounds / 2);
}

TEST(Random, Slots) { property("GATED_DELTA_NET", slot_case); }
TEST(Random, Ring) { property("GATED_DELTA_NET_RING", ring_case); }

}  // namespace
}  // namespace rw::test
