// One choice of an answer while it comes: a job's tokens as text, up to a stop string, and the figures behind it.
#pragma once

#include "runtime/serve/call.h"
#include "runtime/serve/job.h"
#include "runtime/serve/text_reader.h"

namespace rw::serve {

/// What came between two looks.
struct Piece : News {
    std::string text;
};

class Reading {
public:
    Reading(std::shared_ptr<Job> job, TextReader reader) : job_(std::move(job)), reader_(std::move(reader)) {}

    /// What came since the last call, after waiting for at most so long.
    Piece next(std::chrono::milliseconds most);
    bool over() const { return over_; }
    /// Once it is over. Throws the Problem that ended it, if one did.
    const Outcome& outcome() const;
    /// "stop" or "length", as OpenAI has them.
    const char* finish_reason() const;
    /// So far.
    int64_t tokens() const { return tokens_; }

private:
    Held job_;
    TextReader reader_;
    int64_t tokens_ = 0;
    bool over_ = false;
};

/// Several choices at once, looked at in turn.
class Readings {
public:
    /// What a choice has got; last: and that it was all.
    using Tell = std::function<void(size_t choice, const Piece& piece, bool last)>;

    Readings() = default;
    explicit Readings(std::vector<Reading> list) { add(std::move(list)); }
    /// The choices of one prompt.
    void add(std::vector<Reading> more) {
        for (size_t i = 0; i < more.size(); ++i) list_.push_back(std::move(more[i])), repeats_.push_back(i > 0);
    }
    /// Whether the choice before has the same prompt.
    bool repeats(size_t i) const { return repeats_[i]; }
    size_t size() const { return list_.size(); }
    const Reading& operator[](size_t i) const { return list_[i]; }
    /// One look at each that is not over yet; false when that were the last ones.
    bool look(const Tell& tell);
    /// All of it. Throws Problem when the client leaves meanwhile.
    void wait(const Call& call, const Tell& tell);

private:
    std::vector<Reading> list_;
    std::vector<bool> repeats_;
};

/// The figures of all choices together; `told` are those of a prompt once, however many choices it has.
struct Figures {
    int64_t told_prompt = 0, told_cached = 0;
    int64_t prompt = 0, cached = 0, predicted = 0, drafted = 0, accepted = 0;
    double prompt_seconds = 0, predicted_seconds = 0;

    Figures() = default;
    explicit Figures(const Readings& readings);
    /// {"prompt_tokens": ..., "completion_tokens": ..., "total_tokens": ..., "prompt_tokens_details": {"cached_tokens": ...}}
    Json usage() const;
    /// {"cache_n": ..., "prompt_n": ..., "prompt_ms": ..., "predicted_n": ..., "draft_n": ..., "draft_n_accepted": ...}
    Json timings() const;
};

}  // namespace rw::serve
