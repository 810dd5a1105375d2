// rewind serve: a model behind OpenAI's interface, until it is told to stop.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "runtime/clock.h"
#include "runtime/serve/http.h"
#include "tools/cache_options.h"
#include "tools/draft_options.h"
#include "tools/manual.h"
#include "tools/model_options.h"
#include "tools/numbers.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    ModelOptions model;
    DraftOptions draft;
    CacheOptions cache;
    serve::Engine::Limits engine;
    serve::ServiceOptions service;
    serve::HttpOptions http;
    double body_mib = 8, drain = 30;
    std::string chat_template;  // file
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

    Drafters(const Options& o, const Drafting& drafting, model::Context& context, const SecondModel& second) {
        if (drafting.who.none()) return;
        owned.push_back(o.draft.make(drafting.who, context, second));
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

/// While it lives the signals, which are blocked, end the process at once, with the status that a shell expects: for
/// when there is nothing to be ended in good order yet.
class EndsAtOnce {
public:
    explicit EndsAtOnce(const sigset_t& signals)
        : thread_([this, signals] {
              const timespec while_watched{0, 20'000'000};
              while (!over_)
                  if (const int which = sigtimedwait(&signals, nullptr, &while_watched); which > 0)
                      std::_Exit(128 + which);
          }) {}
    ~EndsAtOnce() {
        over_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> over_ = false;
    std::thread thread_;  // last: it uses the rest
};

/// Every connection is a descriptor: as many as the system lets the process have, up to a number that is enough.
void raise_descriptor_limit() {
    constexpr rlim_t enough = 1 << 15;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
    limit.rlim_cur = std::min(limit.rlim_max, enough);
    setrlimit(RLIMIT_NOFILE, &limit);  // if not, there are fewer connections
}

/// Refused before the model is loaded.
std::string read_template(const std::string& path) {
    if (path.empty()) return "";
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    if (!file || text.empty())
        throw Error(Status::io, fmt::format("--chat-template {}: it cannot be read, or is empty", path));
    const tokenizer::ChatTemplate known(text);
    return text;
}

/// What this process has learnt of rounds' costs, for the next.
void keep_costs(const Options& o, serve::Engine& engine) {
    if (o.draft.who().none()) return;
    try {
        engine.between([&](auto& inside) { o.draft.keep(inside.generator, inside.context); });
    } catch (const std::exception& e) {
        std::cerr << "rewind: costs are not kept: " << e.what() << "\n";
    }
}

void serve(Options& o) {
    signal(SIGPIPE, SIG_IGN);
    const sigset_t stops = stop_signals();
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);  // of this thread and of those that it starts
    std::optional<EndsAtOnce> loading(std::in_place, stops);
    raise_descriptor_limit();
    o.service.chat_template = read_template(o.chat_template);

    choose_drafter(o);
    const Drafting drafting = o.draft.drafting();
    model::Options shape;
    shape.pools.sequences = o.engine.slots;
    o.draft.put_into(shape, drafting.who, drafting.most);
    o.cache.apply(o.model);
    SecondModel second;
    const Opened opened = o.draft.open(o.model, drafting.who, shape, second);
    const Drafters drafters(o, drafting, *opened.context, second);
    std::optional<sequence::PrefixCache> cache;
    if (o.cache.gib > 0) cache.emplace(*opened.context, o.cache.options());
    if (o.service.name.empty()) o.service.name = std::filesystem::path(o.model.model).stem().string();
    o.service.n_max = drafting.n_max, o.service.p_min = drafting.p_min, o.service.mode = opened.mode, o.service.mode_reason = opened.why;
    o.http.most_bytes = size_t(o.body_mib * (1 << 20));

    serve::Engine engine(*opened.context, drafters.standard, o.engine, cache ? &*cache : nullptr);
    if (drafters.standard) engine.between([&](auto& inside) { o.draft.remember(inside.generator, inside.context); });
    serve::Service service(*opened.context, engine, drafters.by_name, o.service);
    serve::Http http(service, o.http);
    loading.reset();
    http.bind();
    if (!service.chat_refusal().empty()) std::cerr << "no conversations: " << service.chat_refusal() << "\n";
    const std::string who = drafting.who.none() ? "none" : o.draft.spec.empty() ? "draft" : o.draft.spec;
    std::cerr << fmt::format("drafts: {}\nlistening on http://{}:{}\n", who, o.http.host, http.port());

    std::atomic<bool> listened = false;
    std::thread closer([&] {
        int which = 0;
        sigwait(&stops, &which);
        const double end = seconds_now() + o.drain;
        std::cerr << fmt::format("closing: requests have {} seconds to end\n", o.drain);
        std::atomic<bool> closed = false, hurried = false;
        std::thread second([&] {  // a second signal ends the waiting
            const timespec while_closing{0, 100'000'000};
            while (!closed)
                if (sigtimedwait(&stops, nullptr, &while_closing) > 0) hurried = true, engine.hurry();
        });
        keep_costs(o, engine);
        engine.close(o.drain);
        const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
        while (!http.idle() && !hurried && seconds_now() < end) pause();  // what was said has to arrive
        const double refused = seconds_now() + 0.5;  // and, in a hurry, that the rest was not
        while (!http.idle() && seconds_now() < refused) pause();
        closed = true;
        second.join();
        while (!http.listening() && !listened) pause();  // before that nothing can be stopped
        http.stop();
    });
    std::exception_ptr failure;
    try {
        http.listen();
    } catch (...) {
        failure = std::current_exception();
        kill(getpid(), SIGTERM);
    }
    listened = true;
    closer.join();
    if (failure) std::rethrow_exception(failure);
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
        ->envname("REWIND_API_KEY")
        ->check([](const std::string& key) { return key.empty() ? std::string("an API key is not empty") : std::string(); });
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
    verb.add_option("--read-timeout", o->http.read_seconds, "Seconds that a request may take to come in whole")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 1e6));
    verb.add_option("--connections", o->http.connections, "Requests answered at once; more wait")
        ->capture_default_str()
        ->check(CLI::Range(2, 1 << 14));
    verb.add_option("--idle-connections", o->http.idle,
                    "Connections kept while nothing is asked on them; the oldest makes room")
        ->capture_default_str()
        ->check(CLI::Range(1, 1 << 14));
    verb.add_option("--chat-template", o->chat_template, "File with another chat template than the model's own");
    o->cache.add_to(verb);
    verb.add_option("--cache-exact", o->service.cache_exact,
                    "0: a prompt may go on from a slot's decoded text, which leaves less to run and may change last digits")
        ->capture_default_str();
    verb.add_option("--slot-path", o->service.slot_path, "Folder for saved slots; without it they are neither saved nor restored");
    add_manual(verb, {.about = "Listens on this machine's own address unless told otherwise. Ctrl-C or SIGTERM: takes no more requests and lets those\n"
                               "that there are end, for --drain seconds; the second ends them.",
                      .examples = {{"rewind serve -m model.gguf --slots 4", "four at once on http://127.0.0.1:8080/v1"},
                                   {"rewind serve -m model.gguf --host 0.0.0.0 --api-key secret", "for others, who have to know the key"},
                                   {"rewind serve -m model.gguf --spec ngram-mod,mtp --n-max auto:8 --cache-memory 4",
                                    "looked-up drafts before the model's, and 4 GiB for the beginnings of prompts"}},
                      .files = {{"~/.cache/rewind/costs", "what rounds cost, as learnt (XDG_CACHE_HOME moves it)"}},
                      .environment = {{"REWIND_API_KEY", "as --api-key, where nobody sees it in the list of processes"}},
                      .more = "docs/server.md"});
    verb.callback([o] { serve(*o); });
}

}  // namespace rw::tools
