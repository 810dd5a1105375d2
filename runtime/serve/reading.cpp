#include "runtime/serve/reading.h"

namespace rw::serve {

Piece Reading::next(std::chrono::milliseconds most) {
    Piece piece;
    if (over_) return piece;
    over_ = job_->take(piece, most);
    tokens_ += int64_t(piece.tokens.size());
    for (const int32_t token : piece.tokens) piece.text += reader_.push(token);
    if (over_) piece.text += reader_.finish();
    return piece;
}

const Outcome& Reading::outcome() const {
    const Outcome& outcome = job_->outcome();
    if (outcome.problem) throw Problem(*outcome.problem);
    return outcome;
}

const char* Reading::finish_reason() const {
    const spec::Stop stop = job_->outcome().stop;
    return stop == spec::Stop::end_token || stop == spec::Stop::stop_string ? "stop" : "length";
}

bool Readings::look(const Tell& tell) {
    bool going = false;
    // One is waited for; of several each gets a short look.
    const auto most = list_.size() == 1 ? patience : patience / 20;
    for (size_t i = 0; i < list_.size(); ++i) {
        if (list_[i].over()) continue;
        const Piece piece = list_[i].next(most);
        if (list_[i].over()) list_[i].outcome();
        tell(i, piece, list_[i].over());
        going = going || !list_[i].over();
    }
    return going;
}

void Readings::wait(const Call& call, const Tell& tell) {
    while (look(tell))
        if (call.gone()) throw Problem(499, "the client has left");
}

Figures::Figures(const Readings& readings) {
    for (size_t i = 0; i < readings.size(); ++i) {
        const Outcome& outcome = readings[i].outcome();
        if (!readings.repeats(i)) told_prompt += outcome.prompt, told_cached += outcome.cached;
        prompt += outcome.prompt, cached += outcome.cached, predicted += readings[i].tokens();
        drafted += outcome.counts.drafted, accepted += outcome.counts.accepted;
        prompt_seconds += outcome.counts.prefill_seconds, predicted_seconds += outcome.decode_seconds;
    }
}

Json Figures::usage() const {
    return {{"prompt_tokens", told_prompt},
            {"completion_tokens", predicted},
            {"total_tokens", told_prompt + predicted},
            {"prompt_tokens_details", {{"cached_tokens", told_cached}}}};
}

Json Figures::timings() const {
    const auto rate = [](int64_t n, double seconds) { return seconds > 0 ? double(n) / seconds : 0; };
    const auto each = [](int64_t n, double seconds) { return n > 0 ? 1e3 * seconds / double(n) : 0; };
    const int64_t ran = prompt - cached;
    return {{"cache_n", cached},
            {"prompt_n", ran},
            {"prompt_ms", 1e3 * prompt_seconds},
            {"prompt_per_token_ms", each(ran, prompt_seconds)},
            {"prompt_per_second", rate(ran, prompt_seconds)},
            {"predicted_n", predicted},
            {"predicted_ms", 1e3 * predicted_seconds},
            {"predicted_per_token_ms", each(predicted, predicted_seconds)},
            {"predicted_per_second", rate(predicted, predicted_seconds)},
            {"draft_n", drafted},
            {"draft_n_accepted", accepted}};
}

}  // namespace rw::serve
