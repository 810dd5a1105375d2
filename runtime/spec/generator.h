// Text from a model, several sequences at once, with or without somebody's drafts (drafter.h). Greedy text and text sampled
// with a seed are the same, bit for bit, with drafts and without, alone and among others: a draft only decides how many
// tokens a round yields.
//
//     spec::MtpDrafter drafter(context);                         // or make_drafter.h, drafters by name
//     spec::Generator generator(context, &drafter);
//     auto& s = generator.add({.prompt = tokens, .most_tokens = 100, .n_max = 3});
//     while (generator.round()) {}
//     s.text                                                     // the tokens
//
// Where sequences come and go: submit() and step(), so that a long prompt holds up nobody for longer than one call. A
// call of a prompt and a round are one plan then, each with its own rows: what either computes does not depend on the
// other.
//
// A round drafts for every sequence that goes on, runs the last chosen token and the drafts of all of them through the
// model in one call, takes of each the drafts that the model itself would have chosen and one token more, and sets the
// states back to where that leaves them.
#pragma once

#include <functional>
#include <list>
#include <optional>

#include "runtime/sample/sampler.h"
#include "runtime/sample/stops.h"
#include "runtime/sequence/prefix_cache.h"
#include "runtime/spec/controller.h"
#include "runtime/spec/drafter.h"
#include "runtime/spec/threshold.h"

namespace rw::spec {

/// Counted as: emitted = accepted + rounds. The token that follows from the prompt is in none of them, and the last token
/// of a round, also an end token inside a draft, is never an accepted one.
struct Counts {
    int64_t rounds = 0, drafted = 0, accepted = 0, emitted = 0;
    std::vector<int64_t> tried, taken;  // by place in the draft
    int64_t recomputed = 0;             // tokens that going back had to compute again
    int64_t cached = 0;                 // tokens of the prompt that were not run: the cache knew them
    double prefill_seconds = 0, draft_seconds = 0, verify_seconds = 0;  // a prompt's call and a round in one: prefill
    double rollback_seconds = 0;        // of verify_seconds
};

constexpr int n_auto = -1;
constexpr double p_auto = -1;

struct Request {
    std::vector<int32_t> prompt;
    int64_t most_tokens = 128;
    std::vector<int32_t> ends{};   // tokens that end the text; they are part of it
    sample::Options sampling{};
    std::shared_ptr<const sample::Constraint> constraint{};  // on the text: a grammar, a budget of thinking
    sample::Stops stops{};         // strings that end the text
    int n_max = 0;                 // drafts of a round; 0 is plain decoding, n_auto as many as pay (controller.h)
    int n_min = 0;                 // shorter drafts are dropped
    double p_min = 0;              // a draft ends before a token that the drafter holds less probable; p_auto: where the
                                   // next no longer pays (threshold.h)
    bool ratio = false;            // drafts stand by their probability: text from the same distribution, not the same text
    int32_t message_start = -1;    // token that begins a message: no call of the prompt reaches over one
    Drafter* drafter = nullptr;    // who drafts, where it is not the generator's
    bool hidden = false;           // the hidden row behind the prompt is wanted
    double accept_rate = -1;       // for measuring: drafts are taken with this probability, whatever the model says
};

enum class Stop { none, end_token, stop_string, length, context_full, cancelled, failed };
const char* name_of(Stop stop);

/// One sequence: read it between rounds.
struct Generation {
    uint64_t id;                 // no other of the process has it
    Request request;
    Drafter* drafter;            // null where there is none
    sequence::SequenceState state;
    std::vector<int32_t> text;   // without the prompt; the last token is not in the state yet
    sample::Sampler sampler;
    sample::Stops stops;         // found(): where in the text's bytes a stop string cuts it off
    std::vector<sample::Logprobs> logprobs{};  // where they are asked for; of the tokens that were chosen here
    Stop stopped = Stop::none;
    Counts counts{};
    std::optional<Controller> controller{};  // with n_auto
    Threshold threshold{};                   // with p_auto
    std::vector<float> hidden{};   // of the prompt's last token, where it is wanted
    struct Round {               // what the last round did
        int asked = 0;           // tokens that the drafter might have guessed
        std::vector<model::Candidate> draft;
        int accepted = 0;
        int64_t recomputed = 0;
        bool reading = false;    // the drafter was still taking the text in
    } last{};
    int64_t by_cuts = 0;         // so many tokens of the prompt were run from nothing, cut by cut, as a cache may know them

    Known known() const { return {id, request.prompt, text, &state}; }
    bool begun = false;          // the drafter knows of it
    bool needs_mtp() const { return drafter && drafter->needs_mtp(); }
    /// Its prompt has not been taken in yet.
    bool prompting() const { return text.empty() && stopped == Stop::none; }
    /// It takes part in rounds.
    bool going() const { return !text.empty() && stopped == Stop::none; }
};

class Generator {
public:
    /// All have to outlive it, and requests' own drafters too. Without a drafter decoding is plain. With a cache prompts
    /// go on from what it knows; text and states are the same, bit for bit.
    explicit Generator(model::Context& context, Drafter* drafter = nullptr, sequence::PrefixCache* cache = nullptr)
        : context_(context), drafter_(drafter), cache_(cache) {}
    ~Generator();

