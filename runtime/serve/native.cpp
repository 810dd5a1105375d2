// /completion: text that goes on from a prompt of text and tokens, with the fields that llama.cpp's clients know.
#include "runtime/serve/generation_fields.h"
#include "runtime/serve/logprobs.h"
#include "runtime/serve/prompts.h"
#include "runtime/serve/reading.h"

namespace rw::serve {
namespace {

Json settings_of(const spec::Request& r) {
    return {{"n_predict", r.most_tokens},
            {"seed", r.sampling.seed},
            {"temperature", r.sampling.temperature},
            {"top_k", r.sampling.top_k},
            {"top_p", r.sampling.top_p},
            {"min_p", r.sampling.min_p},
            {"typical_p", r.sampling.typical_p},
            {"repeat_penalty", r.sampling.penalties.repeat},
            {"presence_penalty", r.sampling.penalties.presence},
            {"frequency_penalty", r.sampling.penalties.frequency},
            {"repeat_last_n", r.sampling.penalties.last_n},
            {"dry_multiplier", r.sampling.dry.multiplier},
            {"mirostat", r.sampling.mirostat.tau > 0 ? 2 : 0},
            {"ignore_eos", r.ends.empty()},
            {"speculative.n_max", or_auto(r.n_max)},
            {"speculative.n_min", r.n_min},
            {"speculative.p_min", or_auto(r.p_min)}};
}

class Native {
public:
    Native(Service& service, const Call& call) : service_(service) {
        const Json body = parsed(call.body);
        const Fields fields(body);
        Task task = generation_task(fields, service, native_defaults);
        spec::Request& request = task.request;
        const Json* prompt = fields.find("prompt");
        if (!prompt) fields.fail("prompt", "a text or a list of tokens and texts");
        request.prompt = prompt_of(*prompt, service, "prompt");
        check_prompt(service, request.prompt, "prompt");
        const char* name = fields.has("n_predict") ? "n_predict" : "max_tokens";
        const int64_t asked = fields.integer(name, -1, -1, int64_t(1) << 30);
        if (asked == 0) fields.fail(name, "at least 1, or -1 for as many as there is room for");
        request.most_tokens = tokens_behind(service, request.prompt.size(), asked);
        streams = fields.flag("stream", false);
        with_tokens_ = fields.flag("return_tokens", false);
        fields.flag("cache_prompt", true);
        task.slot = int(fields.integer("id_slot", -1, -1, service.engine.limits().slots - 1));
        const int64_t likely = fields.integer("n_probs", 0, 0, 64);
        if (likely > 0) request.sampling.logprobs = int(likely);
        prompt_ = request.prompt.size();
        settings_ = settings_of(request);
        readings_ = Readings(submit_choices(service, task, 1));
    }

    bool streams = false;

    Json whole(const Call& call) {
        Piece all;
        readings_.wait(call, [&](size_t, const Piece& piece, bool) {
            all.text += piece.text;
            all.tokens.insert(all.tokens.end(), piece.tokens.begin(), piece.tokens.end());
            all.logprobs.insert(all.logprobs.end(), piece.logprobs.begin(), piece.logprobs.end());
        });
        return last(all);
    }

    bool next(std::string& out) {
        return readings_.look([&](size_t, const Piece& piece, bool over) {
            if (over) {
                out += event(last(piece));
            } else if (!piece.tokens.empty()) {
                Json part = beginning(piece);
                part["stop"] = false;
                part["tokens_predicted"] = readings_[0].tokens();
                part["tokens_evaluated"] = prompt_;
                out += event(part);
            }
        });
    }

private:
    Json beginning(const Piece& piece) const {
        Json part{{"index", 0},
                  {"content", piece.text},
                  {"tokens", with_tokens_ || streams ? Json(piece.tokens) : Json::array()}};
        if (!piece.logprobs.empty()) part["completion_probabilities"] = chat_logprobs(service_.tokenizer, piece);
        return part;
    }

    Json last(const Piece& piece) const {
        const Reading& reading = readings_[0];
        const Outcome& outcome = reading.outcome();
        const Figures figures(readings_);
        Json answer = beginning(piece);
        answer["id_slot"] = outcome.slot;
        answer["stop"] = true;
        answer["model"] = service_.options.name;
        answer["tokens_predicted"] = reading.tokens();
        answer["tokens_evaluated"] = prompt_;
        answer["tokens_cached"] = outcome.cached;
        answer["generation_settings"] = settings_;
        answer["truncated"] = false;
        answer["stop_type"] = outcome.stop == spec::Stop::stop_string ? "word"
                              : outcome.stop == spec::Stop::end_token ? "eos"
                                                                      : "limit";
        answer["stopping_word"] = outcome.stopped_by;
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
