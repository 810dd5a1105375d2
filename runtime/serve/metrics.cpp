// /metrics: the totals as Prometheus reads them. Counters only ever grow; each stands alone, so that sums make sense.
#include <fmt/format.h>

#include "runtime/clock.h"
#include "runtime/serve/service.h"

namespace rw::serve {
namespace {

class Page {
public:
    void counter(const char* name, const char* help, double value) {
        begin(name, "counter", help);
        text += fmt::format("rewind:{} {}\n", name, value);
    }
    void gauge(const char* name, const char* help, double value) {
        begin(name, "gauge", help);
        text += fmt::format("rewind:{} {}\n", name, value);
    }
    void begin(const char* name, const char* type, const char* help) {
        text += fmt::format("# HELP rewind:{} {}\n# TYPE rewind:{} {}\n", name, help, name, type);
    }
    void labelled(const char* name, const char* label, const std::string& value, double number) {
        std::string safe;
        for (const char c : value) {
            if (c == '\n') safe += "\\n";
            else if (c == '"' || c == '\\') safe += {'\\', c};
            else safe += c;
        }
        text += fmt::format("rewind:{}{{{}=\"{}\"}} {}\n", name, label, safe, number);
    }
    std::string text;
};

}  // namespace

Answer metrics(Service& service, const Call&) {
    const Totals t = service.engine.totals();
    const Load load = service.engine.load();
    Page page;
    page.gauge("requests_running", "Requests that have a slot.", load.running);
    page.gauge("requests_waiting", "Requests that wait for a slot.", load.waiting);
    page.begin("requests_total", "counter", "Requests that have ended, by how.");
    for (const auto& [how, n] : t.ended) page.labelled("requests_total", "ended", how, double(n));
    page.counter("requests_refused_total", "Requests refused because too many waited.", double(t.refused));
    page.counter("prompt_tokens_total", "Tokens of prompts that were run.", double(t.prompt_tokens));
    page.counter("prompt_seconds_total", "Seconds that running them took.", t.prompt_seconds);
    page.counter("prompt_tokens_cached_total", "Tokens of prompts whose state was there already.", double(t.cached_tokens));
    page.counter("prefix_cache_hits_total", "Requests that found part of their prompt.", double(t.cache_hits));
    page.gauge("prefix_cache_bytes", "Bytes that the prefix cache holds.", double(t.cache.bytes));
    page.gauge("prefix_cache_states", "Recurrent states that it holds.", double(t.cache.states));
    page.counter("prefix_cache_evicted_total", "States dropped to make room.", double(t.cache.evicted));
    page.counter("tokens_predicted_total", "Tokens of answers.", double(t.predicted_tokens));
    page.counter("tokens_predicted_seconds_total", "Seconds from first tokens to last, of all answers.", t.predicted_seconds);
    page.counter("engine_steps_total", "Steps of the engine, each a prompt call, a round, or both.", double(t.steps));
    page.counter("engine_faults_total", "Steps that failed.", double(t.faults));
    page.counter("spec_decode_num_rounds_total", "Rounds of sequences, with drafts or without.", double(t.rounds));
    page.counter("spec_decode_num_drafts_total", "Rounds of sequences that had a draft.", double(t.drafts));
    page.counter("spec_decode_num_draft_tokens_total", "Tokens that were drafted.", double(t.draft_tokens));
    page.counter("spec_decode_num_accepted_tokens_total", "Drafted tokens that stood.", double(t.accepted_tokens));
    page.begin("spec_decode_num_accepted_tokens_per_pos_total", "counter", "The same by their place in the draft.");
    for (size_t i = 0; i < t.accepted_by_place.size(); ++i)
        page.labelled("spec_decode_num_accepted_tokens_per_pos_total", "position", std::to_string(i), double(t.accepted_by_place[i]));
    page.counter("draft_seconds_total", "Seconds of drafting, of each sequence that took part.", t.draft_seconds);
    page.counter("verify_seconds_total", "Seconds of verifying and going back, of each sequence that took part.", t.verify_seconds);
    page.counter("rollback_seconds_total", "Of these, seconds of going back.", t.rollback_seconds);
    page.counter("rollback_recomputed_tokens_total", "Tokens that going back had to compute again.", double(t.recomputed_tokens));
    page.begin("rollback_mode", "gauge", "How states go back.");
    page.labelled("rollback_mode", "mode", service.options.mode, 1);
    page.begin("memory_bytes", "gauge", "Bytes of device memory by purpose.");
    for (const auto& [purpose, bytes] : service.context.ledger()) page.labelled("memory_bytes", "purpose", purpose, double(bytes));
    page.gauge("healthy", "Whether /health says so.", service.engine.ailment().empty() ? 1 : 0);
    page.gauge("uptime_seconds", "Since the server has started.", seconds_now() - service.started);
    return Answer(std::move(page.text), "text/plain; version=0.0.4");
}

}  // namespace rw::serve
