#include "runtime/spec/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "runtime/clock.h"
#include "runtime/sequence/prompt_cuts.h"

namespace rw::spec {
namespace {

uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

}  // namespace

Generator::~Generator() {
    for (Generation& g : all_) end_drafting(g);
}

void Generator::end_drafting(Generation& g) {
    if (std::exchange(g.begun, false)) g.drafter->end(g.id);
}

const char* name_of(Stop stop) {
    constexpr const char* names[] = {"none", "end_token", "stop_string", "length", "context_full", "cancelled", "failed"};
    return names[int(stop)];
}

void Generator::check(const Request& r, const model::Options& o, uint32_t vocab) {
    r.sampling.check(vocab);
    const auto that = [](bool ok, std::string text) {
        if (!ok) throw Error(Status::invalid_argument, std::move(text));
    };
    that(!r.prompt.empty(), "the prompt has no tokens");
    that(r.most_tokens >= 1, "the number of tokens to generate is at least 1");
    that(r.n_max == n_auto || (r.n_max >= 0 && r.n_max < o.pools.most_exact),
         fmt::format("n_max {}: the context was made for drafts of up to {} tokens", r.n_max, o.pools.most_exact - 1));
    that(r.n_min >= 0, fmt::format("n_min {}: 0 or more is expected", r.n_min));
    const int64_t longest = r.n_max == n_auto ? o.pools.most_exact - 1 : r.n_max;
    that(r.n_min <= longest || r.n_max == 0,
         fmt::format("n_min {}: no draft is longer than n_max, which is {}", r.n_min, longest));
    that(r.p_min == p_auto || (r.p_min >= 0 && r.p_min <= 1),
         fmt::format("p_min {}: 0 to 1, or p_auto, is expected", r.p_min));
    that(r.accept_rate < 0 || !r.constraint, "accept_rate takes drafts that a constraint may not allow");
    if (int64_t(r.prompt.size()) > o.pools.context)
        throw Error(Status::range, fmt::format("the prompt has {} tokens, the context {} positions", r.prompt.size(),
                                               o.pools.context));
    for (const int32_t token : r.prompt)
        if (token < 0 || uint32_t(token) >= vocab)
            throw Error(Status::range, fmt::format("token {} is not one of the vocabulary's {}", token, vocab));
}

void Generator::check(const Request& r) const {
    check(r, context_.options(), context_.geometry().vocab);
    if (r.n_max != 0 && !r.drafter && !drafter_)
        throw Error(Status::invalid_argument, "drafts need a drafter (n_max = 0 generates without)");
}

Generation Generator::fresh(Request request, sequence::SequenceState state) const {
    Drafter* const drafter = request.drafter ? request.drafter : drafter_;
    sample::Sampler sampler(request.sampling, request.constraint);
    sampler.begin(request.prompt);
    sample::Stops stops = request.stops;
    return {.id = next_id(), .request = std::move(request), .drafter = drafter, .state = std::move(state), .text = {},
            .sampler = std::move(sampler), .stops = std::move(stops)};
}

Generation& Generator::add(Request request, const model::Progress& progress) {
    check(request);
    std::list<Generation> one;
    one.push_back(fresh(std::move(request), sequence::SequenceState(context_)));
    Generation& g = one.front();
    try {
        while (g.prompting()) {
            const PromptCall next = prompt_call(g);
            run(&next, nullptr);
            if (progress && !progress(uint64_t(g.state.pos()), g.request.prompt.size())) cancel(g);
        }
    } catch (...) {  // the drafter may know of it
        end_drafting(g);
        throw;
    }
    all_.splice(all_.end(), one);
    return g;
}

Generation& Generator::submit(Request request) {
    check(request);
    all_.push_back(fresh(std::move(request), sequence::SequenceState(context_)));
    return all_.back();
}

Generation& Generator::submit(Request request, sequence::SequenceState state) {
    check(request);
    if (&state.context() != &context_ || state.pos() >= int64_t(request.prompt.size()))
        throw Error(Status::invalid_argument, "submit: the state is one of this context, with part of the prompt");
    all_.push_back(fresh(std::move(request), std::move(state)));
    return all_.back();
}

void Generator::begin(Generation& g) {
    const int64_t most = std::min<int64_t>(context_.options().pools.most_exact - 1, RoundCosts::kMost);
    if (g.request.n_max == n_auto) g.controller.emplace(int(most), int(std::min<int64_t>(g.request.n_min, most)));
    if (!g.drafter || g.stopped != Stop::none) return;
    g.begun = true;
    try {
        g.drafter->begin(g.known());
    } catch (...) {
        end_drafting(g);
        throw;
    }
}

Generation& Generator::resume(sequence::SequenceState state, int32_t last, Request request) {
    std::vector<int32_t> before = std::exchange(request.prompt, {last});
    check(request);
    request.prompt = std::move(before);
    if (&state.context() != &context_)
        throw Error(Status::invalid_argument, "resume: the state is one of another context");
    if (request.constraint && !request.constraint->allows(last))
        throw Error(Status::invalid_argument, "resume: the constraint does not allow the last token");
    std::list<Generation> one;
    one.push_back(fresh(std::move(request), std::move(state)));
    Generation& g = one.front();
    g.text = {last};
    g.sampler.accept({last});
    g.stops.push(last);
    g.stopped = stop_at(g, g.stops, 1, last, g.state.pos());
    begin(g);
    all_.splice(all_.end(), one);
    return g;
}

/// Tokens that others have run need not be run again; those of a prompt that is at work just now are known as well.
void Generator::take_known(Generation& g, const sequence::PrefixCache::Prompt& prompt) {
    const int64_t before = g.state.pos();
    cache_->restore(g.state, prompt, g.needs_mtp());
    g.by_cuts = g.state.pos();
    // A copy that failed leaves nothing, and then nothing was saved.
    g.counts.cached = g.state.pos() < before ? 0 : g.counts.cached + g.state.pos() - before;
}

Generator::PromptCall Generator::prompt_call(Generation& g) {
    const double start = seconds_now();
    const std::span<const int32_t> prompt(g.request.prompt);
    PromptCall next{&g, sequence::prompt_cuts(prompt, context_.options().chunk, g.request.message_start),
                    cache_ && g.state.pos() == g.by_cuts, {}};
    if (next.by_cuts) take_known(g, {prompt, next.cuts});
    const size_t at = size_t(g.state.pos());
    const size_t end = size_t(*std::upper_bound(next.cuts.begin(), next.cuts.end(), g.state.pos()));
    const auto part = prompt.subspan(at, end - at);
    next.call = {{g.state.part(part)}, {.prefill = true, .mtp = g.needs_mtp()}};
    if (end == prompt.size()) next.call.wanted.rows = {int32_t(part.size()) - 1};
    g.counts.prefill_seconds += seconds_now() - start;
    return next;
}

/// Takes what a prompt's call has left; behind the last the first token is chosen, from row `row` of what was wanted.
void Generator::finish(const PromptCall& done, size_t row) {
    Generation& g = *done.generation;
    const std::span<const int32_t> prompt(g.request.prompt);
    const int64_t chunk = context_.options().chunk;
    g.state.advance(int64_t(done.call.parts.front().tokens.size()), done.call.wanted.mtp);
    const bool ends = g.state.pos() == int64_t(prompt.size());
    if (ends) {
        take(g, verdict(g, {}, row, g.state.pos()));
        if (g.request.hidden) g.hidden = context_.hidden(row);
    }
    if (!done.by_cuts) return;
    g.by_cuts = g.state.pos();
    // A longer prompt would not be cut at this one's end.
    if (!ends || g.by_cuts % chunk == 0) cache_->offer(g.state, {prompt, done.cuts});
}

/// Runs the calls, in one plan where there are two, and takes what has come of them.
void Generator::run(const PromptCall* prompt, const RoundCall* round) {
    const double start = seconds_now();
    try {
        if (prompt && round) context_.run(prompt->call, round->call);
        else if (prompt) context_.run(prompt->call.parts, prompt->call.wanted);
        else context_.run(round->call.parts, round->call.wanted);
    } catch (...) {
        if (prompt) fail(*prompt->generation);
        if (round && context_.broke_off())
            for (Generation* g : round->going) fail(*g);
        throw;
    }
    std::exception_ptr problem;
    const auto goes_well = [&](auto&& part) {
        try {
            part();
            return true;
        } catch (...) {
            if (!problem) problem = std::current_exception();
            return false;
        }
    };
    if (prompt) {
        Generation& g = *prompt->generation;
        if (!goes_well([&] { finish(*prompt, round ? round->call.wanted.rows.size() : 0); })) fail(g);
        g.counts.prefill_seconds += seconds_now() - start;
    }
    if (round) goes_well([&] { finish(*round, prompt ? seconds_now() : start, prompt); });
    if (prompt) {
        Generation& g = *prompt->generation;
        if (!g.text.empty() && g.stopped != Stop::failed && !goes_well([&] { begin(g); })) fail(g);
    }
    if (problem) std::rethrow_exception(problem);
}

/// Of the prompts that wait, the one after the last that had its turn.
Generation* Generator::next_prompt() {
    Generation* first = nullptr;
    for (Generation& g : all_) {
        if (!g.prompting()) continue;
        if (g.id > turn_) return &g;
        if (!first) first = &g;
    }
    return first;
}

/// Whether the next round is to run by itself, so that who chooses the length of drafts learns what it costs: every fourth.
bool Generator::measures() {
    constexpr int every = 4;
    const bool learns = std::any_of(all_.begin(), all_.end(), [](const Generation& g) { return g.going() && g.controller; });
    if (!learns || ++joint_ < every) return false;
    joint_ = 0;
    return true;
}

bool Generator::step() {
    Generation* const next = next_prompt();
    std::optional<PromptCall> prompt;
    if (next) {
        turn_ = next->id;
        try {
            prompt = prompt_call(*next);
        } catch (...) {
            fail(*next);
            throw;
        }
    }
    std::exception_ptr problem;
    if (prompt && (!context_.joins() || measures())) {
        try {
            run(&*prompt, nullptr);
        } catch (...) {  // about the prompt alone
            problem = std::current_exception();
        }
        prompt.reset();
    }
    const RoundCall round = round_call(prompt.has_value());
    if (!round.going.empty()) run(prompt ? &*prompt : nullptr, &round);
    else if (prompt) run(&*prompt, nullptr);
    if (problem) std::rethrow_exception(problem);
    return next || !round.going.empty();
}

void Generator::cancel(Generation& g) {
    if (g.stopped != Stop::none) return;
    g.stopped = Stop::cancelled;
    end_drafting(g);
}

void Generator::fail(Generation& g) {
    g.stopped = Stop::failed;
    end_drafting(g);
}

void Generator::drop(const Generation& generation) {
    all_.remove_if([&](Generation& g) {
        if (&g != &generation) return false;
        end_drafting(g);
        return true;
    });
}

}  // namespace rw::spec
