// /v1/completions: text that goes on from a bare prompt, in OpenAI's form.
#include "runtime/serve/generation_fields.h"
#include "runtime/serve/head.h"
#include "runtime/serve/logprobs.h"
#include "runtime/serve/prompts.h"
#include "runtime/serve/reading.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::serve {
namespace {

class Completion {
public:
    Completion(Service& service, const Call& call) : service_(service) {
        const Json body = parsed(call.body);
        const Fields fields(body);
        Task task = generation_task(fields, service, openai_defaults);
        with_logprobs_ = fields.has("logprobs");
        if (with_logprobs_) task.request.sampling.logprobs = int(fields.integer("logprobs", 0, 0, 20));
        const int n = int(fields.integer("n", 1, 1, service.options.choices));
        const auto prompts = prompts_of(fields, "prompt", service, size_t(service.options.choices / n));
        if (fields.integer("best_of", n, 1, service.options.choices) != n) fields.fail("best_of", "as much as n");
        if (!fields.text("suffix", "").empty()) fields.fail("suffix", "none: text is not filled in");
        const int64_t asked = fields.integer("max_tokens", 16, 1, int64_t(1) << 30);
        const bool echo = fields.flag("echo", false);
        if (echo && with_logprobs_)
            throw bad("logprobs", "log-probabilities of an echoed prompt are not known: leave out echo or logprobs");
        streams = fields.flag("stream", false);
        with_usage_ = fields.object("stream_options").flag("include_usage", false);
        offsets_.resize(size_t(n) * prompts.size());
        head_ = {service.new_id("cmpl-"), fields.text("model", service.options.name)};
        for (const auto& prompt : prompts) check_prompt(service, prompt, "prompt");
        for (const auto& prompt : prompts) {
            task.request.prompt = prompt;
            task.request.most_tokens = tokens_behind(service, prompt.size(), asked);
            readings_.add(submit_choices(service, task, n));
            texts_.resize(readings_.size(), echo ? tokenizer::well_formed(service.tokenizer.decode(prompt)) : "");
        }
    }

    bool streams = false;

    Json whole(const Call& call) {
        std::vector<News> news(texts_.size());
        readings_.wait(call, [&](size_t i, const Piece& piece, bool) {
            texts_[i] += piece.text;
            news[i].tokens.insert(news[i].tokens.end(), piece.tokens.begin(), piece.tokens.end());
            news[i].logprobs.insert(news[i].logprobs.end(), piece.logprobs.begin(), piece.logprobs.end());
        });
        Json answer = head_.object("text_completion");
        for (size_t i = 0; i < texts_.size(); ++i)
            answer["choices"].push_back(choice(i, texts_[i], news[i], readings_[i].finish_reason()));
        const Figures figures(readings_);
        answer["usage"] = figures.usage();
        answer["timings"] = figures.timings();
        return answer;
    }

    bool next(std::string& out) {
        std::vector<size_t> ended;
        const bool going = readings_.look([&](size_t i, const Piece& piece, bool last) {
            texts_[i] += piece.text;  // with what is echoed, the first time
            if (!texts_[i].empty() || !piece.logprobs.empty()) out += chunk(choice(i, texts_[i], piece, nullptr), false);
            texts_[i].clear();
            if (last) ended.push_back(i);
        });
        for (size_t k = 0; k < ended.size(); ++k)
            out += chunk(choice(ended[k], "", {}, readings_[ended[k]].finish_reason()),
                         !going && k + 1 == ended.size() && !with_usage_);
        if (going) return true;
        if (with_usage_) {
            const Figures figures(readings_);
            Json part = head_.object("text_completion");
            part["choices"] = Json::array();
            part["usage"] = figures.usage();
            part["timings"] = figures.timings();
            out += event(part);
        }
        out += last_event();
        return false;
    }

private:
    Json choice(size_t i, const std::string& text, const News& news, const char* reason) {
        return {{"text", text},
                {"index", i},
                {"logprobs", with_logprobs_ ? text_logprobs(service_.tokenizer, news, offsets_[i]) : Json()},
                {"finish_reason", reason ? Json(reason) : Json()}};
    }

    std::string chunk(Json one, bool with_timings) const {
        Json part = head_.object("text_completion");
        part["choices"] = Json::array({std::move(one)});
        if (with_usage_) part["usage"] = nullptr;
        if (with_timings) part["timings"] = Figures(readings_).timings();
        return event(part);
    }

    Service& service_;
    Head head_;
    Readings readings_;
    std::vector<std::string> texts_;  // not said yet
    std::vector<size_t> offsets_;     // of what was said
    bool with_usage_ = false, with_logprobs_ = false;
};

}  // namespace

Answer completions(Service& service, const Call& call) {
    auto completion = std::make_shared<Completion>(service, call);
    if (completion->streams) return streamed(completion);
    return completion->whole(call);
}

}  // namespace rw::serve
