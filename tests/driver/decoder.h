// Streams of tokens decoded over memory that is kept by position, and what that memory has to hold.
#pragma once

#include "tests/driver/calls.h"

namespace rw::test {

/// Rows of outputs by sequence and token.
using TokenRows = std::vector<std::vector<std::vector<double>>>;

/// What the checks of ring ops work on: `length` tokens of every sequence, right ones and wrong ones. The first of them
/// is at the position that the case gives the sequence; indices of tokens count from there.
struct Streams {
    Streams(Lab& lab, int64_t length);
    RingForm form;
    Inputs truth, junk;
    int64_t B, W, n_base;
    int64_t T;  // longest call: the case's T
    std::vector<int64_t> origin;
    /// The oldest token that can be returned to when those before H have been computed.
    int64_t oldest(size_t b, int64_t H) const;

private:
    const Inputs shape_;
    std::function<int64_t(const ops::Call&, int64_t)> oldest_;
};

class Decoder {
public:
    Decoder(Lab& lab, const Streams& streams);
    /// Runs n[b] tokens of sequence b from pos[b] on; those from right[b] on are wrong ones. path: -1 for the case's.
    TokenRows run(const std::vector<int64_t>& pos, const std::vector<int64_t>& n, const std::vector<int64_t>& right,
                  int path = -1);
    /// All sequences alike.
    TokenRows run(int64_t pos, int64_t n, int64_t right, int path = -1);
    /// A row or base of sequence b as it is in memory now.
    std::vector<double> slot(size_t memory, int64_t b, int64_t slot) const;

private:
    Lab* lab_;
    const Streams* streams_;
    std::vector<std::vector<double>> memory_;  // one an inout argument, all sequences
    std::vector<Sequence> list_;
};

/// Decoding token by token, and what it left in memory: the row of every position and the base of every block.
class Record {
public:
    Record(Lab& lab, const Streams& streams, int64_t count);
    const TokenRows& rows() const { return rows_; }
    /// False, and a problem, when the first `count` of `got` are not the rows from token `at` on.
    bool same_rows(const std::string& where, size_t b, int64_t at, const std::vector<std::vector<double>>& got,
                   int64_t count, bool bits) const;
    /// ... when the decoder's memory does not hold what the contract promises to one that may return to `from` and has
    /// come to `to`: the rows in between, the base of each block that they belong to and of the block of `to`.
    bool same_memory(const std::string& where, const Decoder& decoder, size_t b, int64_t from, int64_t to,
                     bool bits) const;

private:
    void keep(const Decoder& decoder, int64_t token);

    Lab& lab_;
    const Streams& streams_;
    TokenRows rows_;
    std::map<std::tuple<size_t, size_t, int64_t>, std::vector<double>> kept_;  // memory, sequence, position or block
};

}  // namespace rw::test
