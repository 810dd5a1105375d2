// The endpoints, without sockets: what a client gets for what it sends.
#include "tests/serve/service_fixture.h"

namespace rw::test {
namespace {

using serve::Json;

const std::string chat = "/v1/chat/completions";

TEST(Service, ConversationsWholeAndInPieces) {
    Behind b;
    const Json whole = b.json(chat, question("Who is Isabella?", 24));
    const std::string text = whole["choices"][0]["message"]["content"];
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(whole["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(whole["usage"]["completion_tokens"], 24);
    EXPECT_EQ(whole["timings"]["predicted_n"], 24);
    EXPECT_GT(whole["timings"]["draft_n"], 0);
    EXPECT_LE(whole["timings"]["draft_n_accepted"], whole["timings"]["draft_n"]);
    Json asked = question("Who is Isabella?", 24);
    asked["stream_options"] = {{"include_usage", true}};
    std::string streamed;
    const auto events = b.events(chat, asked);
    for (const Json& e : events)
        if (!e["choices"].empty()) streamed += e["choices"][0]["delta"].value("content", "");
    EXPECT_EQ(streamed, text);
    EXPECT_EQ(events.front()["choices"][0]["delta"]["role"], "assistant");
    EXPECT_EQ(events[events.size() - 2]["choices"][0]["finish_reason"], "length");
    EXPECT_TRUE(events.back()["choices"].empty());
    EXPECT_EQ(events.back()["usage"]["total_tokens"], whole["usage"]["total_tokens"]);
    EXPECT_TRUE(events.back().contains("timings"));
}

TEST(Service, DraftsChangeNoText) {
    Behind b;
    for (const double temperature : {0.0, 0.8}) {
        Json asked = question("Tell me of the war.", 40);
        asked["temperature"] = temperature, asked["seed"] = 7, asked["frequency_penalty"] = 0.4, asked["n"] = 2;
        asked["speculative"] = {{"n_max", 0}};
        const Json plain = b.json(chat, asked);
        EXPECT_EQ(plain["timings"]["draft_n"], 0);
        for (const char* type : {"mtp", "none"})
            for (const int n_max : {1, 3}) {
                asked["speculative"] = {{"n_max", n_max}, {"type", type}};
                const Json drafted = b.json(chat, asked);
                for (size_t i = 0; i < 2; ++i) EXPECT_EQ(drafted["choices"][i]["message"], plain["choices"][i]["message"]);
                EXPECT_EQ(drafted["timings"]["draft_n"] > 0, std::string(type) == "mtp");
            }
        EXPECT_EQ(plain["choices"][0]["message"] == plain["choices"][1]["message"], temperature == 0);
    }
}

TEST(Service, DraftsThatEndWhereTheNextDoesNotPay) {
    serve::ServiceOptions automatic;
    automatic.p_min = spec::p_auto;
    Behind b({.slots = 3, .waiting = 32}, automatic);
    Json asked{{"prompt", "And it came to pass"}, {"n_predict", 40}, {"temperature", 0}};
    const Json by_default = b.json("/completion", asked);
    EXPECT_EQ(by_default["generation_settings"]["speculative.p_min"], "auto");
    EXPECT_EQ(b.json("/props", nullptr)["default_generation_settings"]["speculative.p_min"], "auto");
    for (const Json& p : {Json("auto"), Json(0), Json(0.5)}) {
        asked["speculative"] = {{"n_max", 3}, {"p_min", p}};
        const Json answer = b.json("/completion", asked);
        EXPECT_EQ(answer["content"], by_default["content"]);
        EXPECT_EQ(answer["generation_settings"]["speculative.p_min"], p.is_number_integer() ? Json(0.0) : p);
    }
}

TEST(Service, WhatPenaltiesLookAt) {
    Behind b;
    // A prompt of what the model says next: presence is the answer's own in OpenAI's form, and the prompt's too in the
    // other.
    const Json plain{{"prompt", "And the king of Judah said, and the king of Judah said, and the king"},
                     {"max_tokens", 1},
                     {"temperature", 0}};
    const auto first = [&](const char* path, const char* penalty, double value) {
        Json asked = plain;
        asked["n_predict"] = 1, asked["repeat_last_n"] = -1, asked[penalty] = value;
        const Json answer = b.json(path, asked);
        return answer.contains("choices") ? answer["choices"][0]["text"] : answer["content"];
    };
    const Json free = first("/v1/completions", "presence_penalty", 0);
    EXPECT_EQ(first("/completion", "presence_penalty", 0), free);
    EXPECT_EQ(first("/v1/completions", "presence_penalty", 2), free);
    EXPECT_EQ(first("/v1/completions", "frequency_penalty", 2), free);
    EXPECT_NE(first("/completion", "frequency_penalty", 2), free);
    EXPECT_NE(first("/v1/completions", "repeat_penalty", 100), free);
}

TEST(Service, TheSlotThatWasUsedLongestAgoIsTaken) {
    Behind b;
    const auto slot = [&](const char* prompt, int wanted = -1) {
        return b.json("/completion",
                      {{"prompt", prompt}, {"n_predict", 2}, {"temperature", 0}, {"id_slot", wanted}})["id_slot"];
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(slot("one"), i);  // those that keep nothing first
    EXPECT_EQ(slot("one", 0), 0);
    EXPECT_EQ(slot("two"), 1);
    EXPECT_EQ(slot("two"), 2);
    b.json("/slots/1", Json::object(), 200, "erase");
    EXPECT_EQ(slot("three"), 1);
    EXPECT_EQ(slot("three"), 0);
}

TEST(Service, DecodedTextIsGoneOnWithWhereThatIsAllowed) {
    Behind b;
    const auto answer = [&](const Json& prompt, Json more) {
        more.update({{"prompt", prompt}, {"n_predict", 12}, {"temperature", 0}, {"ignore_eos", true}, {"return_tokens", true}});
        return b.json("/completion", more);
    };
    const Json prompt = b.json("/tokenize", {{"content", "And it came to pass in those days"}})["tokens"];
    const Json other = b.json("/tokenize", {{"content", "And it was"}})["tokens"];
    const Json first = answer(prompt, Json::object());
    answer(other, Json::object());
    Json longer = prompt;
    for (const Json& token : first["tokens"]) longer.push_back(token);
    for (const Json& token : other) longer.push_back(token);
    const Json on = answer(longer, {{"cache_exact", false}});
    EXPECT_EQ(on["timings"]["cache_n"], int64_t(prompt.size()) + 11) << "of those that begin so the longest";
    EXPECT_EQ(on["id_slot"], first["id_slot"]);
    EXPECT_EQ(answer(longer, Json::object())["timings"]["cache_n"], 0) << "what was decoded is run again";
    EXPECT_EQ(answer({5, 6, 7}, {{"cache_exact", false}})["timings"]["cache_n"], 0);
}

TEST(Service, EngineAndServiceEndInAnyOrder) {
    Behind b;
    std::optional<serve::Service> other;
    std::shared_ptr<serve::Job> job;
    other.emplace(b.context, b.engine, serve::Service::Drafters{{"mtp", &b.drafter}}, Behind::named({}));
    serve::Task task;
    task.request.prompt = other->tokenizer.encode("And it came to pass"), task.request.most_tokens = 400;
    task.request.stops = sample::Stops({"nowhere in the text"}, [&](int32_t t) { return other->tokenizer.piece(t); });
    job = b.engine.submit(std::move(task));
    other.reset();
    serve::News news;
    while (!job->take(news, std::chrono::milliseconds(100))) {
    }
    EXPECT_TRUE(job->outcome().problem);
}

TEST(Service, StopStringsAndLogprobs) {
    Behind b;
    const std::string all = b.json(chat, question("Who is Isabella?", 24))["choices"][0]["message"]["content"];
    const std::string stop = all.substr(all.size() / 2, 5);
    Json asked = question("Who is Isabella?", 24);
    asked["stop"] = stop, asked["logprobs"] = true, asked["top_logprobs"] = 2;
    const Json cut = b.json(chat, asked);
    EXPECT_EQ(cut["choices"][0]["message"]["content"], all.substr(0, all.find(stop)));
    EXPECT_EQ(cut["choices"][0]["finish_reason"], "stop");
    const Json& logprobs = cut["choices"][0]["logprobs"]["content"];
    EXPECT_EQ(int64_t(logprobs.size()), cut["usage"]["completion_tokens"].get<int64_t>());
    for (const Json& one : logprobs) {
        EXPECT_LE(one["logprob"], 0);
        ASSERT_EQ(one["top_logprobs"].size(), 2u);
        EXPECT_EQ(one["top_logprobs"][0]["token"], one["token"]);  // greedy
    }
    size_t streamed = 0;
    std::string text;
    for (const Json& e : b.events(chat, asked)) {
        text += e["choices"][0]["delta"].value("content", "");
        if (!e["choices"][0]["logprobs"].is_null()) streamed += e["choices"][0]["logprobs"]["content"].size();
    }
    EXPECT_EQ(streamed, logprobs.size());
    EXPECT_EQ(text, all.substr(0, all.find(stop)));
}

TEST(Service, AnswersOfAForm) {
    Behind b;
    const Json schema = Json::parse(R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer"}},
                                        "required": ["name", "age"], "additionalProperties": false})");
    Json asked = question("Who is Isabella?", 64);
    asked["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "person"}, {"schema", schema}}}};
    for (const double temperature : {0.0, 1.0}) {
        asked["temperature"] = temperature, asked["seed"] = 5, asked["speculative"] = {{"n_max", 0}};
        const Json plain = b.json(chat, asked);
        asked["speculative"] = {{"n_max", 3}};
        EXPECT_EQ(b.json(chat, asked)["choices"], plain["choices"]);
        EXPECT_EQ(plain["choices"][0]["finish_reason"], "stop");
        const Json person = Json::parse(plain["choices"][0]["message"]["content"].get<std::string>());
        EXPECT_TRUE(person["name"].is_string() && person["age"].is_number_integer() && person.size() == 2) << person;
    }
    const Json word = b.json("/completion", {{"prompt", "Is it? "}, {"grammar", "root ::= \"yes\" | \"no\""}, {"n_predict", 9}});
    EXPECT_TRUE(word["content"] == "yes" || word["content"] == "no");
    EXPECT_EQ(word["stop_type"], "eos");
    Json bad = question("x", 4);
    bad["grammar"] = "root ::= other";
    EXPECT_EQ(b.json(chat, bad, 400)["error"]["param"], "grammar");
    bad["response_format"] = {{"type", "json_object"}};
    EXPECT_EQ(b.json(chat, bad, 400)["error"]["param"], "response_format");
    bad.erase("grammar");
    bad["response_format"] = {{"type", "xml"}};
    EXPECT_EQ(b.json(chat, bad, 400)["error"]["param"], "response_format.type");
    bad["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"schema", {{"type", "no such"}}}}}};
    b.json(chat, bad, 400);
}

TEST(Service, BarePrompts) {
    Behind b;
    const Json texts =
        b.json("/v1/completions",
               {{"prompt", {"And it came", "def main"}}, {"max_tokens", 12}, {"temperature", 0}, {"echo", true}});
    ASSERT_EQ(texts["choices"].size(), 2u);
    EXPECT_EQ(texts["choices"][1]["text"].get<std::string>().substr(0, 8), "def main");
    const Json told =
        b.json("/v1/completions", {{"prompt", "And it came"}, {"max_tokens", 12}, {"temperature", 0}, {"logprobs", 1}});
    EXPECT_EQ(told["choices"][0]["logprobs"]["tokens"].size(), 12u);
    EXPECT_EQ("And it came" + told["choices"][0]["text"].get<std::string>(), texts["choices"][0]["text"]);
    b.json("/v1/completions", {{"prompt", "x"}, {"echo", true}, {"logprobs", 0}}, 400);
    const Json tokens = b.json("/tokenize", {{"content", "And it came"}})["tokens"];
    const Json native = b.json("/completion", {{"prompt", tokens}, {"n_predict", 12}, {"temperature", 0}, {"return_tokens", true}});
    EXPECT_EQ("And it came" + native["content"].get<std::string>(), texts["choices"][0]["text"]);
    EXPECT_EQ(native["tokens"].size(), 12u);
    EXPECT_EQ(native["stop_type"], "limit");
    EXPECT_EQ(b.json("/detokenize", {{"tokens", native["tokens"]}})["content"], native["content"]);
    std::string streamed;
    const auto events = b.events("/completion", {{"prompt", {"And", " it", tokens.back()}}, {"n_predict", 12}, {"temperature", 0}}, false);
    for (const Json& e : events) streamed += e["content"].get<std::string>();
    EXPECT_EQ(streamed, native["content"]);
    EXPECT_EQ(events.back()["stop"], true);
}

TEST(Service, PromptsThatBeginAlikeAreRunOnce) {
    Behind b;
    std::string long_talk;
    for (int i = 0; i < 30; ++i) long_talk += "line " + std::to_string(i) + " of many. ";
    Json asked = question(long_talk, 8);
    const Json first = b.json(chat, asked);
    EXPECT_EQ(first["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    const Json again = b.json(chat, asked);
    EXPECT_GT(again["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    EXPECT_EQ(again["timings"]["cache_n"], again["usage"]["prompt_tokens_details"]["cached_tokens"]);
    EXPECT_EQ(again["choices"][0]["message"], first["choices"][0]["message"]);
}

TEST(Service, Embeddings) {
    Behind b;
    const Json two = b.json("/v1/embeddings", {{"input", {"a king", "And it came to pass"}}});
    ASSERT_EQ(two["data"].size(), 2u);
    const Json& row = two["data"][1]["embedding"];
    EXPECT_EQ(row.size(), b.context.geometry().width);
    double norm = 0;
    for (const double x : row) norm += x * x;
    EXPECT_NEAR(norm, 1, 1e-5);
    EXPECT_EQ(b.json("/v1/embeddings", {{"input", "And it came to pass"}})["data"][0]["embedding"], row);
    b.engine.between([&](serve::Engine::Inside& inside) {  // the MTP block took no part
        for (const serve::Slot& slot : inside.slots) EXPECT_FALSE(slot.kept && slot.kept->state.mtp_ready());
    });
    const std::string packed = b.json("/v1/embeddings", {{"input", "x"}, {"encoding_format", "base64"}})["data"][0]["embedding"];
    EXPECT_EQ(packed.size(), (row.size() * 4 + 2) / 3 * 4);
}

TEST(Service, EmbeddingsHaveOneTimeLimit) {
    serve::ServiceOptions hurried;
    hurried.seconds = 2;
    Behind b({.slots = 3, .waiting = 32}, hurried);
    std::atomic<bool> over = false;
    const auto hold = [&] {  // each text waits for the engine, but none as long as that
        while (!over)
            b.engine.between(
                [](serve::Engine::Inside&) { std::this_thread::sleep_for(std::chrono::milliseconds(50)); });
    };
    std::thread one(hold), another(hold);
    const Json problem = b.json("/v1/embeddings", {{"input", std::vector<std::string>(256, "a king")}}, 503)["error"];
    over = true;
    one.join(), another.join();
    EXPECT_EQ(problem["code"], "timeout");
    EXPECT_EQ(b.json("/v1/embeddings", {{"input", "a king"}})["data"].size(), 1u);
}

TEST(Service, BadFieldsAreNamed) {
    Behind b;
    const auto refused = [&](const char* field, Json value, const std::string& path = chat) {
        Json body = question("x", 4);
        body["prompt"] = "x";
        body[field] = std::move(value);
        EXPECT_EQ(b.json(path, body, 400)["error"]["param"], field);
    };
    refused("temperature", -1), refused("temperature", 2.1), refused("temperature", "warm"), refused("top_p", 0);
    refused("top_p", 1.5), refused("top_k", 1.5), refused("min_p", -0.1), refused("n", 0), refused("n", 1000);
    refused("max_tokens", "many"), refused("max_completion_tokens", 0), refused("max_tokens", 0), refused("speculative.n_max", -1), refused("max_tokens", 1e18), refused("seed", "x");
    refused("stop", 7), refused("stop", Json::array({""})), refused("presence_penalty", 3), refused("frequency_penalty", Json::array());
    refused("logit_bias", {{"99999999", 1}}), refused("logit_bias", {{"5", 101}}), refused("logit_bias", {{"x", 1}});
    refused("top_logprobs", 3), refused("stream", "yes"), refused("stream_options", 1), refused("speculative.n_max", 17);
    refused("speculative.p_min", 2), refused("speculative.p_min", "some"), refused("speculative.type", "magic"),
        refused("messages", Json::array());
    refused("messages", "hi"), refused("mirostat", 1), refused("reasoning_budget", -2), refused("typical_p", 0), refused("repeat_penalty", 0);
    refused("dry_multiplier", -1), refused("prompt", Json::array(), "/completion");
    refused("prompt", 5, "/completion"), refused("id_slot", 3, "/completion"), refused("n_predict", -2, "/completion");
    refused("n_probs", 100, "/completion"), refused("best_of", 3, "/v1/completions"), refused("suffix", "x", "/v1/completions");
    EXPECT_EQ(b.json("/completion", {{"prompt", Json::array({-1})}}, 400)["error"]["param"], "prompt[0]");
    EXPECT_EQ(b.json(chat, {{"messages", Json::array({{{"role", "king"}, {"content", "x"}}})}}, 400)["error"]["param"], "messages[0].role");
    EXPECT_EQ(b.json(chat, {{"messages", Json::array({{{"role", "user"}}})}}, 400)["error"]["param"], "messages[0].content");
    std::string endless;
    for (int i = 0; i < 2000; ++i) endless += " word";
    EXPECT_EQ(b.json(chat, question(endless, 4), 400)["error"]["code"], "context_length_exceeded");
    for (const auto& [path, field] : {std::pair("/v1/chat/completions", "messages"),
                                      {"/completion", "prompt"},
                                      {"/v1/completions", "prompt"},
                                      {"/v1/embeddings", "input"}}) {
        Json body = question(endless, 4);
        body["prompt"] = body["input"] = endless;
        EXPECT_EQ(b.json(path, body, 400)["error"]["param"], field) << path;
    }
    Json unknown = question("x", 2);
    unknown["no_such_field"] = 1;
    b.json(chat, unknown);
}

TEST(Service, WhatItIs) {
    Behind b;
    EXPECT_EQ(b.json("/health", nullptr)["status"], "ok");
    EXPECT_EQ(b.json("/v1/models", nullptr)["data"][0]["id"], "demo");
    EXPECT_EQ(b.json("/v1/models/demo", nullptr)["id"], "demo");
    b.json("/v1/models/other", nullptr, 404);
    EXPECT_EQ(b.json("/props", nullptr)["total_slots"], 3);
    EXPECT_EQ(b.json("/slots", nullptr).size(), 3u);
    EXPECT_EQ(b.json("/nothing", nullptr, 404)["error"]["code"], "not_found");
    EXPECT_EQ(b.json("/health", Json::object(), 405)["error"]["code"], "method_not_allowed");
    b.json(chat, question("x", 12));
    const std::string text = b.ask("/metrics", nullptr).body;
    for (const char* name : {"spec_decode_num_drafts_total", "spec_decode_num_draft_tokens_total", "spec_decode_num_accepted_tokens_total",
                             "spec_decode_num_accepted_tokens_per_pos_total{position=\"0\"}", "rollback_seconds_total",
                             "verify_seconds_total", "prompt_tokens_cached_total", "requests_total{ended=\"length\"} 1"})
        EXPECT_NE(text.find(std::string("\nrewind:") + name), std::string::npos) << name;
    const Json prompt = b.json("/apply-template", question("Hi", 1))["prompt"];
    EXPECT_EQ(prompt, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

}  // namespace
}  // namespace rw::test
