// What trying may cost: a small part of a sequence's time, saved up until it pays for what a try is expected to lose. What a
// try did lose is taken off, so that trying costs no more in the end, whatever was believed; and one that gained is added, so
// that where tries pay there are more of them.
#pragma once

#include <algorithm>

namespace rw::spec {

class Savings {
public:
    /// Another round of so many sequences; of what all of them do this one may lose its part.
    void save(int sequences) {
        sequences_ = sequences, ++since_;
        saved_ = std::min(saved_ + part / sequences, most);
    }
    /// Whether a try that is expected to lose so much of a round is paid for. Somebody tries in one round of four at most,
    /// and each in one of four hundred at least. even_so: at once, and on credit of fifty rounds.
    bool allow(double lost, bool even_so = false) {
        const bool paid = even_so ? saved_ > -50 * part / sequences_ : since_ >= 4 * sequences_ && saved_ >= lost;
        if (!paid && since_ < 400) return false;
        since_ = 0;
        return true;
    }
    /// What became of it.
    void settle(double lost) { saved_ = std::clamp(saved_ - lost, -most, most); }

private:
    static constexpr double part = 0.004, most = 3;
    double saved_ = 0;
    int sequences_ = 1, since_ = 0;
};

}  // namespace rw::spec
