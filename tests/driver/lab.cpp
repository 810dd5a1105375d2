#include <cmath>
#include <sstream>

#include "core/plan.h"
#include "tests/driver/suite.h"

namespace rw::test {

Inputs Lab::inputs(const std::string& changes) const { return inputs(changes, seed); }

Inputs Lab::inputs(const std::string& changes, uint64_t other_seed) const {
    ops::Dims dims = test.dims;
    std::istringstream words(changes);
    for (std::string word; words >> word;) dims.set(word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    const ops::Example example = op.example(dims);
    dims.all_read();
    return Inputs(op, example, other_seed, test.align);
}

/// Only the case's own buffers may be too large for the device; running out of memory later is a failure.
Bound Lab::bind(const Inputs& in) const {
    try {
        return Bound(*device, in);
    } catch (const Error& e) {
        if (e.status != Status::out_of_memory) throw;
        throw Declined(std::string("the case's own buffers: ") + e.what());
    }
}

Outcome Lab::run(const Inputs& in, bool may_fault) {
    return run(in, [](const ops::Call& all) { return std::vector<ops::Call>{all}; }, may_fault);
}

void Lab::taken(const ops::Call& call) const {
    std::string reason = "unknown implementation";
    for (const core::Implementation* i : device->implementations(op.id))
        if (i->name() == implementation) reason = i->decline(call);
    if (!reason.empty()) throw Declined(implementation + ": " + reason);
}

Outcome Lab::run(const Inputs& in, const std::function<std::vector<ops::Call>(const ops::Call& all)>& views,
                 bool may_fault) {
    const Bound bound = bind(in);
    core::Plan plan(device);
    std::string fault;
    bool faulted = false, added = false;
    const bool choose = implementation == selected;
    for (const ops::Call& call : views(bound.call())) {
        if (!choose) taken(call);
        if (added) plan.update(0, call);
        else plan.add(call, choose ? "" : implementation), added = true;
        if (!choose && plan.implementation(0) != implementation)
            fail("asked for " + implementation + ", but " + plan.implementation(0) + " was chosen");
        try {
            plan.run();
        } catch (const Error& e) {
            if (e.status != Status::range) throw;
            faulted = true, fault = e.what();
        }
    }
    Outcome outcome = bound.read();
    outcome.faulted = faulted, outcome.fault = fault;
    if (faulted && !may_fault) fail("unexpected fault: " + fault);
    for (const std::string& d : outcome.damage) fail(d);
    return outcome;
}

void Lab::compare_all(const Expected& want, const Inputs& in, const Outcome& got, Nans nans) {
    const ops::Call call = in.shape();
    bool touched = false;
    for (size_t i = 0; i < op.args.size(); ++i) {
        if (!op.args[i].written() || !in.has(int(i))) continue;
        // Two bytes of poison may by chance be what is to be written: such elements are judged by their values alone.
        const bool poisoned = op.args[i].fresh() && in.example.arg[i].alias < 0 && size_of(call.arg[i].type) == 4;
        const std::vector<double> terms = suite.terms ? suite.terms(in, int(i)) : std::vector<double>();
        const Verdict v = compare({op.args[i].name, &want.value[i], &want.written[i], &got.value[i], &got.touched[i],
                                   poisoned, op.tolerance(call, int(i)), grouping_of(suite, op, call, int(i)), nans,
                                   terms});
        for (const std::string& p : v.problems) fail(p);
        worst = std::max(worst, v.worst);
        touched = touched || v.mistrust != "untouched";
        const bool weak = nans == Nans::exact && !want.fault && !v.mistrust.empty() && v.mistrust != "untouched";
        if (weak && !test.expected(op.args[i].name, v.mistrust))
            mistrust = std::string("all of ") + op.args[i].name + " is " + v.mistrust;
    }
    // An output that is not to be written at all is looked at all the same; a call that writes none of them is weak.
    if (!touched && !want.fault && !test.expected("", "untouched")) mistrust = "no output is written";
}

void Lab::fail(const std::string& what) { problems.push_back(what); }

bool Lab::same(const std::string& what, const double* want, const double* got, size_t n) {
    tally(want, n);
    for (size_t i = 0; i < n; ++i)
        if (!same_bits(want[i], got[i])) {
            std::ostringstream s;
            s.precision(9);
            s << what << ": bits differ, first at " << i << " of " << n << ": " << got[i] << " instead of " << want[i];
            fail(s.str());
            return false;
        }
    return true;
}

bool Lab::close(const std::string& what, const double* want, const double* got, size_t n, double tolerance) {
    tally(want, n);
    const std::vector<double> w(want, want + n), g(got, got + n);
    Grouping all;
    const Verdict v = compare({what, &w, nullptr, &g, nullptr, false, tolerance, all});
    for (const std::string& p : v.problems) fail(p);
    worst = std::max(worst, v.worst);
    return v.ok();
}

bool Lab::same_or_close(bool bits, const std::string& what, const double* want, const double* got, size_t n,
                        double tolerance) {
    return bits ? same(what, want, got, n) : close(what, want, got, n, tolerance);
}

void Lab::tally(const double* want, size_t n) {
    compared += n;
    for (size_t i = 0; i < n; ++i) zeros += want[i] == 0, nans += std::isnan(want[i]);
}

void Lab::judge_trust() {
    const char* why = compared == 0 ? "untouched" : nans == compared ? "nan" : nans + zeros == compared ? "zero" : "";
    if (*why && !test.expected("", why)) mistrust = std::string("all that was compared is ") + why;
}

uint64_t Lab::random(uint64_t counter, uint64_t below) const {
    return uint64_t(core::uniform(seed, 0x7e57, counter) * double(below));
}

}  // namespace rw::test
