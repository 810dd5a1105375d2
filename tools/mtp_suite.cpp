#include "tools/mtp_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "runtime/clock.h"
#include "runtime/tokenizer/chat.h"
#include "suite_prompts.h"
#include "tools/bar_plot.h"
#include "tools/table.h"

namespace rw::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Prompt {
    std::string kind;
    std::vector<int32_t> tokens;
};

std::string text_of(const std::string& path) {
    if (path.empty()) return suite_prompts;
    if (!std::filesystem::is_regular_file(path)) throw Error(Status::not_found, "--prompts " + path + ": there is no such file");
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// In the model's own form of a conversation, where it has one that is known.
std::vector<Prompt> read_prompts(const std::string& path, const model::Model& model) {
    const tokenizer::Tokenizer tokens(model.file());
    std::optional<tokenizer::ChatTemplate> chat;
    try {
        chat = tokenizer::ChatTemplate::of(model.file().metadata());
    } catch (const Error&) {  // plain text then
    }
    std::vector<Prompt> prompts;
    try {
        for (const auto& entry : nlohmann::json::parse(text_of(path))) {
            const std::string text = entry.at("text");
            prompts.push_back({entry.at("kind"), chat ? chat->encode(tokens, {{tokenizer::Role::user, text}}) : tokens.encode(text)});
        }
    } catch (const nlohmann::json::exception& e) {
        throw Error(Status::invalid_argument, fmt::format(R"({}: [{{"kind": "...", "text": "..."}}, ...] was expected: {})", path, e.what()));
    }
    if (prompts.empty()) throw Error(Status::invalid_argument, path + ": there are no prompts in it");
    return prompts;
}

struct Sum {
    int64_t predicted = 0, rounds = 0, drafted = 0, accepted = 0, emitted = 0, asked = 0;
    double seconds = 0;
    bool same = true;
    void add(const Sum& s) {
        predicted += s.predicted, rounds += s.rounds, drafted += s.drafted, accepted += s.accepted, emitted += s.emitted;
        asked += s.asked, seconds += s.seconds, same = same && s.same;
    }
    Json json(const char* kind) const {
        return {{"kind", kind},
                {"predicted", predicted},
                {"rounds", rounds},
                {"drafted", drafted},
                {"accepted", accepted},
                {"rate", drafted ? Json(double(accepted) / double(drafted)) : Json()},
                {"emitted", emitted},
                {"tokens_per_round", rounds ? double(emitted) / double(rounds) : 0},
                {"mean_n_max", rounds ? double(asked) / double(rounds) : 0},
                {"tps", seconds > 0 ? double(emitted) / seconds : 0},
                {"same_text", same}};
    }
};

/// A new one, that has heard of nothing yet, for drafts of that many.
using Drafters = std::function<std::unique_ptr<spec::Drafter>(int n_max)>;

/// One setting over all prompts.
Json setting(const MtpSuite& o, model::Context& context, const Drafters& drafters, const std::vector<Prompt>& prompts, int n_max,
             std::vector<std::vector<int32_t>>& texts) {
    const double p_min = o.draft.share();
    const auto drafter = drafters(n_max);
    spec::Generator generator(context, drafter.get());
    if (n_max == spec::n_auto) o.draft.remember(generator, context);
    const auto write = [&](const Prompt& prompt, int64_t tokens, Sum& sum) {
        const spec::Generation& g =
            generator.add({.prompt = prompt.tokens, .most_tokens = tokens, .n_max = n_max, .p_min = n_max ? p_min : 0});
        const double start = seconds_now();
        while (generator.round()) sum.asked += g.last.asked;
        const spec::Counts& c = g.counts;
        sum.seconds = seconds_now() - start, sum.predicted = int64_t(g.text.size()), sum.rounds = c.rounds;
        sum.drafted = c.drafted, sum.accepted = c.accepted, sum.emitted = c.emitted;
        std::vector<int32_t> text = g.text;
        generator.drop(g);
        return text;
    };
    Sum warm;
    write(prompts.front(), std::min<int64_t>(o.tokens, 8), warm);  // compiles kernels, records plans
    Json list = Json::array();
    Sum all;
    for (size_t i = 0; i < prompts.size(); ++i) {
        Sum one;
        std::vector<int32_t> text = write(prompts[i], o.tokens, one);
        if (texts.size() <= i) texts.push_back(std::move(text));
        else one.same = texts[i] == text;
        list.push_back(one.json(prompts[i].kind.c_str()));
        all.add(one);
    }
    if (n_max == spec::n_auto) o.draft.keep(generator, context);
    Json json{{"n_max", n_max == spec::n_auto ? Json("auto") : Json(n_max)}, {"prompts", list}};
    json["all"] = all.json("all");
    json["drafter_bytes"] = drafter ? drafter->bytes() : 0;
    return json;
}

std::string name_of(const Json& n_max) { return n_max.is_string() ? "auto" : n_max == 0 ? "off" : fmt::format("n {}", n_max.get<int>()); }

void plot(const MtpSuite& o, const Json& report) {
    Bars bars{"Writing with drafts, against plain decoding", "tokens a second over those of the first setting", {}, {}, {}, 1};
    for (const Json& p : report["prompts"]) bars.groups.push_back(p["kind"]);
    bars.groups.push_back("all");
    const Json& first = report["results"].front();
    for (const Json& r : report["results"]) {
        bars.series.push_back(name_of(r["n_max"]));
        std::vector<double> row;
        const auto ratio = [](const Json& a, const Json& b) {
            const double plain = b["tps"];
            return plain > 0 ? a["tps"].get<double>() / plain : 0;
        };
        for (size_t i = 0; i < r["prompts"].size(); ++i) row.push_back(ratio(r["prompts"][i], first["prompts"][i]));
        row.push_back(ratio(r["all"], first["all"]));
        bars.height.push_back(row);
    }
    std::ofstream out(o.svg);
    out << svg(bars);
    if (!out.flush()) throw Error(Status::io, o.svg + ": cannot be written");
}

}  // namespace

