#include "runtime/serve/conversation.h"

#include <fmt/format.h>

namespace rw::serve {
namespace {

using tokenizer::Message;
using tokenizer::Role;
using tokenizer::Thinking;

/// A text, or parts of type "text".
std::string content_of(const Fields& message) {
    const Json* content = message.find("content");
    if (!content) return "";
    if (content->is_string()) return content->get<std::string>();
    if (!content->is_array()) message.fail("content", "a text or a list of parts");
    std::string text;
    for (size_t i = 0; i < content->size(); ++i) {
        const std::string where = fmt::format("{}[{}]", message.path("content"), i);
        if (!(*content)[i].is_object()) throw bad(where, where + " is not an object");
        const Fields part((*content)[i], where);
        const std::string type = part.text("type", "text");
        if (type != "text") throw bad(part.path("type"), fmt::format("{}: this server reads text alone", part.path("type")));
        if (!part.has("text")) part.fail("text", "a text");
        text += part.text("text", "", size_t(-1));
    }
    return text;
}

tokenizer::FunctionCall call_of(const Fields& fields) {
    const Fields function = fields.object("function");
    tokenizer::FunctionCall call{.name = function.text("name", "")};
    if (call.name.empty()) function.fail("name", "a function's name");
    const Json* arguments = function.find("arguments");
    Json object = !arguments ? Json::object() : *arguments;
    try {
        if (object.is_string()) object = bounded(object.get<std::string>());
    } catch (const Problem&) {
        object = nullptr;
    }
    if (!object.is_object()) function.fail("arguments", "JSON of an object, not too deep,");
    call.arguments = spaced(object);
    for (const auto& [name, value] : object.items())
        call.values.emplace_back(name, value.is_string() ? value.get<std::string>() : spaced(value));
    return call;
}

Message message_of(const Fields& fields) {
    const std::string role = fields.choice("role", "", {"system", "developer", "user", "assistant", "tool"});
    if (role.empty()) fields.fail("role", "system, developer, user, assistant or tool");
    const Json* calls = role == "assistant" ? fields.list("tool_calls", 256) : nullptr;
    std::optional<std::string> thought;
    if (role == "assistant" && fields.has("reasoning_content"))
        thought = fields.text("reasoning_content", "", size_t(-1));
    const bool thinks = thought && !thought->empty();
    if (!fields.has("content") && (!calls || calls->empty()) && !thinks) fields.fail("content", "a text");
    Message message{.role = role == "user"        ? Role::user
                            : role == "assistant" ? Role::assistant
                            : role == "tool"      ? Role::tool
                                                  : Role::system,
                    .text = content_of(fields),
                    .thought = std::move(thought)};
    for (size_t i = 0; calls && i < calls->size(); ++i)
        message.calls.push_back(call_of(Fields((*calls)[i], fmt::format("{}[{}]", fields.path("tool_calls"), i))));
    return message;
}

}  // namespace

Conversation read_conversation(const Fields& fields, const Service& service) {
    const tokenizer::ChatTemplate& form = service.chat();
    Conversation c;
    const Json* messages = fields.list("messages", 4096);
    if (!messages || messages->empty()) fields.fail("messages", "a list of messages");
    for (size_t i = 0; i < messages->size(); ++i) {
        const std::string where = fmt::format("messages[{}]", i);
        if (!(*messages)[i].is_object()) throw bad(where, where + " is not an object");
        c.messages.push_back(message_of(Fields((*messages)[i], where)));
    }
    const Fields how = fields.object("chat_template_kwargs");
    if (how.has("enable_thinking")) c.thinking = how.flag("enable_thinking", false) ? Thinking::on : Thinking::off;
    const std::string apart = fields.choice("reasoning_format", "auto", {"auto", "none", "deepseek"});
    c.reply.apart = apart != "none";
    c.may_think = form.thinks(c.thinking);
    c.choice = read_tools(fields);
    c.reply.tools = c.choice.tools;
    std::vector<std::string> tools;
    for (const Json& tool : c.reply.tools) tools.push_back(spaced(tool));
    if (!tools.empty() && !form.takes_tools())
        throw bad("tools", "the model's template knows no functions, or tells of them in an unknown way");
    try {
        c.text = form.format(c.messages, c.thinking, tools);
        c.prompt = form.encode(service.tokenizer, c.messages, c.thinking, tools);
    } catch (const Error& e) {
        throw bad("messages", e.what());
    }
    c.reply.thinking = c.text.ends_with("<think>\n");
    return c;
}

}  // namespace rw::serve
