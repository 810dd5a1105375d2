#include "runtime/tokenizer/chat.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/gguf/text.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::tokenizer {
namespace {

constexpr char key[] = "tokenizer.chat_template", starts[] = "<|im_start|>", ends[] = "<|im_end|>";
constexpr char thought[] = "<think>\n", no_thought[] = "<think>\n\n</think>\n\n", thought_end[] = "</think>";

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

const char* name_of(Role role) { return role == Role::system ? "system" : role == Role::user ? "user" : "assistant"; }

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
}

std::string ChatTemplate::body(const Message& message) const {
    std::string_view text = trims_ ? trimmed(message.text) : message.text;
    if (message.role == Role::assistant && forgets_)
        if (const size_t end = text.rfind(thought_end); end != text.npos) {
            text.remove_prefix(end + sizeof thought_end - 1);
            text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
        }
    return fmt::format("{}\n{}", name_of(message.role), text);
}

std::vector<ChatTemplate::Part> ChatTemplate::parts(const std::vector<Message>& messages, Thinking thinking) const {
    const bool on = thinks(thinking);
    if (!can_[on]) throw Error(Status::unsupported, fmt::format("thinking cannot be turned {} in this model", on ? "on" : "off"));
    if (messages.empty() || messages.back().role != Role::user)
        throw Error(Status::invalid_argument, "a conversation ends with a message of the user");
    std::vector<Part> out;
    std::string between = starts;
    for (const Message& message : messages) {
        if (message.role == Role::system && &message != &messages.front())
            throw Error(Status::invalid_argument, "a message of the system is the first one of a conversation");
        out.push_back({between, true});
        out.push_back({body(message), false});
        between = fmt::format("{}\n{}", ends, starts);
    }
    out.push_back({fmt::format("{}assistant\n{}", between, begin_[on]), true});
    return out;
}

std::string ChatTemplate::format(const std::vector<Message>& messages, Thinking thinking) const {
    std::string out;
    for (const Part& part : parts(messages, thinking)) out += part.text;
    return out;
}

std::vector<Token> ChatTemplate::encode(const Tokenizer& tokenizer, const std::vector<Message>& messages, Thinking thinking) const {
    for (const char* mark : {starts, ends})
        if (!tokenizer.vocabulary().control(mark))
            throw Error(Status::unsupported, fmt::format("the vocabulary has no control token {}", mark));
    std::vector<Token> out;
    for (const Part& part : parts(messages, thinking)) {
        const auto tokens = tokenizer.encode(part.text, {.control = part.ours});
        out.insert(out.end(), tokens.begin(), tokens.end());
    }
    return out;
}

}  // namespace rw::tokenizer
