#include "tests/driver/dice.h"

#include <algorithm>

#include "core/fill.h"

namespace rw::test {

int64_t Dice::below(int64_t n) { return int64_t(core::uniform(seed_, stream_, counter_++) * double(n)); }

std::vector<int64_t> Dice::list(int64_t n, int64_t low, int64_t high) {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < n; ++i) numbers.push_back(low + below(high - low + 1));
    return numbers;
}

std::vector<int64_t> Dice::distinct(int64_t n, int64_t of) {
    std::vector<int64_t> all;
    for (int64_t i = 0; i < of; ++i) all.push_back(i);
    for (int64_t i = 0; i < n; ++i) std::swap(all[size_t(i)], all[size_t(i + below(of - i))]);
    all.resize(size_t(n));
    return all;
}

std::string listed(const std::vector<int64_t>& numbers) {
    std::string s;
    for (const int64_t n : numbers) s += (s.empty() ? "" : ",") + std::to_string(n);
    return s;
}

Batch random_batch(Dice& d, int64_t most) {
    if (most >= 60 && d.one_in(12)) most = 300;  // past the lists' sizes
    Batch batch{d.one_in(3) ? 1 + d.below(most) : 1 + d.below(std::min<int64_t>(most, 18)), 1 + d.below(4), d.one_in(4), ""};
    const std::vector<int64_t> lengths = d.list(batch.B, 0, batch.T);
    if (batch.packed) {  // one after the other in any order, with gaps
        std::vector<int64_t> first(size_t(batch.B), 0);
        int64_t end = 0;
        for (const int64_t b : d.distinct(batch.B, batch.B)) {
            first[size_t(b)] = end += d.below(3);
            end += lengths[size_t(b)];
        }
        batch.T = std::max<int64_t>(end + d.below(3), 1);
        batch.words = " N=" + std::to_string(batch.T) + " first=" + listed(first) + " len=" + listed(lengths);
    } else {
        batch.words = " T=" + std::to_string(batch.T) + " B=" + std::to_string(batch.B);
        if (d.one_in(3)) batch.words += " len=" + listed(lengths);
    }
    if (d.one_in(3)) {
        std::vector<int64_t> rows = d.distinct(batch.B, batch.B + 2);
        if (batch.B > 1 && d.one_in(3)) rows[size_t(d.below(batch.B))] = -1;
        batch.words += " pool=" + std::to_string(batch.B + 2) + " seq=" + listed(rows);
    }
    return batch;
}

std::string random_slots(Dice& d, const Batch& batch) {
    const int64_t K = std::min<int64_t>(1 + d.below(batch.T + 3), 20);
    std::string words = " K=" + std::to_string(K) + " order=" + d.of({"trailing", "recent_first"});
    const bool alias = d.one_in(4);
    const int64_t K_in = alias ? K : 1 + d.below(3);
    if (alias) words += " alias=1";
    if (alias || d.one_in(3)) words += " K_in=" + std::to_string(K_in) + " in_slot=" + listed(d.list(batch.B, 0, K_in - 1));
    return words;
}

std::string random_check(Dice& d, std::initializer_list<const char*> names) {
    return d.one_in(4) ? " check=" + d.of(names) : "";
}

}  // namespace rw::test
