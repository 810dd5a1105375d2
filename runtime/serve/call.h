// A request and its answer as the endpoints see them: no sockets here, so that tests need none.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "runtime/serve/problem.h"

namespace rw::serve {

/// How long one waits for news before looking whether the client is still there.
constexpr std::chrono::milliseconds patience{100};

struct Call {
    std::string method, path, body;
    std::string tail{};  // of a path that ends in a name or number: /slots/0
    std::map<std::string, std::string> query{};
    std::function<bool()> gone = [] { return false; };  // whether the client has closed its connection
};

/// An answer in pieces. Destroyed, it ends what it was about: also in the middle, when the client has left.
class Pieces {
public:
    virtual ~Pieces() = default;
    /// Appends what there is, perhaps nothing, within `patience` or so; false when that was the end.
    virtual bool next(std::string& out) = 0;
};

struct Answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    std::shared_ptr<Pieces> pieces{};  // instead of the body
    int retry_after = 0;

    Answer(const Json& json) : body(dumped(json)) {}
    Answer(const Problem& problem)
        : status(problem.status), body(dumped(body_of(problem))), retry_after(problem.retry_after) {}
    Answer(std::string text, std::string of_type) : body(std::move(text)), type(std::move(of_type)) {}
    /// A stream of server-sent events.
    Answer(std::shared_ptr<Pieces> events) : type("text/event-stream"), pieces(std::move(events)) {}
};

/// One server-sent event.
inline std::string event(const Json& json) { return "data: " + dumped(json) + "\n\n"; }
inline const char* last_event() { return "data: [DONE]\n\n"; }

/// What `source.next(out)` gives, as a stream. What it throws becomes the last event: the answer's status has gone out.
template <class Source>
Answer streamed(std::shared_ptr<Source> source) {
    class Events : public Pieces {
    public:
        explicit Events(std::shared_ptr<Source> of) : source_(std::move(of)) {}
        bool next(std::string& out) override {
            try {
                return source_->next(out);
            } catch (const std::exception& e) {
                out += event(body_of(problem_of(e)));
                return false;
            }
        }

    private:
        std::shared_ptr<Source> source_;
    };
    return Answer(std::shared_ptr<Pieces>(std::make_shared<Events>(std::move(source))));
}

}  // namespace rw::serve
