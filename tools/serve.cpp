// rewind serve: a model behind OpenAI's interface, until it is told to stop.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <thread>

#include "runtime/serve/http.h"
#include "tools/draft_options.h"
#include "tools/model_options.h"
#include "tools/numbers.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    ModelOptions model;
    DraftOptions draft;
    std::string cache_where = "host";
    serve::Engine::Limits engine;
    serve::ServiceOptions service;
    serve::HttpOptions http;
    double body_mib = 8, drain = 30, cache_mib = 256;
};

/// By default the model's own block drafts, where it has one, and else the text.
void choose_drafter(Options& o) {
    if (!o.draft.spec.empty() || !o.draft.model.empty()) return;
    o.draft.spec = model::Model(o.model.model, o.model.mtp).geometry().mtp_blocks > 0 ? "mtp" : "ngram-map";
}

/// Everybody who may be asked to draft: whom --spec names, and each kind that needs nothing more by its own name.
struct Drafters {
    std::vector<std::unique_ptr<spec::Drafter>> owned;
    serve::Service::Drafters by_name;
    spec::Drafter* standard = nullptr;

    Drafters(const Options& o, const Drafting& drafting, model::Context& context) {
        if (drafting.who.none()) return;
        owned.push_back(o.draft.make(drafting.who, context));
        standard = owned.back().get();
        by_name[o.draft.spec.empty() ? "draft" : o.draft.spec] = standard;
        for (const char* name : {"mtp", "ngram-simple", "ngram-map", "ngram-mod"}) {
            if (by_name.contains(name) || (std::string_view(name) == "mtp" && !context.has_mtp())) continue;
            owned.push_back(spec::DrafterText(name).make(context));
            by_name[name] = owned.back().get();
        }
    }
};

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void serve(Options& o) {
    signal(SIGPIPE, SIG_IGN);
    const sigset_t stops = stop_signals();
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);  // of this thread and of those that it starts

    choose_drafter(o);
    const Drafting drafting = o.draft.drafting();
    model::Options shape;
    shape.pools.most_exact = drafting.most + 1, shape.pools.sequences = o.engine.slots;
    shape.mtp = drafting.who.needs_mtp();
    const Opened opened = open_model(o.model, shape);
    const Drafters drafters(o, drafting, *opened.context);
    std::optional<sequence::PrefixCache> cache;
    if (o.cache_mib > 0)
        cache.emplace(*opened.context,
                      sequence::PrefixCache::Options{.budget = uint64_t(o.cache_mib * (1 << 20)),
                                                     .where = o.cache_where == "device" ? sequence::PieceStore::Where::device
                                                                                        : sequence::PieceStore::Where::host});
    if (o.service.name.empty()) o.service.name = std::filesystem::path(o.model.model).stem().string();
    o.service.n_max = drafting.n_max, o.service.p_min = drafting.p_min, o.service.mode = opened.mode, o.service.mode_reason = opened.why;
    o.http.most_bytes = size_t(o.body_mib * (1 << 20));

    serve::Engine engine(*opened.context, drafters.standard, o.engine, cache ? &*cache : nullptr);
    if (drafters.standard) engine.between([&](auto& inside) { o.draft.remember(inside.generator, inside.context); });
    serve::Service service(*opened.context, engine, drafters.by_name, o.service);
    serve::Http http(service, o.http);
    http.bind();
    if (!service.chat_refusal().empty()) std::cerr << "no conversations: " << service.chat_refusal() << "\n";
    std::cerr << fmt::format("drafts: {}\nlistening on http://{}:{}\n", drafting.who.none() ? "none" : o.draft.spec.empty() ? "draft" : o.draft.spec, o.http.host, http.port());

    std::thread closer([&] {
        int which = 0;
        sigwait(&stops, &which);
        std::cerr << fmt::format("closing: requests have {} seconds to end\n", o.drain);
        if (drafters.standard) engine.between([&](auto& inside) { o.draft.keep(inside.generator, inside.context); });
        std::atomic<bool> closed = false;
        std::thread second([&] {  // a second signal ends the waiting
            const timespec while_closing{0, 100'000'000};
            while (!closed)
                if (sigtimedwait(&stops, nullptr, &while_closing) > 0) engine.hurry();
        });
        engine.close(o.drain);
        closed = true;
        second.join();
        http.stop();
    });
    http.listen();
    closer.join();
}

}  // namespace

void add_serve(CLI::App& app, int&) {
    CLI::App& verb = *app.add_subcommand("serve", "A model behind OpenAI's interface, for several at once");
    auto o = std::make_shared<Options>();
    o->service.name.clear();
    o->model.add_to(verb);
    const auto seconds = CLI::Range(0.0, 1e6);
    verb.add_option("--host", o->http.host, "Address to listen on; others than this machine's own can be asked by anybody")
        ->capture_default_str();
    verb.add_option("--port", o->http.port, "0 is any that is free; it is printed")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    verb.add_option("--slots", o->engine.slots, "Sequences at once")->capture_default_str()->check(CLI::Range(1, 256));
    verb.add_option("--waiting", o->engine.waiting, "Requests that may wait for a slot; more are refused with status 503")
        ->capture_default_str()
        ->check(CLI::Range(0, 1 << 16));
    verb.add_option("--name", o->service.name, "Of the model, for clients; its file's by default");
    verb.add_option("--api-key", o->http.keys, "A client has to have it; may be given several times")
        ->envname("REWIND_API_KEY");
    verb.add_option("--cors", o->http.origin, "Pages of this origin may ask from a browser, as https://example.org or *");
    o->draft.n_max = "auto";
    o->draft.add_to(verb);
    verb.add_option("--n-min", o->service.n_min, "Shorter drafts are dropped")->capture_default_str()->check(CLI::Range(0, 64));
    verb.add_option("--most-tokens", o->service.most_tokens, "Of an answer; 0: as many as the context has room for")
        ->capture_default_str()
        ->check(CLI::Range(0, 1 << 30));
    verb.add_option("--choices", o->service.choices, "Most of n")->capture_default_str()->check(CLI::Range(1, 128));
    verb.add_option("--timeout", o->service.seconds, "Seconds that a request may take, waiting included")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 1e6));
    verb.add_option("--stall", o->engine.stall, "Seconds without progress after which /health fails")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 1e6));
    verb.add_option("--drain", o->drain, "Seconds that requests have to end when the server is told to stop")
        ->capture_default_str()
        ->check(seconds);
    verb.add_option("--body", o->body_mib, "MiB that a request may have")->capture_default_str()->check(CLI::Range(0.01, 1024.0));
    verb.add_option("--connections", o->http.connections, "Served at once; more wait")
        ->capture_default_str()
        ->check(CLI::Range(2, 1 << 14));
    verb.add_option("--cache", o->cache_mib, "MiB for states of prompts, so that those that begin alike are run from there; 0: none")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e7));
    verb.add_option("--cache-where", o->cache_where, "Whose memory that is")
        ->capture_default_str()
        ->check(CLI::IsMember({"host", "device"}));
    verb.add_option("--slot-path", o->service.slot_path, "Folder for saved slots; without it they are neither saved nor restored");
    verb.callback([o] { serve(*o); });
}

}  // namespace rw::tools
