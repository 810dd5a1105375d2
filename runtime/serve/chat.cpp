// /v1/chat/completions
#include "runtime/serve/conversation.h"
#include "runtime/serve/generation_fields.h"
#include "runtime/serve/head.h"
#include "runtime/serve/reading.h"
#include "runtime/serve/reply.h"

namespace rw::serve {
namespace {

struct Choice {
    Reply reply;
    int64_t calls = 0;
    Delta all{};  // so far
};

Json call_of(const ToolCall& call, const std::string& id) {
    return {{"id", id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

void add(Delta& all, Delta delta) {
    all.content += delta.content, all.reasoning += delta.reasoning;
    all.calls.insert(all.calls.end(), delta.calls.begin(), delta.calls.end());
}

class Chat {
public:
    Chat(Service& service, const Call& call) : service_(service) {
        const Json body = parsed(call.body);
        const Fields fields(body);
        const Conversation conversation = read_conversation(fields, service);
        spec::Request request = generation_request(fields, service, openai_defaults);
        request.prompt = conversation.prompt;
        check_prompt(service, request.prompt);
        const int64_t most = int64_t(1) << 30;
        request.most_tokens = tokens_behind(
            service, request.prompt.size(),
            fields.integer("max_completion_tokens", fields.integer("max_tokens", -1, -1, most), -1, most));
        if (request.most_tokens == 0) fields.fail("max_completion_tokens", "at least 1");
        const int n = int(fields.integer("n", 1, 1, service.options.choices));
        streams = fields.flag("stream", false);
        with_usage_ = fields.object("stream_options").flag("include_usage", false);
        const auto stops = fields.texts("stop", 16);
        head_ = {service.new_id("chatcmpl-"), fields.text("model", service.options.name)};
        for (auto& job : submit_choices(service, request, n)) {
            readings_.add(Reading(std::move(job), TextReader(service.tokenizer, stops, request.ends)));
            choices_.push_back({Reply(conversation.reply)});
        }
    }

    bool streams = false;

    /// The answer in one piece.
    Json whole(const Call& call) {
        readings_.wait(call, [&](size_t i, const Piece& piece, bool last) { add(choices_[i].all, read(i, piece, last)); });
        Json list = Json::array();
        for (size_t i = 0; i < choices_.size(); ++i) {
            const Delta& all = choices_[i].all;
            Json message = {{"role", "assistant"}, {"content", all.content}};
            if (!all.reasoning.empty()) message["reasoning_content"] = all.reasoning;
            for (const ToolCall& c : all.calls) message["tool_calls"].push_back(call_of(c, service_.new_id("call_")));
            if (!all.calls.empty() && all.content.empty()) message["content"] = nullptr;
            list.push_back({{"index", i},
                            {"message", std::move(message)},
                            {"logprobs", nullptr},
                            {"finish_reason", reason_of(i)}});
        }
        const Figures figures(readings_);
        Json answer = head_.object("chat.completion");
        answer["choices"] = std::move(list);
        answer["usage"] = figures.usage();
        answer["timings"] = figures.timings();
        return answer;
    }

    /// What came of any choice, as events; false when all are over.
    bool next(std::string& out) {
        for (size_t i = 0; i < choices_.size() && !begun_; ++i)
            out += chunk(i, {{"role", "assistant"}, {"content", ""}}, nullptr);
        begun_ = true;
        const bool going = readings_.look([&](size_t i, const Piece& piece, bool last) {
            say(i, read(i, piece, last), out);
            if (last) ended_.push_back(i);
        });
        for (size_t k = 0; k < ended_.size(); ++k)
            out += chunk(ended_[k], Json::object(), reason_of(ended_[k]), !going && k + 1 == ended_.size() && !with_usage_);
        ended_.clear();
        if (!going) finish(out);
        return going;
    }

private:
    Delta read(size_t i, const Piece& piece, bool last) {
        Delta delta = choices_[i].reply.push(piece.text);
        if (last) add(delta, choices_[i].reply.finish());
        return delta;
    }

    const char* reason_of(size_t i) const {
        const char* reason = readings_[i].finish_reason();
        return choices_[i].reply.called() && std::string_view(reason) == "stop" ? "tool_calls" : reason;
    }

    std::string chunk(size_t index, Json delta, const char* reason, bool with_timings = false) const {
        Json part = head_.object("chat.completion.chunk");
        part["choices"] = Json::array({{{"index", index},
                                        {"delta", std::move(delta)},
                                        {"logprobs", nullptr},
                                        {"finish_reason", reason ? Json(reason) : Json()}}});
        if (with_usage_) part["usage"] = nullptr;
        if (with_timings) part["timings"] = Figures(readings_).timings();
        return event(part);
    }

    void say(size_t i, const Delta& delta, std::string& out) {
        if (!delta.reasoning.empty()) out += chunk(i, {{"reasoning_content", delta.reasoning}}, nullptr);
        if (!delta.content.empty()) out += chunk(i, {{"content", delta.content}}, nullptr);
        for (const ToolCall& c : delta.calls) {
            Json call = call_of(c, service_.new_id("call_"));
            call["index"] = choices_[i].calls++;
            out += chunk(i, {{"tool_calls", Json::array({std::move(call)})}}, nullptr);
        }
    }

    void finish(std::string& out) const {
        if (with_usage_) {
            const Figures figures(readings_);
            Json part = head_.object("chat.completion.chunk");
            part["choices"] = Json::array();
            part["usage"] = figures.usage();
            part["timings"] = figures.timings();
            out += event(part);
        }
        out += last_event();
    }

    Service& service_;
    Head head_;
    Readings readings_;
    std::vector<Choice> choices_;
    std::vector<size_t> ended_;
    bool with_usage_ = false, begun_ = false;
};

}  // namespace

Answer chat_completions(Service& service, const Call& call) {
    auto chat = std::make_shared<Chat>(service, call);
    if (chat->streams) return streamed(chat);
    return chat->whole(call);
}

}  // namespace rw::serve
