// /v1/chat/completions
#include "runtime/sample/thinking.h"
#include "runtime/serve/conversation.h"
#include "runtime/serve/generation_fields.h"
#include "runtime/serve/head.h"
#include "runtime/serve/logprobs.h"
#include "runtime/serve/one_call.h"
#include "runtime/serve/reading.h"
#include "runtime/serve/reply.h"

namespace rw::serve {
namespace {

struct Choice {
    Reply reply;
    int64_t calls = 0;
    Delta all{};  // so far
    Json logprobs = Json::array();
};

Json call_of(const ToolCall& call, const std::string& id) {
    return {{"id", id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

void add(Delta& all, Delta delta) {
    all.content += delta.content, all.reasoning += delta.reasoning;
    all.calls.insert(all.calls.end(), delta.calls.begin(), delta.calls.end());
}

/// What "tool_choice" and "parallel_tool_calls" make of the rules of an answer.
std::shared_ptr<const sample::Constraint> with_calls(const Fields& fields, Service& service,
                                                     const Conversation& conversation, const spec::Request& request) {
    const ToolChoice& choice = conversation.choice;
    const bool forced = !choice.forced.empty(), once = !choice.several && !choice.tools.empty();
    if (forced && request.constraint) fields.fail("tool_choice", "auto or none, where the answer has a form already,");
    if (once && fields.has("grammar"))
        fields.fail("parallel_tool_calls", "true, where a grammar says what the answer is,");
    if (request.constraint || (!forced && !once)) return request.constraint;
    if (request.ends.empty()) fields.fail("ignore_eos", "false: the text ends behind its calls;");
    if (!forced) {
        Reply::Form form = conversation.reply;
        form.thinking = form.thinking && !conversation.may_think;  // else it is asked behind the thought alone
        return one_call(service.tokenizer, std::move(form));
    }
    return service.grammars.calls({.tools = choice.forced,
                                   .marks = service.chat().tools_form()->marks,
                                   .several = choice.several,
                                   .behind_thought = conversation.may_think});
}

/// The rules of an answer hold behind what the model thinks first, and "reasoning_budget" ends that.
std::shared_ptr<const sample::Constraint> behind_thinking(const Fields& fields, const Service& service,
                                                          const Conversation& conversation,
                                                          std::shared_ptr<const sample::Constraint> rules) {
    const int64_t budget = fields.integer("reasoning_budget", -1, -1, int64_t(1) << 30);
    if (budget < 0 && !(rules && conversation.may_think)) return rules;
    return sample::thinking(sample::thinking_marks(service.tokenizer),
                            {.budget = budget, .inside = conversation.reply.thinking}, std::move(rules));
}

class Chat {
public:
    Chat(Service& service, const Call& call) : service_(service) {
        const Json body = parsed(call.body);
        const Fields fields(body);
        const Conversation conversation = read_conversation(fields, service);
        Task task = generation_task(fields, service, openai_defaults);
        spec::Request& request = task.request;
        request.prompt = conversation.prompt;
        check_prompt(service, request.prompt, "messages");
        request.constraint =
            behind_thinking(fields, service, conversation, with_calls(fields, service, conversation, request));
        request.sampling.logprobs = wanted_of_chat(fields);
        with_logprobs_ = request.sampling.logprobs >= 0;
        const char* const length = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
        const int64_t most = int64_t(1) << 30;
        request.most_tokens = tokens_behind(service, request.prompt.size(), fields.integer(length, -1, -1, most));
        if (request.most_tokens == 0) fields.fail(length, "at least 1");
        const int n = int(fields.integer("n", 1, 1, service.options.choices));
        streams = fields.flag("stream", false);
        with_usage_ = fields.object("stream_options").flag("include_usage", false);
        head_ = {service.new_id("chatcmpl-"), fields.text("model", service.options.name)};
        readings_ = Readings(submit_choices(service, task, n));
        for (int i = 0; i < n; ++i) choices_.push_back({Reply(conversation.reply)});
    }

    bool streams = false;

    /// The answer in one piece.
    Json whole(const Call& call) {
        readings_.wait(call, [&](size_t i, const Piece& piece, bool last) {
            add(choices_[i].all, read(i, piece, last));
            for (Json& one : chat_logprobs(service_.tokenizer, piece)) choices_[i].logprobs.push_back(std::move(one));
        });
        Json list = Json::array();
        for (size_t i = 0; i < choices_.size(); ++i) {
            const Delta& all = choices_[i].all;
            Json message = {{"role", "assistant"}, {"content", all.content}};
            if (!all.reasoning.empty()) message["reasoning_content"] = all.reasoning;
            for (const ToolCall& c : all.calls) message["tool_calls"].push_back(call_of(c, service_.new_id("call_")));
            if (!all.calls.empty() && all.content.empty()) message["content"] = nullptr;
            list.push_back({{"index", i},
                            {"message", std::move(message)},
                            {"logprobs", with_logprobs_ ? Json{{"content", choices_[i].logprobs}} : Json()},
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
            logprobs_ = with_logprobs_ && !piece.tokens.empty() ? Json{{"content", chat_logprobs(service_.tokenizer, piece)}} : Json();
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

    /// The first one with something to say takes the log-probabilities of what came along.
    std::string chunk(size_t index, Json delta, const char* reason, bool with_timings = false) {
        Json part = head_.object("chat.completion.chunk");
        part["choices"] = Json::array({{{"index", index},
                                        {"delta", std::move(delta)},
                                        {"logprobs", std::exchange(logprobs_, Json())},
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
        if (!logprobs_.is_null()) out += chunk(i, {{"content", ""}}, nullptr);  // of tokens that show nothing yet
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
    Json logprobs_;
    bool with_usage_ = false, with_logprobs_ = false, begun_ = false;
};

}  // namespace

Answer chat_completions(Service& service, const Call& call) {
    auto chat = std::make_shared<Chat>(service, call);
    if (chat->streams) return streamed(chat);
    return chat->whole(call);
}

}  // namespace rw::serve