nlohmann::ordered_json run_mtp_suite(const MtpSuite& o, bool quiet) {
    const spec::DrafterText who = o.draft.who();
    std::vector<int> settings = who.none() ? std::vector<int>{0} : o.n_max;
    if (o.automatic && !who.none()) settings.push_back(spec::n_auto);
    int most = 0;
    for (const int n : settings) most = std::max(most, n == spec::n_auto ? auto_most : n);
    model::Options shape;
    o.draft.put_into(shape, who, most);
    const std::vector<Prompt> prompts = read_prompts(o.prompts, model::Model(o.model.model, o.model.mtp));
    ModelOptions options = o.model;
    size_t longest = 0;
    for (const Prompt& p : prompts) longest = std::max(longest, p.tokens.size());
    if (options.context == 0) options.context = int64_t(longest) + o.tokens + most + 1;
    SecondModel second;
    const Opened opened = o.draft.open(options, who, shape, second, quiet);
    const Drafters drafters = [&](int n) {
        return o.draft.make(n == 0 ? spec::DrafterText("none") : who, *opened.context, second);
    };
    std::vector<std::vector<int32_t>> texts;
    Json report{{"model", o.model.model}, {"device", opened.context->device().info().name}, {"spec", !o.draft.spec.empty() ? o.draft.spec : o.draft.model.empty() ? "mtp" : "draft"},
                {"tokens", o.tokens}, {"rollback_mode", opened.mode}};
    for (const Prompt& p : prompts) report["prompts"].push_back({{"kind", p.kind}, {"prompt_tokens", p.tokens.size()}});
    for (const int n : settings) report["results"].push_back(setting(o, *opened.context, drafters, prompts, n, texts));
    if (!o.svg.empty()) plot(o, report);
    return report;
}

bool print_mtp_suite(const nlohmann::ordered_json& report, std::ostream& out) {
    bool same = true;
    Table table({"prompt", "drafts", ">predicted", ">rounds", ">drafted", ">accepted", ">rate", ">tokens a round", ">tok/s", ">to first", "text"});
    const auto row = [&](const Json& r, const Json& setting, double first) {
        same = same && r["same_text"].get<bool>();
        table.row({r["kind"], name_of(setting["n_max"]), fmt::format("{}", r["predicted"].get<int64_t>()),
                   fmt::format("{}", r["rounds"].get<int64_t>()), fmt::format("{}", r["drafted"].get<int64_t>()),
                   fmt::format("{}", r["accepted"].get<int64_t>()), r["rate"].is_null() ? "–" : percent(r["rate"]),
                   fmt::format("{:.2f}", r["tokens_per_round"].get<double>()), fmt::format("{:.1f}", r["tps"].get<double>()),
                   fmt::format("{:.2f}", first > 0 ? r["tps"].get<double>() / first : 0), r["same_text"].get<bool>() ? "the same" : "DIFFERENT"});
    };
    const Json& results = report["results"];
    for (size_t i = 0; i < report["prompts"].size(); ++i)
        for (const Json& setting : results) row(setting["prompts"][i], setting, results.front()["prompts"][i]["tps"]);
    for (const Json& setting : results) row(setting["all"], setting, results.front()["all"]["tps"]);
    table.print(out);
    return same;
}

}  // namespace rw::tools
