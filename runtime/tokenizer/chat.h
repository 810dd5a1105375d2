// Conversations as the family writes them: ChatML, with a switch for thinking in some models.
//
//     <|im_start|>system
//     ...<|im_end|>
//     <|im_start|>user
//     ...<|im_end|>
//     <|im_start|>assistant
//     ...
//
// A model's file brings its form as a program for a template engine. The program is not run: it is recognised by what it
// writes, and what is recognised is written here. What a file may vary is how the reply is begun, and whether blanks
// round a message are kept, how it tells of functions (tools_form.h), and what becomes of earlier thoughts; templates
// of another form are refused by name.
//
// What a reply thought, apart from its text or within it as <think>...</think>, is left out of the conversation where
// the template says so. Some write it as long as it belongs to what is being answered: of replies behind the user's
// last message, which are those that called functions. What stands between <tool_response> marks is no such message.
//
// Images and several system messages are not written.
#pragma once

#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/tools_form.h"

namespace rw::tokenizer {

enum class Role { system, user, assistant, tool };

/// A function that a reply called.
struct FunctionCall {
    std::string name;
    std::string arguments;  // JSON of an object
    std::vector<std::pair<std::string, std::string>> values{};  // its members: texts as they are, all else as JSON
};
struct Message {
    Role role;
    std::string text;  // of a tool: what the function returned
    std::vector<FunctionCall> calls{};
    std::optional<std::string> thought{};  // of a reply: what came before the text; none: it may stand in the text
};

enum class Thinking { by_default, on, off };

class ChatTemplate {
public:
    /// Of a file's metadata. Throws Error(not_found) when there is none, Error(unsupported) when it is not known.
    static ChatTemplate of(const gguf::Metadata& metadata);
    /// Of the template's text.
    explicit ChatTemplate(std::string_view text);

    /// The token that begins every message.
    static std::optional<Token> message_start(const Vocabulary& vocabulary);

    bool thinks(Thinking thinking = Thinking::by_default) const { return thinking == Thinking::by_default ? default_on_ : thinking == Thinking::on; }
    /// Whether a reply can be asked for with thinking on, or off.
    bool can(Thinking thinking) const { return thinks(thinking) ? can_[1] : can_[0]; }

    /// Whether it tells of functions, and in words that are understood.
    bool takes_tools() const { return tools_.has_value(); }
    /// How it does; none where it does not.
    const std::optional<ToolsForm>& tools_form() const { return tools_; }

    /// The conversation, ready for the reply. tools: the functions that may be called, each as JSON. Throws
    /// Error(invalid_argument) unless system, if there, is the first message and the last one is the user's or a function's;
    /// Error(unsupported) when the model cannot be switched as asked, or knows no functions.
    std::string format(const std::vector<Message>& messages, Thinking thinking = Thinking::by_default,
                       const std::vector<std::string>& tools = {}) const;
    /// The same as tokens. Only what the template itself writes becomes control tokens, whatever the messages say.
    std::vector<Token> encode(const Tokenizer& tokenizer, const std::vector<Message>& messages,
                              Thinking thinking = Thinking::by_default, const std::vector<std::string>& tools = {}) const;

private:
    struct Part {
        std::string text;
        bool ours;
    };
    std::vector<Part> parts(const std::vector<Message>& messages, Thinking thinking, const std::vector<std::string>& tools) const;
    static std::vector<Part> joined(const Vocabulary& vocabulary, const std::vector<Part>& parts);
    /// What a message says, and what it thought before where that is told apart.
    struct Said {
        std::string_view text, thought{};
    };
    Said said(const Message& message) const;
    size_t last_question(const std::vector<Message>& messages) const;
    void write_reply(const Message& message, bool recalled, std::vector<Part>& out) const;
    void write_tools(const Message* system, const std::vector<std::string>& tools, std::vector<Part>& out) const;
    void write_calls(const Message& message, bool says, std::vector<Part>& out) const;

    bool can_[2] = {true, false};  // without thinking, with it
    std::string begin_[2];         // of the reply
    bool default_on_ = false;
    std::optional<ToolsForm> tools_;
    bool trims_ = false;     // blanks round a message are not kept
    bool forgets_ = false;   // what a reply thought is left out once it is history
    bool recalls_ = false;   // but for replies behind the last question
    bool recalls_none_ = false;     // of these also that there was no thought
    bool knows_thoughts_ = false;   // that come apart from the text
    bool trims_thoughts_ = false;   // of all blanks, not of empty lines alone
};

}  // namespace rw::tokenizer
