#include "runtime/serve/generation_fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::serve {
namespace {

/// {"speculative": {"type": ..., "n_max": ..., "n_min": ..., "p_min": ...}}, also written "speculative.n_max".
void read_drafts(const Fields& fields, const Service& service, spec::Request& request) {
    const auto& o = service.options;
    const int most = int(service.context.options().pools.most_exact) - 1;
    const Fields nested = fields.object("speculative");
    const auto where = [&](const char* flat, const char* name) {
        return fields.has(flat) ? std::pair(&fields, flat) : std::pair(&nested, name);
    };
    std::vector<std::string> names{"none"};
    for (const auto& [name, drafter] : service.drafters) names.push_back(name);
    const auto [of_type, type] = where("speculative.type", "type");
    const std::string who = of_type->choice(type, "", names);
    if (!who.empty() && who != "none") request.drafter = service.drafters.at(who);

    const auto [of_max, max] = where("speculative.n_max", "n_max");
    const Json* n = of_max->find(max);
    if (n && *n == "auto") request.n_max = most > 0 ? spec::n_auto : 0;
    else if (n) request.n_max = int(of_max->integer(max, 0, 0, most));
    else request.n_max = o.n_max;
    if (who == "none" || service.drafters.empty()) request.n_max = 0;

    const auto [of_min, min] = where("speculative.n_min", "n_min");
    const int least = request.n_max >= 0 ? request.n_max : most;
    request.n_min = int(of_min->integer(min, std::min(o.n_min, least), 0, least));
    const auto [of_p, p] = where("speculative.p_min", "p_min");
    const Json* share = of_p->find(p);
    request.p_min = share && *share == "auto" ? spec::p_auto : of_p->number(p, o.p_min, 0, 1);
}

}  // namespace

Json or_auto(int n_max) { return n_max == spec::n_auto ? Json("auto") : Json(n_max); }
Json or_auto(double p_min) { return p_min == spec::p_auto ? Json("auto") : Json(p_min); }

Task generation_task(const Fields& fields, Service& service, const Defaults& defaults) {
    Task task{.seconds = service.options.seconds, .exact = fields.flag("cache_exact", service.options.cache_exact)};
    spec::Request& request = task.request;
    request.sampling = sampling_of(fields, service, defaults);
    request.ends = service.tokenizer.vocabulary().ends();
    if (fields.flag("ignore_eos", false)) request.ends.clear();
    task.stops = fields.texts("stop", 16);
    if (!task.stops.empty()) request.stops = sample::Stops(task.stops, shown_bytes(service.tokenizer));
    request.message_start = tokenizer::ChatTemplate::message_start(service.tokenizer.vocabulary()).value_or(-1);
    request.constraint = service.grammars.constraint(fields);
    if (request.constraint && request.ends.empty()) fields.fail("ignore_eos", "false: a grammar ends the text;");
    read_drafts(fields, service, request);
    return task;
}

void check_prompt(const Service& service, const std::vector<int32_t>& prompt, const char* field) {
    if (prompt.empty()) throw bad(field, "the prompt has no tokens");
    if (int64_t(prompt.size()) >= service.positions())
        throw Problem(400,
                      fmt::format("the prompt has {} tokens; the context has {} positions, and an answer needs one",
                                  prompt.size(), service.positions()),
                      "invalid_request_error", field, "context_length_exceeded");
}

int64_t tokens_behind(const Service& service, size_t prompt, int64_t asked) {
    const int64_t room = service.positions() - int64_t(prompt) + 1;  // the last token needs no position
    const int64_t most = service.options.most_tokens > 0 ? std::min(room, service.options.most_tokens) : room;
    return asked < 0 ? most : std::min(asked, most);
}

std::vector<Reading> submit_choices(Service& service, const Task& task, int n) {
    std::vector<Reading> readings;  // they cancel what was submitted, should this throw
    for (int i = 0; i < n; ++i) {
        Task one = task;
        one.request.sampling.choice = uint32_t(i);
        readings.emplace_back(service.engine.submit(std::move(one)), TextReader(service.tokenizer, task.request.stops));
    }
    return readings;
}

}  // namespace rw::serve
