// The demo model behind a service, without sockets.
#pragma once

#include <gtest/gtest.h>

#include <fstream>

#include "runtime/serve/fields.h"
#include "runtime/serve/service.h"
#include "runtime/spec/mtp_drafter.h"

namespace rw::test {

inline std::shared_ptr<const model::Model> demo_model() {
    static const auto model = std::make_shared<model::Model>(std::string(REWIND_MODELS) + "/rewind-demo-q8_0.gguf");
    return model;
}

/// The text of a chat template of tests/serve/templates.
inline std::string chat_template(const std::string& name) {
    std::ifstream file(std::string(REWIND_TEMPLATES) + "/" + name + ".jinja");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Fails when it is told to, in the middle of a round.
class Failing : public spec::MtpDrafter {
public:
    using spec::MtpDrafter::MtpDrafter;
    void draft(std::span<spec::DraftJob> jobs) override {
        if (fails.exchange(false)) throw Error(Status::internal, "told to fail");
        spec::MtpDrafter::draft(jobs);
    }
    std::atomic<bool> fails{false};
};

struct Behind {
    static model::Options shape(int slots) {
        model::Options o;
        o.pools.context = 512, o.pools.most_exact = 4, o.pools.sequences = slots;
        return o;
    }
    explicit Behind(serve::Engine::Limits limits = {.slots = 3, .waiting = 32}, serve::ServiceOptions options = {},
                    std::shared_ptr<core::Device> device = core::open("cpu"))
        : context(demo_model(), std::move(device), shape(limits.slots)), drafter(context),
          cache(context, {.budget = 32 << 20}),
          engine(context, &drafter, limits, &cache), service(context, engine, {{"mtp", &drafter}}, named(options)) {}

    static serve::ServiceOptions named(serve::ServiceOptions o) {
        o.name = "demo", o.n_max = 3, o.mode = "ring";
        return o;
    }

    serve::Answer ask(const std::string& path, const serve::Json& body, const std::string& query = "") {
        serve::Call call{.method = body.is_null() ? "GET" : "POST", .path = path, .body = body.is_null() ? "" : body.dump()};
        if (!query.empty()) call.query["action"] = query;
        return service.answer(call);
    }
    /// The body of an answer whose status is `status`.
    serve::Json json(const std::string& path, const serve::Json& body, int status = 200, const std::string& query = "") {
        const serve::Answer answer = ask(path, body, query);
        EXPECT_EQ(answer.status, status) << path << " " << body.dump() << ": " << answer.body;
        return serve::Json::parse(answer.body);
    }
    /// The events of a stream, but for the last, [DONE], which has to be there where `done` says so.
    std::vector<serve::Json> events(const std::string& path, serve::Json body, bool done = true) {
        body["stream"] = true;
        const serve::Answer answer = ask(path, body);
        EXPECT_TRUE(answer.pieces) << answer.body;
        std::string text;
        while (answer.pieces && answer.pieces->next(text)) {
        }
        std::vector<serve::Json> list;
        std::string last;
        for (size_t at = 0; at < text.size();) {
            const size_t end = text.find("\n\n", at);
            EXPECT_EQ(text.substr(at, 6), "data: ");
            last = text.substr(at + 6, end - at - 6);
            if (last != "[DONE]") list.push_back(serve::Json::parse(last));
            at = end + 2;
        }
        EXPECT_EQ(last == "[DONE]", done);
        return list;
    }

    model::Context context;
    Failing drafter;
    sequence::PrefixCache cache;
    serve::Engine engine;
    serve::Service service;
};

/// A question in OpenAI's form, answered greedily.
inline serve::Json question(const std::string& text, int tokens) {
    return {{"messages", serve::Json::array({{{"role", "user"}, {"content", text}}})}, {"max_tokens", tokens}, {"temperature", 0}};
}

}  // namespace rw::test
