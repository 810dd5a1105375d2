#include "core/plan.h"

#include "core/log.h"

namespace rw::core {

Plan::~Plan() {
    if (!recording_) return;
    try {
        recording_->wait();
    } catch (const std::exception& e) {
        log("plan", std::string("a plan was destroyed with unfinished work: ") + e.what());
    }
}

size_t Plan::add(const ops::Call& call, const std::string& forced) {
    const ops::Op& op = ops::all()[size_t(call.op)];
    ops::validate(op, call);
    const Implementation& chosen = select(*device_, op, call, forced);
    steps_.push_back({call, &chosen});
    forced_.push_back(forced);
    recording_.reset();
    return steps_.size() - 1;
}

void Plan::update(size_t index, const ops::Call& call) {
    Step& step = steps_.at(index);
    if (call.op != step.call.op) throw Error(Status::invalid_argument, "plan: update() cannot change a step's op");
    const ops::Op& op = ops::all()[size_t(call.op)];
    ops::validate(op, call);
    const Implementation& chosen = select(*device_, op, call, forced_[index]);
    bool same = &chosen == step.implementation;
    for (size_t i = 0; i < call.arg.size(); ++i) same = same && call.arg[i].buffer == step.call.arg[i].buffer;
    if (recording_ && same)
        recording_->update(index, call);
    else
        recording_.reset();
    step = {call, &chosen};
}

void Plan::submit() {
    if (steps_.empty()) throw Error(Status::invalid_argument, "plan: nothing to run; add an op first");
    if (!recording_) recording_ = device_->record(steps_);
    recording_->submit();
}

void Plan::wait() {
    if (recording_) recording_->wait();
}

double Plan::seconds() const { return recording_ ? recording_->seconds() : 0; }

}  // namespace rw::core
