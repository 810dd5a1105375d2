// Random case lines: what a suite's `random` draws from. The same seed and round give the same line on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace rw::test {

class Dice {
public:
    Dice(uint64_t seed, uint64_t round) : seed_(seed), stream_(0xd1ce + round) {}
    int64_t below(int64_t n);
    bool one_in(int64_t n) { return below(n) == 0; }
    std::string of(std::initializer_list<const char*> words) { return words.begin()[below(int64_t(words.size()))]; }
    /// n numbers of low..high.
    std::vector<int64_t> list(int64_t n, int64_t low, int64_t high);
    /// n different numbers of 0..of-1, in any order.
    std::vector<int64_t> distinct(int64_t n, int64_t of);

private:
    uint64_t seed_, stream_, counter_ = 0;
};

/// "3,0,2"
std::string listed(const std::vector<int64_t>& numbers);

/// The sequences of a call: T B | N first len, and now and then len, pool and seq (one of them padded).
struct Batch {
    int64_t T, B;  // T: rows of the token axis
    bool packed;
    std::string words;
};
Batch random_batch(Dice& d, int64_t most_tokens);
/// K order alias K_in in_slot: the slots of those sequences.
std::string random_slots(Dice& d, const Batch& batch);
/// Mostly nothing; one time in four " check=" and one of the names.
std::string random_check(Dice& d, std::initializer_list<const char*> names);

}  // namespace rw::test
