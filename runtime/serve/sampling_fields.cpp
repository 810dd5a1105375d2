#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <random>

#include "runtime/sample/dry.h"
#include "runtime/serve/generation_fields.h"

namespace rw::serve {
namespace {

uint64_t any_seed() {
    static std::atomic<uint64_t> next{(uint64_t(std::random_device{}()) << 32) ^ std::random_device{}()};
    return ++next;
}

uint64_t seed_of(const Fields& fields) {
    const Json* seed = fields.find("seed");  // -1: any, as llama.cpp has it
    if (!seed || *seed == -1) return any_seed();
    return uint64_t(fields.integer("seed", 0, INT64_MIN, INT64_MAX));
}

/// {"17": -5, "42": 3}, or [[17, -5], [42, 3]].
std::vector<std::pair<int32_t, double>> biases_of(const Fields& fields, int64_t vocab) {
    const Json* value = fields.find("logit_bias");
    std::vector<std::pair<int32_t, double>> biases;
    if (!value) return biases;
    if (value->size() > 2048) fields.fail("logit_bias", "at most 2048 tokens");
    const auto add = [&](int64_t token, const Json& bias) {
        const double by = bias.is_number() ? bias.get<double>() : bias == false ? -100 : std::nan("");
        if (token < 0 || token >= vocab || !(by >= -100 && by <= 100))
            fields.fail("logit_bias", fmt::format("tokens from 0 to {}, each with a number from -100 to 100,", vocab - 1));
        biases.emplace_back(int32_t(token), by);
    };
    if (value->is_object()) {
        for (const auto& [key, bias] : value->items()) {
            int64_t token = -1;
            const auto end = std::from_chars(key.data(), key.data() + key.size(), token);
            add(end.ec == std::errc() && end.ptr == key.data() + key.size() ? token : -1, bias);
        }
    } else if (value->is_array()) {
        for (const Json& pair : *value) {
            if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer()) fields.fail("logit_bias", "[[token, bias], ...]");
            add(pair[0].get<int64_t>(), pair[1]);
        }
    } else {
        fields.fail("logit_bias", "an object of tokens and numbers");
    }
    return biases;
}

/// Every token that has one of the texts in it: no repetition reaches over those.
std::vector<int32_t> breakers_of(const Fields& fields, const tokenizer::Tokenizer& tokenizer) {
    const std::vector<std::string> texts = fields.texts("dry_sequence_breakers", 64);
    return sample::tokens_with(tokenizer.vocabulary(), fields.has("dry_sequence_breakers") ? texts : sample::dry_breakers);
}

}  // namespace

sample::Options sampling_of(const Fields& fields, const Service& service, const Defaults& defaults) {
    constexpr double most = 1e3;
    const int64_t tokens = int64_t(1) << 30;
    const auto share = [&](const char* name, double otherwise) {
        const double value = fields.number(name, otherwise, 0, 1);
        if (value == 0) fields.fail(name, "a number above 0, at most 1,");
        return value;
    };
    sample::Options o;
    o.temperature = fields.number("temperature", defaults.temperature, 0, defaults.most_temperature);
    o.top_p = share("top_p", defaults.top_p);
    o.top_k = int(std::max<int64_t>(0, fields.integer("top_k", defaults.top_k, -1, tokens)));
    o.min_p = fields.number("min_p", defaults.min_p, 0, 1);
    o.typical_p = share("typical_p", 1);
    const char* repeat = fields.has("repetition_penalty") ? "repetition_penalty" : "repeat_penalty";
    o.penalties.repeat = fields.number(repeat, 1, 1e-3, most);
    o.penalties.presence = fields.number("presence_penalty", 0, -2, 2);
    o.penalties.frequency = fields.number("frequency_penalty", 0, -2, 2);
    o.penalties.last_n = fields.integer("repeat_last_n", defaults.penalty_last_n, -1, tokens);
    o.penalties.of_text = defaults.penalties_of_text;
    o.dry.multiplier = fields.number("dry_multiplier", 0, 0, most);
    o.dry.base = fields.number("dry_base", 1.75, 1, most);
    o.dry.allowed_length = fields.integer("dry_allowed_length", 2, 1, tokens);
    o.dry.last_n = fields.integer("dry_penalty_last_n", -1, -1, tokens);
    if (o.dry.any()) o.dry.breakers = breakers_of(fields, service.tokenizer);
    const int64_t mirostat = fields.integer("mirostat", 0, 0, 2);
    if (mirostat == 1) fields.fail("mirostat", "0, or 2 for version 2,");
    o.mirostat.eta = fields.number("mirostat_eta", 0.1, 0, 1);
    const double tau = fields.number("mirostat_tau", 5, 1e-3, most);
    if (mirostat == 2) o.mirostat.tau = tau;
    o.logit_bias = biases_of(fields, int64_t(service.tokenizer.vocabulary().size()));
    o.seed = seed_of(fields);
    return o;
}

}  // namespace rw::serve