    /// Throws Error for a request that cannot be met with such a context: before it is made, for who has the choice.
    static void check(const Request& request, const model::Options& options, uint32_t vocab);

    /// Runs the prompt and chooses the first token. Throws Error for a request that cannot be met, and takes nothing then.
    /// progress: prompt tokens done and in all; false stops.
    Generation& add(Request request, const model::Progress& progress = {});
    /// Goes on from a state of this context that was loaded or forked, whose last chosen token is `last`: the first of the
    /// text. request.prompt may name the tokens before it, for drafters and penalties that look back;
    /// they are not run. What mirostat has learnt of them begins anew.
    Generation& resume(sequence::SequenceState state, int32_t last, Request request);
    /// One round for all sequences that have their first token and have not stopped; false when there is none. Throws Error
    /// with the states as they were; but where a sequence's own sampler or constraint threw, that one has stopped as failed
    /// and the others have had their round; and where the device failed in the middle of a call, all have. What the state
    /// of one that failed holds is not known: drop it.
    bool round();

    /// For many that come and go. Takes a request as add() does, but leaves its prompt to step().
    Generation& submit(Request request);
    /// The same, where the state has the prompt's first pos() tokens taken in already; not all of them.
    Generation& submit(Request request, sequence::SequenceState state);
    /// One call of a prompt, of those that wait in turn, and a round, in one plan where the context joins(), else one
    /// after the other; false when there is nothing to do. A prompt whose call or whose sampler throws has stopped as
    /// failed. The others have had their round then, unless it was the call: where that failed before anything ran
    /// their states are as they were, and where the device failed in the middle of it all whom it was about have
    /// stopped as failed.
    bool step();
    /// Ends a sequence where it is; its state can be used.
    static void cancel(Generation& generation);
    /// Drops a sequence and gives its memory back.
    void drop(const Generation& generation);
    std::list<Generation>& all() { return all_; }
    /// What rounds cost, as learnt so far; may be given what was learnt before (cost_file.h).
    RoundCosts& costs() { return costs_; }

private:
    void check(const Request& request) const;
    /// A prompt's next call, made ready.
    struct PromptCall {
        Generation* generation;
        std::vector<int64_t> cuts;
        bool by_cuts;  // it is run as a cache may know it
        model::Call call;
    };
    PromptCall prompt_call(Generation& g);
    void finish(const PromptCall& done, size_t row);
    /// A round's call, made ready: those who go on, and the last token and the drafts of each.
    struct RoundCall {
        std::vector<Generation*> going;
        std::vector<std::vector<int32_t>> tokens;
        double start;
        model::Call call;
    };
    RoundCall round_call(bool beside_prompt);
    void finish(const RoundCall& done, double start, bool beside_prompt);
    void run(const PromptCall* prompt, const RoundCall* round);
    void take_known(Generation& g, const sequence::PrefixCache::Prompt& prompt);
    Generation* next_prompt();
    bool measures();
    void begin(Generation& g);
    Generation fresh(Request request, sequence::SequenceState state) const;
    std::vector<std::vector<int32_t>> drafts(const std::vector<Generation*>& going, bool beside_prompt);
    /// What is to be done with a sequence, worked out before anything changes.
    struct Verdict {
        std::vector<int32_t> tokens;  // of which all but the last were drafted
        std::vector<sample::Logprobs> logprobs;
        sample::Sampler sampler;      // behind them
        sample::Stops stops;
        Stop stop = Stop::none;
    };
    Verdict verdict(Generation& g, std::span<const int32_t> draft, size_t row, int64_t position) const;
    static void take(Generation& g, Verdict verdict);
    static void fail(Generation& g);
    static void end_drafting(Generation& g);
    sample::Choice chosen(const Request& r, const sample::Sampler& sampler, size_t row, int64_t position,
                          std::optional<int32_t> draft) const;
    void cut(Generation& g, const std::vector<model::Candidate>& chain, int sequences, double other_drafts);
    void tell(const std::vector<Generation*>& going, double seconds, bool beside_prompt);
    Stop stop_at(const Generation& g, const sample::Stops& stops, size_t tokens, int32_t token, int64_t position) const;

    model::Context& context_;
    Drafter* drafter_;
    sequence::PrefixCache* cache_;
    std::list<Generation> all_;
    RoundCosts costs_;
    struct Spent {           // by a drafter, in this round
        std::string who;
        int sequences, longest;
        double seconds;
        bool reading;
    };
    std::vector<Spent> spent_;
    uint64_t turn_ = 0;  // whose prompt ran last
    int joint_ = 0;      // rounds beside a prompt since one ran by itself
};

}  // namespace rw::spec
