// The text of a reply, while it comes, told apart: what the model thought, what it says, which functions it calls.
//
//     Reply reply({.thinking = true, .tools = tools});
//     for (...) use(reply.push(text));
//     use(reply.finish());
//
// What may still turn out to be a mark (<think>, </think>, <tool_call>) is kept back, and a call until it is whole. A call
// that cannot be read is text, and a call within it is a call.
#pragma once

#include <memory>

#include "runtime/serve/tool_calls.h"

namespace rw::serve {

struct Delta {
    std::string content, reasoning;
    std::vector<ToolCall> calls;
    bool empty() const { return content.empty() && reasoning.empty() && calls.empty(); }
};

class Reply {
public:
    struct Form {
        bool thinking = false;  // the prompt has begun a thought already
        bool apart = true;      // thoughts are told apart
        Tools tools{};          // none: calls are text
    };
    explicit Reply(Form form)
        : form_(std::make_shared<const Form>(std::move(form))), thinking_(form_->thinking && form_->apart) {}

    Delta push(std::string_view text);
    Delta finish();
    /// Whether a function has been called.
    bool called() const { return called_; }

private:
    bool walk(Delta& delta, bool last);
    bool think(Delta& delta, bool last);
    bool say(Delta& delta, bool last);
    void skip_newlines();

    std::shared_ptr<const Form> form_;  // copies, as one for each step of a text, are cheap
    bool thinking_, begun_ = false, skips_ = false, called_ = false;
    std::string text_;  // not told apart yet
};

}  // namespace rw::serve
