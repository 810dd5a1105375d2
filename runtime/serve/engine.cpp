#include "runtime/serve/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/clock.h"
#include "runtime/sequence/prompt_cuts.h"

namespace rw::serve {
namespace {

/// Of a prompt the tokens that the sequence has taken in and can be gone on with.
int64_t common(const Kept& kept, std::span<const int32_t> prompt) {
    const auto [a, b] = std::mismatch(kept.tokens.begin(), kept.tokens.end(), prompt.begin(), prompt.end());
    const int64_t same = std::min<int64_t>({a - kept.tokens.begin(), kept.state.pos(), int64_t(prompt.size()) - 1});
    return same > 0 && kept.state.refusal(same).empty() ? same : 0;
}

}  // namespace

Engine::Engine(model::Context& context, spec::Drafter* drafter, const Limits& limits, sequence::PrefixCache* cache)
    : context_(context), cache_(cache), generator_(context, drafter, cache), limits_(limits), slots_(size_t(limits.slots)),
      progress_(seconds_now()) {
    if (limits.slots < 1 || limits.slots > context.options().pools.sequences)
        throw Error(Status::invalid_argument, fmt::format("{} slots: the context was made for {}", limits.slots,
                                                          context.options().pools.sequences));
    thread_ = std::thread([this] { work(); });
}

Engine::~Engine() { close(0); }

std::shared_ptr<Job> Engine::submit(Task task) {
    const auto job = std::make_shared<Job>(std::move(task));
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) throw Problem(500, "the engine has failed: " + broken_, "server_error", "", "engine_failed");
    if (closing_) throw busy("the server is shutting down");
    if (int(waiting_.size()) >= limits_.waiting + std::max(0, limits_.slots - running_)) {
        ++totals_.refused;
        throw busy(fmt::format("{} requests are waiting already; try again later", waiting_.size()));
    }
    if (waiting_.empty() && running_ == 0) progress_ = seconds_now();
    waiting_.push_back(job);
    wake_.notify_one();
    return job;
}

void Engine::between(const std::function<void(Inside&)>& errand) {
    std::future<void> done;
    {
        const std::lock_guard lock(mutex_);
        if (over_) throw busy("the server is shutting down");
        errands_.emplace_back([&] {
            Inside inside{context_, slots_, generator_};
            errand(inside);
        });
        done = errands_.back().get_future();
        wake_.notify_one();
    }
    done.get();
}

Load Engine::load() const {
    const std::lock_guard lock(mutex_);
    return {running_, int(waiting_.size()), closing_};
}

Totals Engine::totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
}

std::string Engine::ailment() const {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) return broken_;
    const double still = seconds_now() - progress_;
    if ((running_ > 0 || !waiting_.empty()) && still > limits_.stall)
        return fmt::format("there is work and no progress for {:.0f} seconds", still);
    return "";
}

void Engine::close(double seconds) {
    {
        std::unique_lock lock(mutex_);
        closing_ = true;
        idle_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return over_ || (running_ == 0 && waiting_.empty()); });
        over_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Engine::hurry() {
    const std::lock_guard lock(mutex_);
    closing_ = over_ = true;
    idle_.notify_all();
    wake_.notify_one();
}

bool Engine::any_running() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.job != nullptr; });
}

void Engine::work() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            running_ = int(std::count_if(slots_.begin(), slots_.end(), [](const Slot& s) { return s.job != nullptr; }));
            if (running_ == 0 && waiting_.empty()) idle_.notify_all();
            wake_.wait(lock, [&] { return over_ || running_ > 0 || !waiting_.empty() || !errands_.empty(); });
            if (over_) break;
        }
        run_errands();
        admit();
        if (any_running()) step();
    }
    run_errands();
    for (Slot& slot : slots_)
        if (slot.job) end(slot, busy("the server is shutting down"));
    const std::lock_guard lock(mutex_);
    for (const auto& job : waiting_) job->finish({.problem = busy("the server is shutting down")});
    waiting_.clear();
    running_ = 0;
}

void Engine::run_errands() {
    std::deque<std::packaged_task<void()>> some;
    {
        const std::lock_guard lock(mutex_);
        some.swap(errands_);
    }
    for (auto& errand : some) errand();  // what it throws is for who waits
}

