// /completion: text that goes on from a prompt of text and tokens, with the fields that llama.cpp's clients know.
#include "runtime/serve/generation_fields.h"
#include "runtime/serve/prompts.h"
#include "runtime/serve/reading.h"

namespace rw::serve {
namespace {

Json settings_of(const spec::Request& r) {
    return {{"n_predict", r.most_tokens},
            {"seed", r.sampler.seed},
            {"temperature", r.sampler.temperature},
            {"top_k", r.sampler.top_k},
            {"top_p", r.sampler.top_p},
            {"min_p", r.sampler.min_p},
            {"ignore_eos", r.ends.empty()},
            {"speculative.n_max", r.n_max},
            {"speculative.n_min", r.n_min},
            {"speculative.p_min", r.p_min}};
}

class Native {
public:
    Native(Service& service, const Call& call) : service_(service) {
        const Json body = parsed(call.body);
        const Fields fields(body);
        spec::Request request = generation_request(fields, service, native_defaults);
        const Json* prompt = fields.find("prompt");
        if (!prompt) fields.fail("prompt", "a text or a list of tokens and texts");
        request.prompt = prompt_of(*prompt, service, "prompt");
        check_prompt(service, request.prompt);
        const char* name = fields.has("n_predict") ? "n_predict" : "max_tokens";
        const int64_t asked = fields.integer(name, -1, -1, int64_t(1) << 30);
        if (asked == 0) fields.fail(name, "at least 1, or -1 for as many as there is room for");
        request.most_tokens = tokens_behind(service, request.prompt.size(), asked);
        streams = fields.flag("stream", false);
        with_tokens_ = fields.flag("return_tokens", false);
        fields.flag("cache_prompt", true);
        const int slot = int(fields.integer("id_slot", -1, -1, service.engine.limits().slots - 1));
        prompt_ = request.prompt.size();
        settings_ = settings_of(request);
        const auto stops = fields.texts("stop", 16);
        TextReader reader(service.tokenizer, stops, request.ends);
        readings_.add(Reading(submit_choices(service, request, 1, slot).front(), std::move(reader)));
    }

    bool streams = false;

    Json whole(const Call& call) {
        std::string text;
        std::vector<int32_t> tokens;
        readings_.wait(call, [&](size_t, const Piece& piece, bool) {
            text += piece.text;
            tokens.insert(tokens.end(), piece.tokens.begin(), piece.tokens.end());
        });
        return last(text, tokens);
    }

    bool next(std::string& out) {
        return readings_.look([&](size_t, const Piece& piece, bool over) {
            if (over) {
                out += event(last(piece.text, piece.tokens));
            } else if (!piece.tokens.empty()) {
                Json part = beginning(piece.text, piece.tokens);
                part["stop"] = false;
                part["tokens_predicted"] = readings_[0].tokens();
                part["tokens_evaluated"] = prompt_;
                out += event(part);
            }
        });
    }

private:
    Json beginning(const std::string& text, const std::vector<int32_t>& tokens) const {
        return {{"index", 0}, {"content", text}, {"tokens", with_tokens_ || streams ? Json(tokens) : Json::array()}};
    }

    Json last(const std::string& text, const std::vector<int32_t>& tokens) const {
        const Reading& reading = readings_[0];
        const Outcome& outcome = reading.outcome();
        const Figures figures(readings_);
        Json answer = beginning(text, tokens);
        answer["id_slot"] = outcome.slot;
        answer["stop"] = true;
        answer["model"] = service_.options.name;
        answer["tokens_predicted"] = reading.tokens();
        answer["tokens_evaluated"] = prompt_;
        answer["tokens_cached"] = outcome.cached;
        answer["generation_settings"] = settings_;
        answer["truncated"] = false;
        answer["stop_type"] = reading.reader().stopped()                   ? "word"
                              : outcome.stop == spec::Stop::end_token ? "eos"
                                                                      : "limit";
        answer["stopping_word"] = reading.reader().stop();
        answer["timings"] = figures.timings();
        return answer;
    }

    Service& service_;
    Readings readings_;
    Json settings_;
    size_t prompt_ = 0;
    bool with_tokens_ = false;
};

}  // namespace

Answer native_completion(Service& service, const Call& call) {
    auto native = std::make_shared<Native>(service, call);
    if (native->streams) return streamed(native);
    return native->whole(call);
}

}  // namespace rw::serve
