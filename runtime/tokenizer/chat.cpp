#include "runtime/tokenizer/chat.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/gguf/text.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::tokenizer {
namespace {

constexpr char key[] = "tokenizer.chat_template", starts[] = "<|im_start|>", ends[] = "<|im_end|>";
constexpr char thought[] = "<think>\n", no_thought[] = "<think>\n\n</think>\n\n";
constexpr std::string_view thought_start = "<think>", thought_end = "</think>";

bool has(std::string_view text, std::string_view what) { return text.find(what) != text.npos; }

/// Forms that are met but not written here, by a mark that only they have.
const char* stranger(std::string_view text) {
    constexpr struct {
        const char *mark, *name;
    } table[] = {{"<|start_header_id|>", "Llama 3"}, {"[INST]", "Llama 2 or Mistral"}, {"<start_of_turn>", "Gemma"},
                 {"<|start|>", "Harmony"},           {"<|assistant|>", "Phi or GLM"},   {"\xef\xbd\x9c" "Assistant", "DeepSeek"}};
    for (const auto& row : table)
        if (has(text, row.mark)) return row.name;
    return nullptr;
}

[[noreturn]] void refuse(std::string_view text, const char* why) {
    const char* name = stranger(text);
    throw Error(Status::unsupported, fmt::format("chat template {}{}: {}; the forms of ChatML that Qwen models use are known",
                                                 gguf::printable(text, 48), name ? fmt::format(" (of {})", name) : "", why));
}

std::string_view trimmed(std::string_view text) {
    size_t begin = text.size(), end = 0;
    for (size_t at = 0; at < text.size();) {
        const Character c = character_at(text, at);
        if (c.kind != Kind::space && c.kind != Kind::newline) begin = std::min(begin, at), end = at + c.bytes;
        at += c.bytes;
    }
    return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

std::string_view without_empty_lines(std::string_view text) {
    const size_t begin = text.find_first_not_of('\n');
    return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of('\n') + 1 - begin);
}

std::string_view from_first_line(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of('\n'), text.size()));
}

const char* name_of(Role role) { return role == Role::system ? "system" : "user"; }  // replies are written apart

}  // namespace

std::optional<Token> ChatTemplate::message_start(const Vocabulary& vocabulary) { return vocabulary.control(starts); }

ChatTemplate ChatTemplate::of(const gguf::Metadata& metadata) {
    if (!metadata.has(key)) throw Error(Status::not_found, fmt::format("key '{}' is missing: the model takes plain text only", key));
    return ChatTemplate(metadata.get<std::string_view>(key));
}

/// The reply's beginning is what the template writes after its last `add_generation_prompt`.
ChatTemplate::ChatTemplate(std::string_view text) {
    if (!has(text, starts) || !has(text, ends)) refuse(text, "it does not write <|im_start|> and <|im_end|>");
    const size_t at = text.rfind("add_generation_prompt");
    const std::string_view tail = text.substr(at == text.npos ? text.size() : at);
    if (!has(tail, std::string(starts) + "assistant")) refuse(text, "it does not begin a reply with <|im_start|>assistant");
    const auto writes = [&](std::string_view what) { return has(tail, std::string(what) + "'") || has(tail, std::string(what) + "\""); };
    const bool opens = writes("<think>\\n"), closes = writes("<think>\\n\\n</think>\\n\\n");
    const bool on = has(tail, "enable_thinking is true"), off = has(tail, "enable_thinking is false");
    const bool switched = has(tail, "enable_thinking");
    if (has(tail, "<think>") != (opens || closes)) refuse(text, "what it writes round thinking is not known");
    if (switched ? on == off || !closes : closes) refuse(text, "its switch for thinking is not known");
    can_[0] = switched || !opens;
    can_[1] = switched || opens;
    if (opens) begin_[1] = thought;
    if (closes) begin_[0] = no_thought;
    default_on_ = switched ? off : opens;
    trims_ = has(text, "|trim") || has(text, "| trim");
    forgets_ = has(text, thought_end);
    knows_thoughts_ = has(text, "reasoning_content");
    trims_thoughts_ = has(text, "reasoning_content|trim") || has(text, "reasoning_content | trim");
    if (const size_t rule = text.find("> ns.last_query_index"); rule != text.npos && knows_thoughts_) {
        recalls_ = true;  // what is asked between the rule and what it writes: whether there was a thought
        recalls_none_ = !has(text.substr(rule, text.find(thought_start, rule) - rule), "reasoning_content");
    }
    tools_ = ToolsForm::of(text);
}