/// One that keeps nothing, or else what was left longest ago; one behind the last when all are used.
size_t Engine::free_slot(const std::vector<bool>& used) const {
    const auto since = [&](size_t i) { return slots_[i].kept ? slots_[i].kept->since : 0; };
    size_t best = slots_.size();
    for (size_t i = 0; i < slots_.size(); ++i)
        if (!used[i] && (best == slots_.size() || since(i) < since(best))) best = i;
    return best;
}

Engine::Place Engine::place_for(const Job& job, const std::vector<bool>& used) const {
    const Task& task = job.task;
    if (task.slot >= 0) return {size_t(task.slot), true};
    const size_t free = free_slot(used);
    if (free == slots_.size()) return {free, false};  // what only waits is asked at every step: it may cost nothing
    if (!task.exact) {  // what knows more of the prompt, a slot or the cache
        const std::span<const int32_t> prompt(task.request.prompt);
        const auto cuts = sequence::prompt_cuts(prompt, context_.options().chunk, task.request.message_start);
        int64_t most = cache_ ? cache_->known({prompt, cuts}, false) : 0;
        size_t best = slots_.size();
        for (size_t i = 0; i < slots_.size(); ++i) {
            const int64_t same = !used[i] && slots_[i].kept ? common(*slots_[i].kept, prompt) : 0;
            if (same > most) most = same, best = i;
        }
        if (best < slots_.size()) return {best, true};
    }
    return {free, false};
}

/// Jobs in their order take the slots that are free; those that nobody waits for any more go.
void Engine::admit() {
    std::vector<std::pair<Place, std::shared_ptr<Job>>> chosen;
    {
        const std::lock_guard lock(mutex_);
        const double now = seconds_now();
        std::deque<std::shared_ptr<Job>> left;
        std::vector<bool> used(slots_.size());
        for (size_t i = 0; i < slots_.size(); ++i) used[i] = slots_[i].job != nullptr;
        for (auto& job : waiting_) {
            if (job->cancelled() || now > job->due) {
                Outcome outcome{.stop = spec::Stop::cancelled};
                if (!job->cancelled())
                    outcome.problem = Problem(503, "the request waited longer than it may take", "timeout_error", "", "timeout");
                ++totals_.ended[job->cancelled() ? "cancelled" : "timeout"];
                job->finish(std::move(outcome));
                continue;
            }
            const Place place = place_for(*job, used);
            if (place.slot >= slots_.size() || used[place.slot]) {
                left.push_back(job);
                continue;
            }
            used[place.slot] = true;
            chosen.emplace_back(place, job);
        }
        waiting_ = std::move(left);
        running_ += int(chosen.size());
    }
    for (const auto& [place, job] : chosen) start(slots_[place.slot], place.goes_on, job);
}

/// Gives the job the slot; with goes_on also what the slot keeps, if its prompt begins so.
bool Engine::start(Slot& slot, bool goes_on, const std::shared_ptr<Job>& job) {
    std::optional<Kept> kept = std::exchange(slot.kept, {});
    spec::Request request = std::move(job->task.request);
    const int number = int(&slot - slots_.data());
    try {
        std::optional<sequence::SequenceState> from;
        if (const int64_t same = kept && goes_on ? common(*kept, request.prompt) : 0; same > 0) {
            kept->state.rollback(same);
            from = std::move(kept->state);
        }
        kept.reset();
        slot = {};
        const int64_t known = from ? from->pos() : 0;
        slot.generation = from ? &generator_.submit(std::move(request), std::move(*from))
                               : &generator_.submit(std::move(request));
        slot.generation->counts.cached = known;
        slot.job = job;
        return true;
    } catch (const std::exception& e) {
        Outcome outcome{.stop = spec::Stop::failed, .slot = number, .problem = problem_of(e)};
        count_ended(outcome);
        job->finish(std::move(outcome));
        return false;
    }
}

void Engine::step() {
    for (Slot& slot : slots_) {
        if (!slot.job) continue;
        if (slot.job->cancelled()) generator_.cancel(*slot.generation);
        else if (seconds_now() > slot.job->due)
            end(slot, Problem(503, "the request took longer than it may", "timeout_error", "", "timeout"));
    }
    bool moved = false;
    try {
        moved = generator_.step();
    } catch (const std::exception& e) {
        fault(e);
    }
    for (Slot& slot : slots_)
        if (slot.job) publish(slot);
    const std::lock_guard lock(mutex_);
    if (moved) progress_ = seconds_now();
    ++totals_.steps;
    if (cache_) totals_.cache = cache_->stats();
}

