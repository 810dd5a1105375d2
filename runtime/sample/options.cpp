#include "runtime/sample/options.h"

#include <fmt/format.h>

#include <cmath>

#include "rewind/ops/contract.h"

namespace rw::sample {
namespace {

constexpr int64_t most_tokens = int64_t(1) << 30;

void that(bool ok, const char* text) {
    if (!ok) throw Error(Status::invalid_argument, text);
}

/// From `least` on to `most`; false for NaN.
bool within(double x, double least, double most) { return x >= least && x <= most; }

void check_token(int32_t token, int64_t vocab, const char* where) {
    if (token < 0 || token >= vocab)
        throw Error(Status::invalid_argument,
                    fmt::format("{}: token {} is not one of the vocabulary's {}", where, token, vocab));
}

}  // namespace

void Options::check() const {
    that(std::isfinite(temperature) && temperature >= 0, "temperature: 0 or a positive number is expected");
    that(top_k >= 0, "top_k: 0 (all) or a positive number is expected");
    that(top_p > 0 && top_p <= 1, "top_p: a number above 0, at most 1, is expected");
    that(within(min_p, 0, 1), "min_p: a number from 0 to 1 is expected");
    that(typical_p > 0 && typical_p <= 1, "typical_p: a number above 0, at most 1, is expected");
    that(std::isfinite(penalties.repeat) && penalties.repeat > 0,
         "repetition penalty: a number above 0 is expected (1: none)");
    that(std::isfinite(penalties.presence), "presence penalty: a finite number is expected");
    that(std::isfinite(penalties.frequency), "frequency penalty: a finite number is expected");
    that(penalties.last_n >= -1 && penalties.last_n <= most_tokens, "the penalties' last_n: -1 (all) or the number of tokens is expected");
    that(std::isfinite(dry.multiplier) && dry.multiplier >= 0,
         "DRY's multiplier: 0 (off) or a positive number is expected");
    that(std::isfinite(dry.base) && dry.base >= 1, "DRY's base: a number from 1 on is expected");
    that(dry.allowed_length >= 1, "DRY's allowed length: at least 1 is expected");
    that(dry.last_n >= -1 && dry.last_n <= most_tokens, "DRY's last_n: -1 (all) or the number of tokens is expected");
    that(std::isfinite(mirostat.tau) && mirostat.tau >= 0, "mirostat's tau: 0 (off) or a positive number is expected");
    that(within(mirostat.eta, 0, 1), "mirostat's eta: a number from 0 to 1 is expected");
    for (const auto& [token, bias] : logit_bias) that(std::isfinite(bias), "logit bias: finite numbers are expected");
    that(logprobs >= -1, "logprobs: the number of tokens to name, or -1 for no probabilities, is expected");
}

void Options::check(int64_t vocab) const {
    check();
    for (const auto& [token, bias] : logit_bias) check_token(token, vocab, "logit bias");
    for (const int32_t token : dry.breakers) check_token(token, vocab, "DRY's sequence breakers");
    if (logprobs > vocab)
        throw Error(Status::invalid_argument, fmt::format("logprobs: {} of a vocabulary of {}", logprobs, vocab));
}

}  // namespace rw::sample
