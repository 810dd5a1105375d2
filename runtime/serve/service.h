// What the endpoints share: the engine, the model's vocabulary and form of conversations, the limits.
#pragma once

#include "runtime/serve/call.h"
#include "runtime/serve/engine.h"
#include "runtime/serve/grammars.h"
#include "runtime/tokenizer/chat.h"

namespace rw::serve {

struct ServiceOptions {
    std::string name = "rewind";      // of the model, for clients
    std::string slot_path;            // folder of saved slots; empty: slots are neither saved nor restored
    std::string chat_template;        // another form of conversations than the file's; empty: the file's
    std::string mode, mode_reason;    // how states go back, and why so
    int n_max = 0;                    // drafts of a round, where a request says nothing; spec::n_auto
    int n_min = 0;
    double p_min = 0;
    int64_t most_tokens = 0;          // of an answer; 0: as many as the context has room for
    double seconds = 600;             // that a request may take
    int choices = 16;                 // of one request
    bool cache_exact = true;          // where a request says nothing: whether prompts go on from run prompts alone
};

class Service {
public:
    /// The drafters by name, as requests may ask for them; "none" need not be there.
    using Drafters = std::map<std::string, spec::Drafter*>;
    /// Context, engine and drafters have to outlive it.
    Service(const model::Context& context, Engine& engine, Drafters drafters, ServiceOptions options);
    /// Closes the engine: what its jobs were given reads the vocabulary here.
    ~Service();
    Service(const Service&) = delete;

    /// What answers a call, whoever asked: what goes wrong is an answer too.
    Answer answer(const Call& call);
    /// Held while a saved slot is written or read.
    std::mutex files;
    /// The methods that a path has; none when there is no such path.
    static std::vector<std::string> methods(const std::string& path);

    const model::Context& context;  // what never changes of it; what does is the engine's
    Engine& engine;
    const Drafters drafters;
    const ServiceOptions options;
    const tokenizer::Tokenizer tokenizer;
    Grammars grammars;
    const double started;     // by seconds_now()
    const int64_t started_at;  // by the calendar
    const std::string device;

    /// Throws Problem(400) when the model has no form of conversations that is known.
    const tokenizer::ChatTemplate& chat() const;
    const std::string& chat_refusal() const { return chat_refusal_; }
    int64_t positions() const { return context.options().pools.context; }
    /// Of one request, for ids of answers.
    std::string new_id(const char* prefix);

private:
    std::optional<tokenizer::ChatTemplate> chat_;
    std::string chat_refusal_;
    std::atomic<uint64_t> next_id_;
};

// The endpoints, one file a group.
Answer chat_completions(Service& service, const Call& call);
Answer completions(Service& service, const Call& call);
Answer native_completion(Service& service, const Call& call);
Answer embeddings(Service& service, const Call& call);
Answer models(Service& service, const Call& call);
Answer model(Service& service, const Call& call);
Answer props(Service& service, const Call& call);
Answer health(Service& service, const Call& call);
Answer metrics(Service& service, const Call& call);
Answer slots(Service& service, const Call& call);
Answer slot_action(Service& service, const Call& call);
Answer tokenize(Service& service, const Call& call);
Answer detokenize(Service& service, const Call& call);
Answer apply_template(Service& service, const Call& call);

}  // namespace rw::serve
