#include "runtime/serve/logprobs.h"

#include <algorithm>
#include <cmath>

#include "runtime/tokenizer/unicode.h"

namespace rw::serve {
namespace {

/// JSON has no infinity.
double finite(float logprob) { return std::isfinite(logprob) ? std::max(double(logprob), -9999.0) : -9999.0; }

std::string text_of(const tokenizer::Tokenizer& tokenizer, int32_t token) {
    return tokenizer::well_formed(tokenizer.piece(token, true));
}

Json one(const tokenizer::Tokenizer& tokenizer, int32_t token, float logprob) {
    const std::string_view bytes = tokenizer.piece(token, true);
    return {{"id", token},
            {"token", text_of(tokenizer, token)},
            {"logprob", finite(logprob)},
            {"bytes", std::vector<uint8_t>(bytes.begin(), bytes.end())}};
}

}  // namespace

Json chat_logprobs(const tokenizer::Tokenizer& tokenizer, const News& news) {
    Json list = Json::array();
    for (size_t i = 0; i < news.logprobs.size(); ++i) {
        Json entry = one(tokenizer, news.tokens[i], news.logprobs[i].logprob);
        entry["top_logprobs"] = Json::array();
        for (const auto& [token, logprob] : news.logprobs[i].most_likely)
            entry["top_logprobs"].push_back(one(tokenizer, token, logprob));
        list.push_back(std::move(entry));
    }
    return list;
}

Json text_logprobs(const tokenizer::Tokenizer& tokenizer, const News& news, size_t& offset) {
    Json all{{"tokens", Json::array()}, {"token_logprobs", Json::array()}, {"top_logprobs", Json::array()}, {"text_offset", Json::array()}};
    for (size_t i = 0; i < news.logprobs.size(); ++i) {
        all["tokens"].push_back(text_of(tokenizer, news.tokens[i]));
        all["token_logprobs"].push_back(finite(news.logprobs[i].logprob));
        Json likely = Json::object();
        for (const auto& [token, logprob] : news.logprobs[i].most_likely) likely[text_of(tokenizer, token)] = finite(logprob);
        all["top_logprobs"].push_back(std::move(likely));
        all["text_offset"].push_back(offset);
        offset += tokenizer.piece(news.tokens[i]).size();
    }
    return all;
}

int wanted_of_chat(const Fields& fields) {
    const bool wanted = fields.flag("logprobs", false);
    const int64_t likely = fields.integer("top_logprobs", 0, 0, 20);
    if (!wanted && likely > 0) fields.fail("top_logprobs", "logprobs: true with it");
    return wanted ? int(likely) : -1;
}

}  // namespace rw::serve
