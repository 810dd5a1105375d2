#include "runtime/sample/sampler.h"

#include <algorithm>
#include <cmath>

#include "rewind/ops/contract.h"
#include "runtime/sample/candidates.h"
#include "runtime/sample/counts.h"
#include "runtime/sample/dry.h"
#include "runtime/sample/random.h"

namespace rw::sample {

/// What penalties know of prompt and text.
struct Past {
    std::optional<Counts> counts;
    std::optional<Repeats> repeats;
};

namespace {

/// However much is taken off, a token is less possible only, where a constraint makes it impossible.
void set(float& logit, double value) {
    if (logit > -INFINITY) logit = float(std::clamp(value, -1e30, 1e30));
}

// A text that was read elsewhere may hold what is no token here: that has no logit.
void penalise(std::span<float> logits, const Counts& counts, const Penalties& p) {
    for (const auto& [token, all, text] : counts.all()) {
        if (size_t(token) >= logits.size()) continue;
        float& logit = logits[size_t(token)];
        const double less = logit > 0 ? logit / p.repeat : logit * p.repeat;
        const int32_t times = p.of_text ? text : all;
        set(logit, times > 0 ? less - p.presence - p.frequency * times : less);
    }
}

void penalise(std::span<float> logits, const Repeats& repeats, const Dry& o) {
    for (const auto& [token, length] : repeats.next(o.allowed_length)) {
        if (size_t(token) >= logits.size()) continue;
        float& logit = logits[size_t(token)];
        set(logit, logit - o.multiplier * std::pow(o.base, double(length - o.allowed_length)));
    }
}

/// log(sum of exp): a logit less it is a log-probability.
double log_total(std::span<const float> logits) {
    const float most = counting(logits[size_t(greatest(logits))]);
    double sum = 0;
    for (const float logit : logits)
        if (const float x = counting(logit); x == most) sum += 1;
        else sum += std::exp(double(x) - most);
    return double(most) + std::log(sum);
}

}  // namespace

Sampler::Sampler(Options options, std::shared_ptr<const Constraint> constraint)
    : options_(std::make_shared<const Options>(std::move(options))), first_(std::move(constraint)) {
    begin({});
}

void Sampler::begin(std::span<const int32_t> prompt) {
    const Options& o = *options_;
    std::shared_ptr<Past> past;
    if (o.penalties.any() || o.dry.any()) past = std::make_shared<Past>();
    if (o.penalties.any()) past->counts.emplace(o.penalties.last_n, prompt);
    if (o.dry.any()) past->repeats.emplace(o.dry, prompt);
    past_ = std::move(past);
    constraint_ = first_;
    mu_ = 2 * o.mirostat.tau;
}

bool Sampler::argmax_only() const {
    return options_->greedy() && options_->logprobs < 0 && !past_ && options_->logit_bias.empty();
}

std::optional<Choice> Sampler::choose_best(int32_t greatest) const {
    if (constraint_ && !constraint_->allows(greatest)) return {};
    return Choice{greatest};
}

/// Stages 2 to 4. A token is impossible or is not, and none of them looks at another token: masking behind them is the
/// same as masking first, and need not be done at all where the greatest logit is that of an allowed token.
std::span<const float> Sampler::changed(std::span<const float> raw, std::vector<float>& room) const {
    if (!constraint_ && !past_ && options_->logit_bias.empty()) return raw;
    room.assign(raw.begin(), raw.end());
    for (const auto& [token, bias] : options_->logit_bias) set(room[size_t(token)], room[size_t(token)] + bias);
    if (past_ && past_->counts) penalise(room, *past_->counts, options_->penalties);
    if (past_ && past_->repeats) penalise(room, *past_->repeats, options_->dry);
    return room;
}

void Sampler::mask(std::span<float> logits) const {
    constraint_->mask(logits);
    if (logits[size_t(greatest(logits))] > -INFINITY) return;
    // The model holds all that may come impossible: then they are equals.
    bool any = false;
    for (int32_t token = 0; token < int32_t(logits.size()); ++token)
        if (constraint_->allows(token)) logits[size_t(token)] = 0, any = true;
    if (!any) throw Error(Status::internal, "a constraint on the text leaves no token that could come next");
}

int32_t Sampler::best(std::span<const float> raw) const {
    std::vector<float> room;
    const int32_t token = greatest(changed(raw, room));
    if (!constraint_ || constraint_->allows(token)) return token;
    mask(room);
    return greatest(room);
}

/// All of stages 1 to 9 but mirostat's bound.
Candidates Sampler::candidates(std::span<const float> raw) const {
    const Options& o = *options_;
    std::vector<float> room;
    const std::span<const float> logits = changed(raw, room);
    if (constraint_) mask(room);
    if (o.mirostat.tau > 0) return {logits, 0, o.temperature};
    Candidates c(logits, o.top_k, o.temperature);
    c.keep_min_p(o.min_p), c.keep_typical(o.typical_p), c.keep_top_p(o.top_p);
    return c;
}

Choice Sampler::draw(std::span<const float> raw, int64_t position, std::optional<int32_t> draft) const {
    const Options& o = *options_;
    const auto number = [&](Purpose purpose) { return uniform(o.seed, o.choice, position, purpose); };
    Candidates c = candidates(raw);
    const double before = c.total();
    if (o.mirostat.tau > 0) c.keep_surprise(mu_);

    const Weighted* drawn = draft ? c.find(*draft) : nullptr;
    if (!draft) {
        drawn = &c.at(number(Purpose::draw));
    } else if (!drawn || number(Purpose::accept) >= drawn->weight / c.total()) {
        c.remove(*draft);
        drawn = &c.at(number(Purpose::residual));
    }
    Choice choice{drawn->token};
    if (o.mirostat.tau > 0) choice.surprise = -std::log2(drawn->weight / before);
    return choice;
}

Choice Sampler::choose(std::span<const float> raw, int64_t position, std::optional<int32_t> draft) const {
    Choice choice = options_->greedy() ? Choice{best(raw)} : draw(raw, position, draft);
    if (options_->logprobs >= 0) choice.logprobs = logprobs(raw, choice.token);
    return choice;
}

Logprobs Sampler::logprobs(std::span<const float> raw, int32_t token) const {
    const double all = log_total(raw);
    Logprobs told{float(counting(raw[size_t(token)]) - all), {}};
    for (const Weighted& w : greatest(raw, size_t(options_->logprobs)))
        told.most_likely.push_back({w.token, float(w.logit - all)});
    return told;
}

void Sampler::accept(const Choice& choice) {
    auto next = constraint_ ? constraint_->after(choice.token) : nullptr;
    if (past_) {
        auto past = past_.use_count() > 1 ? std::make_shared<Past>(*past_) : past_;
        if (past->counts) past->counts->push(choice.token);
        if (past->repeats) past->repeats->push(choice.token);
        past_ = std::move(past);
    }
    constraint_ = std::move(next);
    if (choice.surprise) mu_ -= options_->mirostat.eta * (*choice.surprise - options_->mirostat.tau);
}

size_t Sampler::possible(std::span<const int32_t> tokens) const {
    auto constraint = constraint_;
    size_t n = 0;
    for (; constraint && n < tokens.size() && constraint->allows(tokens[n]); ++n) constraint = constraint->after(tokens[n]);
    return constraint ? n : tokens.size();
}

std::vector<Sampler::Share> Sampler::distribution(std::span<const float> raw) const {
    if (options_->greedy()) return {{best(raw), 1}};
    Candidates c = candidates(raw);
    if (options_->mirostat.tau > 0) c.keep_surprise(mu_);
    const double all = c.total();
    std::vector<Share> shares;
    for (const Weighted& w : c.list()) shares.push_back({w.token, w.weight / all});
    return shares;
}

}  // namespace rw::sample