/// What a step that threw was about: those that it left as failed, or all who were in the round, when it says nothing.
void Engine::fault(const std::exception& error) {
    const auto* known = dynamic_cast<const Error*>(&error);
    {
        const std::lock_guard lock(mutex_);
        ++totals_.faults;
        if (known && known->status == Status::device_lost) broken_ = error.what();
    }
    Problem problem = problem_of(error);
    if (problem.status < 500) problem = Problem(500, error.what(), "server_error", "", "internal_error");
    const bool told = std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
        return slot.job && slot.generation->stopped == spec::Stop::failed;
    });
    for (Slot& slot : slots_)
        if (slot.job && (told ? slot.generation->stopped == spec::Stop::failed : !slot.generation->prompting()))
            end(slot, problem);
}

/// Hands on what the slot's sequence has got.
void Engine::publish(Slot& slot) {
    const spec::Generation& g = *slot.generation;
    if (g.text.size() > slot.given) {
        if (slot.given == 0) slot.first_token = seconds_now();
        const size_t named = std::min(slot.given, g.logprobs.size());
        slot.job->give(std::span(g.text).subspan(slot.given), std::span(g.logprobs).subspan(named));
    }
    {
        const std::lock_guard lock(mutex_);
        const spec::Counts &now = g.counts, &then = slot.seen;
        if (slot.given == 0 && !g.text.empty()) {
            totals_.prompt_tokens += int64_t(g.request.prompt.size()) - now.cached;
            totals_.cached_tokens += now.cached;
            totals_.cache_hits += now.cached > 0;
        }
        totals_.predicted_tokens += int64_t(g.text.size() - slot.given);
        totals_.prompt_seconds += now.prefill_seconds - then.prefill_seconds;
        totals_.draft_seconds += now.draft_seconds - then.draft_seconds;
        totals_.verify_seconds += now.verify_seconds - then.verify_seconds;
        totals_.rollback_seconds += now.rollback_seconds - then.rollback_seconds;
        totals_.rounds += now.rounds - then.rounds;
        totals_.drafts += now.rounds > then.rounds && !g.last.draft.empty();
        totals_.draft_tokens += now.drafted - then.drafted;
        totals_.accepted_tokens += now.accepted - then.accepted;
        totals_.recomputed_tokens += now.recomputed - then.recomputed;
        totals_.accepted_by_place.resize(std::max(totals_.accepted_by_place.size(), now.taken.size()));
        for (size_t i = 0; i < now.taken.size(); ++i)
            totals_.accepted_by_place[i] += now.taken[i] - (i < then.taken.size() ? then.taken[i] : 0);
    }
    slot.given = g.text.size();
    slot.seen = g.counts;
    if (g.stopped != spec::Stop::none) end(slot, std::nullopt);
}

/// Tells the job, and keeps the sequence in the slot if it is whole.
void Engine::end(Slot& slot, std::optional<Problem> problem) {
    spec::Generation& g = *slot.generation;
    const std::shared_ptr<Job> job = std::move(slot.job);
    Outcome outcome{.stop = g.stopped,
                    .counts = g.counts,
                    .prompt = int64_t(g.request.prompt.size()),
                    .cached = g.counts.cached,
                    .stopped_by = g.stops.found() ? job->task.stops[g.stops.found()->which] : "",
                    .decode_seconds = slot.first_token > 0 ? seconds_now() - slot.first_token : 0,
                    .slot = int(&slot - slots_.data()),
                    .hidden = std::move(g.hidden),
                    .problem = std::move(problem)};
    slot.job = nullptr;
    if (!outcome.problem && g.stopped != spec::Stop::failed && g.state.pos() > 0) {
        std::vector<int32_t> tokens = g.request.prompt;
        tokens.insert(tokens.end(), g.text.begin(), g.text.end());
        slot.kept.emplace(Kept{std::move(g.state), std::move(tokens), seconds_now()});
    }
    generator_.drop(g);
    slot.generation = nullptr;
    count_ended(outcome);
    job->finish(std::move(outcome));
}

void Engine::count_ended(const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    totals_.predicted_seconds += outcome.decode_seconds;
    ++totals_.ended[!outcome.problem ? spec::name_of(outcome.stop)
                    : outcome.problem->code.empty() ? "refused" : outcome.problem->code];
}

}  // namespace rw::serve
