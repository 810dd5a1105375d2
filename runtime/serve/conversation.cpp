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

Message message_of(const Fields& fields) {
    const std::string role = fields.choice("role", "", {"system", "developer", "user", "assistant"});
    if (role.empty()) fields.fail("role", "system, developer, user or assistant");
    if (!fields.has("content")) fields.fail("content", "a text");
    const Role as = role == "user" ? Role::user : role == "assistant" ? Role::assistant : Role::system;
    return {as, content_of(fields)};
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
    c.reply.thinking = form.thinks(c.thinking);
    try {
        c.text = form.format(c.messages, c.thinking);
        c.prompt = form.encode(service.tokenizer, c.messages, c.thinking);
    } catch (const Error& e) {
        throw bad("messages", e.what());
    }
    return c;
}

}  // namespace rw::serve