ChatTemplate::Said ChatTemplate::said(const Message& message) const {
    Said said{trims_ ? trimmed(message.text) : message.text};
    if (message.role != Role::assistant || !forgets_) return said;
    if (message.thought && knows_thoughts_) {
        said.thought = *message.thought;
    } else if (const size_t end = said.text.find(thought_end); end != said.text.npos) {
        said.thought = said.text.substr(0, end);
        if (const size_t start = said.thought.rfind(thought_start); start != said.thought.npos)
            said.thought.remove_prefix(start + thought_start.size());
        said.text = from_first_line(said.text.substr(said.text.rfind(thought_end) + thought_end.size()));
    }
    said.thought = trims_thoughts_ ? trimmed(said.thought) : without_empty_lines(said.thought);
    return said;
}

/// Behind the last message when nobody has asked anything.
size_t ChatTemplate::last_question(const std::vector<Message>& messages) const {
    for (size_t i = messages.size(); i-- > 0;) {
        if (messages[i].role != Role::user) continue;
        const std::string_view text = said(messages[i]).text;
        if (!text.starts_with("<tool_response>") || !text.ends_with("</tool_response>")) return i;
    }
    return messages.size();
}

void ChatTemplate::write_tools(const Message* system, const std::vector<std::string>& tools, std::vector<Part>& out) const {
    const std::string_view says = system ? said(*system).text : std::string_view();
    using What = ToolsForm::What;
    const auto write = [&](const ToolsForm::Item& item, const std::string& tool) {
        if (item.with_system && says.empty()) return;
        if (item.what == What::text) out.push_back({item.text, true});
        else out.push_back({item.what == What::system ? std::string(says) : tool, false});
    };
    const auto& items = tools_->items;
    for (size_t i = 0; i < items.size();) {
        if (!items[i].each) {
            write(items[i++], "");
            continue;
        }
        size_t end = i;
        while (end < items.size() && items[end].each) ++end;
        for (const std::string& tool : tools)
            for (size_t k = i; k < end; ++k) write(items[k], tool);
        i = end;
    }
}

void ChatTemplate::write_calls(const Message& message, bool says, std::vector<Part>& out) const {
    if (message.calls.empty()) return;
    std::string before = says ? tools_->apart ? "\n\n" : "\n" : "";
    for (const FunctionCall& call : message.calls) {
        if (tools_->marks) {
            out.push_back({before + "<tool_call>\n<function=", true});
            out.push_back({call.name, false});
            out.push_back({">\n", true});
            for (const auto& [name, value] : call.values) {
                out.push_back({"<parameter=", true}), out.push_back({name, false}), out.push_back({">\n", true});
                out.push_back({value, false}), out.push_back({"\n</parameter>\n", true});
            }
            out.push_back({"</function>\n</tool_call>", true});
        } else {
            out.push_back({before + "<tool_call>\n{\"name\": \"", true}), out.push_back({call.name, false});
            out.push_back({"\", \"arguments\": ", true}), out.push_back({call.arguments, false});
            out.push_back({"}\n</tool_call>", true});
        }
        before = "\n";
    }
}

void ChatTemplate::write_reply(const Message& message, bool recalled, std::vector<Part>& out) const {
    const auto [text, thought] = said(message);
    if (recalled && (recalls_none_ || !thought.empty())) {
        out.push_back({"assistant\n<think>\n", true}), out.push_back({std::string(thought), false});
        out.push_back({"\n</think>\n\n", true}), out.push_back({std::string(from_first_line(text)), false});
    } else {
        out.push_back({fmt::format("assistant\n{}", text), false});
    }
    write_calls(message, !text.empty(), out);
}

