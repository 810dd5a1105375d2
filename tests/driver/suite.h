// What tests/ops/<stem>.cpp says about its op, and what a check gets to work with.
//
//   #include "tests/driver/suite.h"
//   namespace rw::test::ops_suites {
//   Suite my_op() {
//       Suite s;
//       s.state_heads = [](const ops::Call& call) { return call.arg[ops::my_op::arg::v].ne[1]; };
//       s.check("decay", [](Lab& lab) { ... });
//       return s;
//   }
//   }
//
// Every op gets the checks `reference`, `threads`, `repeat` and `nan`; an op with slots (arguments state, state_out,
// in_slot) also `serial`, `partition`, `sequences`, `slots`, `pool`, `views` and `chain`; one with pos and memory updated
// in place `grouping`, `rollback`, `edge`, `life`, `sequences`, `pool` and `views`. A case line chooses one with
// check=NAME; without that word it is compared with the reference.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "tests/driver/cases.h"
#include "tests/driver/compare.h"
#include "tests/driver/dice.h"

namespace rw::test {

/// The implementation under test declined one of the calls a check is made of: the check is skipped.
class Declined : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Suite;

/// Stands for whatever the library chooses, call by call.
inline constexpr const char* selected = "selected";

/// One case on one implementation of one device.
class Lab {
public:
    Lab(const ops::Op& op, const Suite& suite, const Case& c, uint64_t seed, std::shared_ptr<core::Device> device,
        std::string implementation)
        : op(op), suite(suite), test(c), seed(seed), device(std::move(device)), implementation(std::move(implementation)) {}

    const ops::Op& op;
    const Suite& suite;
    const Case& test;
    const uint64_t seed;
    const std::shared_ptr<core::Device> device;
    const std::string implementation;

    std::vector<std::string> problems;  // empty at the end: passed
    std::string mistrust;
    double worst = 0;
    uint64_t compared = 0, zeros = 0, nans = 0;  // by same() and close()

    /// The case's inputs, or those of the case with some words changed ("T=600 K=1"), or with another seed.
    Inputs inputs(const std::string& changes = "") const;
    Inputs inputs(const std::string& changes, uint64_t other_seed) const;
    /// Runs on the implementation under test inside guards; damage and unexpected faults become problems. Throws
    /// Declined when the implementation does not take the call.
    Outcome run(const Inputs& in, bool may_fault = false);
    /// The same for calls that work on views of one set of buffers, one after the other: `views` makes them from the
    /// call that has all of it. They are one step of one plan, updated from call to call.
    Outcome run(const Inputs& in, const std::function<std::vector<ops::Call>(const ops::Call& all)>& views,
                bool may_fault = false);
    /// Compares every output with the definition's.
    void compare_all(const Expected& want, const Inputs& in, const Outcome& got, Nans nans = Nans::exact);
    void fail(const std::string& what);
    /// Element by element, bit by bit; false (and a problem) at the first difference.
    bool same(const std::string& what, const double* want, const double* got, size_t n);
    /// NMSE of one group against the op's tolerance times `factor`.
    bool close(const std::string& what, const double* want, const double* got, size_t n, double tolerance);
    /// Bits have to be equal when the call takes the exact path; otherwise closeness has to do.
    bool same_or_close(bool bits, const std::string& what, const double* want, const double* got, size_t n,
                       double tolerance);
    uint64_t random(uint64_t counter, uint64_t below) const;
    /// At the end of a check made of same() and close(): mistrusted when they saw nothing, only zeros or only NaN.
    void judge_trust();

private:
    Bound bind(const Inputs& in) const;
    void taken(const ops::Call& call) const;
    void tally(const double* want, size_t n);
};

using Check = std::function<void(Lab&)>;

struct Suite {
    /// Heads that a state slot is made of, one after the other; 1 when null.
    std::function<int64_t(const ops::Call&)> state_heads;
    /// Groups of one output; default_grouping when null.
    std::function<Grouping(const ops::Op&, const ops::Call&, int arg)> grouping;
    /// Token tensors whose T is not dimension 2: argument name to dimension.
    std::map<std::string, int> token_dim;
    /// Rank-4 inputs that are no token tensors.
    std::vector<std::string> not_tokens;
    /// Ops that keep their memory by position: the oldest position that can be returned to once H positions have been
    /// computed.
    std::function<int64_t(const ops::Call&, int64_t H)> oldest;
    bool oldest_is_tight = false;  // one position earlier has to give something else
    /// A case line drawn at random from all that the op's words can say, for the property test.
    std::function<std::string(Dice&)> random;
    std::map<std::string, Check> checks;
    std::set<std::string> relations;  // checks that set calls of different shapes against each other
    void check(const std::string& name, Check c) { checks[name] = std::move(c); }
    /// ... which are run once more with every call left to the library's own choice.
    void relation(const std::string& name, Check c) { check(name, std::move(c)), relations.insert(name); }
    /// How large the terms are that an element of an output sums up, where a group may be so few elements that they can
    /// all be small differences of large terms: such a group is judged by its terms. Null, or empty: by its values.
    std::function<std::vector<double>(const Inputs& in, int arg)> terms;
};

/// States ([D, slots, rows]) by slot, row and head; everything else by all dimensions but the first and the third.
Grouping default_grouping(const ops::Op& op, const ops::Call& call, int arg, int64_t state_heads);
Grouping grouping_of(const Suite& suite, const ops::Op& op, const ops::Call& call, int arg);

/// The op's own suite with the checks that every op of its kind gets.
const Suite& suite_of(const ops::Op& op);

}  // namespace rw::test
