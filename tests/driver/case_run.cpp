#include "tests/driver/case_run.h"

#include <chrono>

#include "tests/driver/crash.h"

namespace rw::test {

CaseRun::CaseRun(const ops::Op& op, const std::string& line, uint64_t seed) : op_(op), test_(line), seed_(seed) {
    const ops::Example example = op.example(test_.dims);
    test_.dims.all_read();
    in_ = Inputs(op, example, seed, test_.align);
    ops::validate(op, in_.shape());
}

std::vector<Finding> CaseRun::on(const std::shared_ptr<core::Device>& device, const std::string& only) {
    std::vector<Finding> findings;
    std::string refusals;
    const auto candidates = device->implementations(op_.id);
    for (const core::Implementation* i : candidates) {
        if (!only.empty() && i->name() != only) continue;
        const std::string reason = i->decline(in_.shape());
        if (reason.empty()) findings.push_back(one(device, i->name()));
        else refusals += (refusals.empty() ? "declined: " : "; ") + i->name() + ": " + reason;
    }
    const bool relation = suite_of(op_).relations.count(test_.check) && candidates.size() > 1 && !findings.empty();
    if (only == selected || (only.empty() && relation)) findings.push_back(one(device, selected));
    if (!findings.empty()) return findings;
    Finding f{op_.name, device->info().id, only, test_.line, Result::skipped, {}, 0, 0};
    if (candidates.empty()) f.notes = {"no implementation"};
    else if (!only.empty()) f.notes = {refusals.empty() ? "no implementation " + only : refusals};
    else f.result = Result::failed, f.notes = {refusals};  // there are implementations, and a valid case nobody takes
    return {f};
}

Finding CaseRun::one(const std::shared_ptr<core::Device>& device, const std::string& implementation) {
    using Clock = std::chrono::steady_clock;
    Finding f{op_.name, device->info().id, implementation, test_.line, Result::passed, {}, 0, 0};
    const CrashNote note(replay(f, seed_));
    const auto start = Clock::now();
    Lab lab(op_, suite_of(op_), test_, seed_, device, implementation);
    try {
        if (test_.check == "reference") against_reference(lab);
        else checker()(lab), lab.judge_trust();
        f.notes = lab.problems;
        if (!f.notes.empty()) f.result = Result::failed;
        else if (!lab.mistrust.empty())
            f.result = Result::mistrusted, f.notes = {"could not have failed: " + lab.mistrust};
    } catch (const Declined& e) {
        f.result = Result::skipped, f.notes = {"check=" + test_.check + ": " + e.what()};
    } catch (const Error& e) {
        f.result = Result::failed, f.notes = {std::string(name_of(e.status)) + ": " + e.what()};
    } catch (const std::exception& e) {
        f.result = Result::failed, f.notes = {e.what()};
    }
    f.worst = lab.worst;
    f.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return f;
}

const Check& CaseRun::checker() const {
    const auto& checks = suite_of(op_).checks;
    const auto it = checks.find(test_.check);
    if (it != checks.end()) return it->second;
    std::string names = "reference";
    for (const auto& [name, check] : checks) names += ", " + name;
    throw Error(Status::not_found, "check=" + test_.check + ": " + op_.name + " has the checks " + names);
}

void CaseRun::against_reference(Lab& lab) {
    if (!want_) want_ = expected(in_);
    Outcome got = lab.run(in_, want_->fault != 0);
    lab.compare_all(*want_, in_, got);
    if (want_->fault) {
        std::string message;
        try {
            core::throw_fault(want_->fault);
        } catch (const Error& e) {
            message = e.what();
        }
        if (!got.faulted) lab.fail("no fault was raised; expected: " + message);
        else if (got.fault != message) lab.fail("the fault was '" + got.fault + "', expected '" + message + "'");
    }
    if (first_) against_first(lab, got);
    else first_ = std::move(got), first_name_ = lab.implementation;
}

/// Two implementations that are both within tolerance of the definition differ by at most four tolerances (NMSE is a
/// square).
void CaseRun::against_first(Lab& lab, const Outcome& got) {
    const ops::Call call = in_.shape();
    for (size_t i = 0; i < op_.args.size(); ++i) {
        if (!op_.args[i].written() || !in_.has(int(i))) continue;
        const std::vector<double> terms = lab.suite.terms ? lab.suite.terms(in_, int(i)) : std::vector<double>();
        const Verdict v = compare({op_.args[i].name + (" against " + first_name_), &first_->value[i], &want_->written[i],
                                   &got.value[i], nullptr, false, 4 * op_.tolerance(call, int(i)),
                                   grouping_of(lab.suite, op_, call, int(i)), Nans::exact, terms});
        for (const std::string& p : v.problems) lab.fail(p);
    }
}

}  // namespace rw::test
