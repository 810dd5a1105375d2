#include "tools/sampling_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "runtime/sample/dry.h"
#include "runtime/sample/thinking.h"
#include "tools/numbers.h"

namespace rw::tools {
namespace {

/// Ranges are sample::Options' to check.
template <class Number>
void number(CLI::App& verb, const char* name, Number& value, const char* text) {
    verb.add_option(name, value, text)->capture_default_str()->group("Sampling");
}

std::pair<int32_t, double> read_bias(const std::string& text) {
    const size_t equals = text.find('=');
    std::pair<int32_t, double> bias{-1, 0};
    if (equals == std::string::npos || !reads(text.substr(0, equals), bias.first) ||
        !reads(text.substr(equals + 1), bias.second) || bias.first < 0)
        throw Error(Status::invalid_argument, fmt::format("--logit-bias {}: TOKEN=NUMBER is expected, as 198=-5", text));
    return bias;
}

}  // namespace

void SamplingOptions::add_to(CLI::App& verb) {
    sample::Options& s = sampling;
    number(verb, "--temp", s.temperature, "0 takes the most probable token");
    number(verb, "--top-k", s.top_k, "Of the k most probable; 0 is all");
    number(verb, "--top-p", s.top_p, "Of the fewest that make up this probability");
    number(verb, "--min-p", s.min_p, "At least this share of the greatest probability");
    number(verb, "--typical", s.typical_p,
           "Of those whose information is nearest to the expected, the fewest that make this up");
    number(verb, "--repeat-penalty", s.penalties.repeat,
           "Logits of tokens that were there are divided by it, negative ones multiplied");
    number(verb, "--presence-penalty", s.penalties.presence, "Taken off the logits of tokens that were there");
    number(verb, "--frequency-penalty", s.penalties.frequency, "Taken off for each time they were there");
    number(verb, "--penalty-last", s.penalties.last_n, "Tokens, the prompt's too, that these look back; -1 is all");
    number(verb, "--dry-multiplier", s.dry.multiplier,
           "DRY: multiplier * base^(length - allowed) is taken off what goes on a repetition; 0 is off");
    number(verb, "--dry-base", s.dry.base, "Its base");
    number(verb, "--dry-allowed-length", s.dry.allowed_length, "Repetitions shorter than this cost nothing");
    number(verb, "--dry-last", s.dry.last_n, "Tokens that it looks back; -1 is all");
    verb.add_option("--dry-breaker", breakers,
                    "No repetition reaches over a token with this text; may be given again; newline : \" * by default")
        ->allow_extra_args(false)
        ->group("Sampling");
    number(verb, "--mirostat-tau", s.mirostat.tau,
           "Bits that a token is to surprise by, in place of top-k to typical; 0 is off");
    number(verb, "--mirostat-eta", s.mirostat.eta, "How fast it learns");
    verb.add_option("--logit-bias", bias, "TOKEN=NUMBER: added to its logit; may be given again")
        ->allow_extra_args(false)
        ->group("Sampling");
    verb.add_option("--seed", s.seed, "Of the draws")->capture_default_str()->check(whole_number)->group("Sampling");
    number(verb, "--logprobs", s.logprobs,
           "With --json: log-probabilities of the tokens and of so many most probable ones; -1 is none");
    verb.add_flag("--ratio", ratio,
                  "Drafts stand by their probability: text of the same distribution, not the same text")
        ->group("Sampling");
    verb.add_option("--stop", stops, "Text that ends the text, and is not shown; may be given again")
        ->allow_extra_args(false);
    verb.add_option("--think-budget", think_budget, "Tokens between <think> and </think> at most; -1 is any number")
        ->capture_default_str();
}

void SamplingOptions::check() {
    sampling.logit_bias.clear();
    for (const std::string& text : bias) sampling.logit_bias.push_back(read_bias(text));
    sampling.check();
    const auto that = [](bool ok, const char* text) {
        if (!ok) throw Error(Status::invalid_argument, text);
    };
    for (const std::string& stop : stops) that(!stop.empty(), "--stop: a text of at least one character is expected");
    for (const std::string& breaker : breakers)
        that(!breaker.empty(), "--dry-breaker: a text of at least one character is expected");
    that(think_budget >= -1, "--think-budget: -1 (any number) or the number of tokens is expected");
}

void SamplingOptions::put_into(spec::Request& request, const tokenizer::Tokenizer* tokenizer) const {
    request.sampling = sampling, request.ratio = ratio;
    const auto vocabulary = [&](const char* option) -> const tokenizer::Tokenizer& {
        if (!tokenizer) throw Error(Status::invalid_argument, fmt::format("{}: the model's file has no vocabulary", option));
        return *tokenizer;
    };
    if (sampling.dry.any() && tokenizer)
        request.sampling.dry.breakers = sample::tokens_with(tokenizer->vocabulary(), breakers);
    std::vector<std::string> texts;
    for (const std::string& stop : stops)  // one that is written as a control token is that token
        if (const auto token = vocabulary("--stop").vocabulary().control(stop)) request.ends.push_back(*token);
        else texts.push_back(stop);
    if (!texts.empty())
        request.stops = sample::Stops(std::move(texts), [tokenizer](int32_t t) { return tokenizer->piece(t); });
    if (think_budget < 0 && !(request.constraint && tokenizer)) return;  // rules hold behind what the prompt has begun to think
    sample::ThinkingMarks marks = sample::thinking_marks(vocabulary("--think-budget"));
    marks.ends = request.ends;
    const bool inside = sample::is_thinking(marks, request.prompt);
    if (think_budget < 0 && !inside) return;
    request.constraint = sample::thinking(marks, {.budget = think_budget, .inside = inside}, request.constraint);
}

}  // namespace rw::tools