std::vector<ChatTemplate::Part> ChatTemplate::parts(const std::vector<Message>& messages, Thinking thinking,
                                                    const std::vector<std::string>& tools) const {
    const bool on = thinks(thinking);
    if (!can_[on]) throw Error(Status::unsupported, fmt::format("thinking cannot be turned {} in this model", on ? "on" : "off"));
    if (messages.empty() || (messages.back().role != Role::user && messages.back().role != Role::tool))
        throw Error(Status::invalid_argument, "a conversation ends with a message of the user");
    std::vector<Part> out;
    const bool uses = !tools.empty() || std::any_of(messages.begin(), messages.end(), [](const Message& m) {
        return m.role == Role::tool || !m.calls.empty();
    });
    if (uses && !tools_) throw Error(Status::unsupported, "the model's template knows no functions, or tells of them in an unknown way");
    if (!tools.empty()) write_tools(messages.front().role == Role::system ? &messages.front() : nullptr, tools, out);
    const size_t question = recalls_ ? last_question(messages) : messages.size();
    for (size_t i = 0; i < messages.size(); ++i) {
        const Message& message = messages[i];
        if (message.role == Role::system && i > 0)
            throw Error(Status::invalid_argument, "a message of the system is the first one of a conversation");
        if (message.role == Role::system && !tools.empty()) continue;  // it is written already
        if (message.role == Role::tool) {  // results that follow one another are one message of the user
            const bool first = i == 0 || messages[i - 1].role != Role::tool;
            const bool last = i + 1 == messages.size() || messages[i + 1].role != Role::tool;
            out.push_back({fmt::format("{}\n<tool_response>\n", first ? fmt::format("{}user", starts) : ""), true});
            out.push_back({std::string(said(message).text), false});
            out.push_back({fmt::format("\n</tool_response>{}", last ? fmt::format("{}\n", ends) : ""), true});
            continue;
        }
        out.push_back({starts, true});
        if (message.role == Role::assistant) write_reply(message, i > question, out);
        else out.push_back({fmt::format("{}\n{}", name_of(message.role), said(message).text), false});
        out.push_back({fmt::format("{}\n", ends), true});
    }
    out.push_back({fmt::format("{}assistant\n{}", starts, begin_[on]), true});
    return out;
}

std::string ChatTemplate::format(const std::vector<Message>& messages, Thinking thinking,
                                 const std::vector<std::string>& tools) const {
    std::string out;
    for (const Part& part : parts(messages, thinking, tools)) out += part.text;
    return out;
}

/// Where one part's text meets another's, tokens may reach over both: of what the template writes only the control tokens
/// stand for themselves.
std::vector<ChatTemplate::Part> ChatTemplate::joined(const Vocabulary& vocabulary, const std::vector<Part>& parts) {
    std::vector<std::string_view> marks;
    for (const char* mark : {starts, ends, "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"})
        if (vocabulary.control(mark)) marks.push_back(mark);
    std::vector<Part> out;
    const auto plain = [&](std::string_view text) {
        if (text.empty()) return;
        if (out.empty() || out.back().ours) out.push_back({"", false});
        out.back().text += text;
    };
    for (const Part& part : parts) {
        std::string_view text = part.text;
        while (part.ours && !text.empty()) {
            size_t at = text.npos;
            std::string_view first;
            for (const std::string_view mark : marks)
                if (const size_t found = text.find(mark); found < at) at = found, first = mark;
            plain(text.substr(0, at));
            if (at == text.npos) break;
            out.push_back({std::string(first), true});
            text.remove_prefix(at + first.size());
        }
        if (!part.ours) plain(text);
    }
    return out;
}

std::vector<Token> ChatTemplate::encode(const Tokenizer& tokenizer, const std::vector<Message>& messages, Thinking thinking,
                                        const std::vector<std::string>& tools) const {
    for (const char* mark : {starts, ends})
        if (!tokenizer.vocabulary().control(mark))
            throw Error(Status::unsupported, fmt::format("the vocabulary has no control token {}", mark));
    std::vector<Token> out;
    for (const Part& part : joined(tokenizer.vocabulary(), parts(messages, thinking, tools))) {
        const auto tokens = tokenizer.encode(part.text, {.control = part.ours});
        out.insert(out.end(), tokens.begin(), tokens.end());
    }
    return out;
}

}  // namespace rw::tokenizer
