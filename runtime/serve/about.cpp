// What the server is and how it is: /health, /v1/models, /props
#include "core/version.h"
#include "runtime/serve/generation_fields.h"

namespace rw::serve {
namespace {

Json model_of(const Service& service) {
    const gguf::Geometry& g = service.context.geometry();
    return {{"id", service.options.name},
            {"object", "model"},
            {"created", service.started_at},
            {"owned_by", "rewind"},
            {"meta",
             {{"n_vocab", g.vocab}, {"n_ctx_train", g.context}, {"n_ctx", service.positions()}, {"n_embd", g.width}}}};
}

}  // namespace

Answer health(Service& service, const Call&) {
    const std::string ailment = service.engine.ailment();
    const Load load = service.engine.load();
    if (!ailment.empty()) throw Problem(503, ailment, "server_error", "", "unhealthy");
    if (load.closing) throw busy("the server is shutting down");
    return Json{{"status", "ok"}, {"running", load.running}, {"waiting", load.waiting}};
}

Answer models(Service& service, const Call&) { return Json{{"object", "list"}, {"data", Json::array({model_of(service)})}}; }

Answer model(Service& service, const Call& call) {
    if (call.tail != service.options.name)
        throw Problem(404, "there is no model " + call.tail, "invalid_request_error", "model", "model_not_found");
    return model_of(service);
}

Answer props(Service& service, const Call&) {
    const gguf::Metadata& metadata = service.context.model().file().metadata();
    constexpr char chat[] = "tokenizer.chat_template";
    const ServiceOptions& o = service.options;
    Json form = o.chat_template;
    if (o.chat_template.empty() && metadata.has(chat)) form = metadata.get<std::string_view>(chat);
    Json drafters = Json::array();
    for (const auto& [name, drafter] : service.drafters) drafters.push_back(name);
    Json memory;
    for (const auto& [purpose, bytes] : service.context.ledger()) memory[purpose] = bytes;
    return Json{{"default_generation_settings",
                 {{"n_ctx", service.positions()},
                  {"n_predict", o.most_tokens > 0 ? o.most_tokens : -1},
                  {"speculative.n_max", or_auto(o.n_max)},
                  {"speculative.n_min", o.n_min},
                  {"speculative.p_min", or_auto(o.p_min)}}},
                {"total_slots", service.engine.limits().slots},
                {"model_alias", o.name},
                {"chat_template", std::move(form)},
                {"modalities", {{"vision", false}, {"audio", false}}},
                {"build_info", std::string("rewind ") + core::version()},
                {"drafters", std::move(drafters)},
                {"rollback", {{"mode", o.mode}, {"reason", o.mode_reason}}},
                {"memory", std::move(memory)},
                {"device", service.device}};
}

}  // namespace rw::serve
