#include "core/plan.h"

#include <algorithm>

#include "core/log.h"
#include "core/optional.h"

namespace rw::core {

Plan::~Plan() {
    if (!recording_) return;
    try {
        try {
            recording_->wait();
        } catch (const std::exception& e) {
            log("plan", std::string("a plan was destroyed with unfinished work: ") + e.what());
        }
    } catch (...) {  // no memory for the words
    }
}

size_t Plan::add(const ops::Call& call, const std::string& forced) {
    check_alive(*device_);
    const ops::Op& op = ops::all()[size_t(call.op)];
    ops::validate(op, call);
    Step step{call, &select(*device_, op, call, forced)};
    std::string kept = forced;
    steps_.reserve(steps_.size() + 1), forced_.reserve(forced_.size() + 1);
    steps_.push_back(std::move(step)), forced_.push_back(std::move(kept));  // nothing throws from here on
    recording_.reset();
    return steps_.size() - 1;
}

void Plan::update(size_t index, const ops::Call& call, const std::string* forced) {
    check_alive(*device_);
    Step& step = steps_.at(index);
    if (call.op != step.call.op) throw Error(Status::invalid_argument, "plan: update() cannot change a step's op");
    const ops::Op& op = ops::all()[size_t(call.op)];
    ops::validate(op, call);
    std::string wanted = forced ? *forced : forced_[index];
    const Implementation& chosen = select(*device_, op, call, wanted);
    Step next{call, &chosen};
    bool same = &chosen == step.implementation;
    for (size_t i = 0; i < call.arg.size(); ++i) same = same && call.arg[i].buffer == step.call.arg[i].buffer;
    if (recording_ && same)
        recording_->update(index, call);
    else
        recording_.reset();
    step = std::move(next);
    forced_[index] = std::move(wanted);
}

void Plan::prepare() {
    check_alive(*device_);
    if (steps_.empty()) throw Error(Status::invalid_argument, "plan: nothing to run; add an op first");
    if (!recording_) recording_ = device_->record(steps_, scratch_);
}

void Plan::submit() {
    prepare();
    recording_->submit();
}

void Plan::wait() {
    check_alive(*device_);
    if (recording_) recording_->wait();
}

uint64_t Plan::scratch_bytes() const {
    uint64_t most = 0;
    for (const Step& step : steps_) most = std::max(most, step.implementation->scratch(step.call));
    return most;
}

uint64_t Plan::bytes() const {
    const uint64_t scratch = scratch_bytes(), given = scratch_ ? scratch_->size() : 0;
    return device_->recording_bytes(steps_) + (scratch > given ? scratch : 0);
}

double Plan::seconds() const { return recording_ ? recording_->seconds() : 0; }

}  // namespace rw::core
