#include "runtime/serve/service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ctime>
#include <random>

#include "runtime/clock.h"

namespace rw::serve {
namespace {

/// A path that ends in a slash has one more part behind it, the call's tail.
struct Route {
    const char* method;
    std::string_view path;
    Answer (*answer)(Service&, const Call&);

    bool takes(const std::string& asked) const {
        if (!path.ends_with('/')) return asked == path;
        return asked.size() > path.size() && asked.starts_with(path) && asked.find('/', path.size()) == asked.npos;
    }
};

constexpr Route routes[] = {
    {"POST", "/v1/chat/completions", chat_completions},
    {"POST", "/v1/completions", completions},
    {"POST", "/completion", native_completion},
    {"POST", "/v1/embeddings", embeddings},
    {"GET", "/v1/models", models},
    {"GET", "/v1/models/", model},
    {"GET", "/props", props},
    {"GET", "/health", health},
    {"GET", "/metrics", metrics},
    {"GET", "/slots", slots},
    {"POST", "/slots/", slot_action},
    {"POST", "/tokenize", tokenize},
    {"POST", "/detokenize", detokenize},
    {"POST", "/apply-template", apply_template},
};

}  // namespace

Service::Service(const model::Context& of, Engine& runs, Drafters who, ServiceOptions how)
    : context(of), engine(runs), drafters(std::move(who)), options(std::move(how)), tokenizer(of.model().file()),
      grammars(tokenizer),
      started(seconds_now()), started_at(std::time(nullptr)),
      device(fmt::format("{} ({})", of.device().info().id, of.device().info().name)), next_id_(std::random_device{}()) {
    if (!options.chat_template.empty()) {
        chat_.emplace(options.chat_template);
        return;
    }
    try {
        chat_.emplace(tokenizer::ChatTemplate::of(of.model().file().metadata()));
    } catch (const Error& e) {
        chat_refusal_ = e.what();
    }
}

Service::~Service() { engine.close(0); }

const tokenizer::ChatTemplate& Service::chat() const {
    if (!chat_) throw Problem(400, "this model takes no conversations: " + chat_refusal_);
    return *chat_;
}

std::string Service::new_id(const char* prefix) {
    uint64_t x = ++next_id_ * 0x9e3779b97f4a7c15u;  // ids that follow one another should not look alike
    x ^= x >> 32;
    return fmt::format("{}{:016x}", prefix, x * 0xd6e8feb86659fd93u);
}

std::vector<std::string> Service::methods(const std::string& path) {
    std::vector<std::string> list;
    for (const Route& route : routes)
        if (route.takes(path)) list.push_back(route.method);
    return list;
}

Answer Service::answer(const Call& call) {
    try {
        for (const Route& route : routes) {
            if (!route.takes(call.path) || call.method != route.method) continue;
            if (!route.path.ends_with('/')) return route.answer(*this, call);
            Call with_tail = call;
            with_tail.tail = call.path.substr(route.path.size());
            return route.answer(*this, with_tail);
        }
        const std::vector<std::string> known = methods(call.path);
        if (known.empty()) throw Problem(404, "there is no " + call.path, "invalid_request_error", "", "not_found");
        throw Problem(405, fmt::format("{} takes {}, not {}", call.path, fmt::join(known, " and "), call.method),
                      "invalid_request_error", "", "method_not_allowed");
    } catch (const std::exception& e) {
        return problem_of(e);
    }
}

}  // namespace rw::serve
