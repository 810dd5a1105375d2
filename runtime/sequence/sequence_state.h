// Everything that a sequence has in a model's memory, addressed by position, and the law of going back.
//
//     SequenceState state(context);
//     context.run({state.part(tokens)}, ...), state.advance(tokens.size());
//     state.rollback(state.pos() - 2);          // exactly the state after two tokens fewer, or Error(range) says why not
//
// pos is the number of tokens that the state has taken in; the next one gets that position. What can be returned to
// follows from what is stored, never from what was asked before. Ring form: with H the highest end ever computed, the
// bases and rows of the last n_base blocks of W positions are there, so p is valid iff p >= W max(0, floor(H/W) - n_base
// + 1). Snapshot form: the states after the last few tokens of the last call (of a prompt's, after its last) are in slots; slot s of K holds that after
// position end - (K - 1 - s). Checkpoint form: if the last call was an exact one of several tokens, the state before it is
// there, and its tokens are computed again up to p. Keys, values and hidden rows go back as far as these.
#pragma once

#include <string>

#include "runtime/model/context.h"

namespace rw::sequence {

class SequenceState {
public:
    /// An empty sequence in a pool row of its own, which it gives back when it ends. The context has to outlive it.
    explicit SequenceState(model::Context& context) : context_(&context), row_(context.take_row()) {}
    ~SequenceState() { release(); }
    SequenceState(SequenceState&& other) noexcept { *this = std::move(other); }
    SequenceState& operator=(SequenceState&& other) noexcept;

    model::Context& context() const { return *context_; }
    int64_t row() const { return row_; }
    int64_t pos() const { return pos_; }
    /// Positions left in the context.
    int64_t room() const { return context_->options().pools.context - pos_; }

    /// The tokens as this sequence's part of a call.
    model::Part part(std::span<const int32_t> tokens) const;
    /// The part was run: n tokens more; mtp: through the MTP block too.
    void advance(int64_t n, bool mtp = false);
    /// Whether the MTP block knows all of the sequence's tokens, so that it can draft.
    bool mtp_ready() const { return context_->has_mtp() && mtp_end_ >= pos_; }

    /// The lowest position that can be returned to; in checkpoint form some of the way is computed again.
    int64_t lowest() const;
    /// Why `pos` cannot be returned to; empty when it can.
    std::string refusal(int64_t pos) const;
    /// Sets pos. Throws Error(range) with the refusal, and changes nothing then. Returns how many tokens had to be computed
    /// again: none but in checkpoint form, where that is a call, which ends what could be read of the one before. Should
    /// that call fail, the sequence is where the last one began, as pos() says.
    int64_t rollback(int64_t pos);
    /// Forgets all tokens.
    void reset();

    /// A sequence of its own with the same tokens. It can be rolled back as far as its position's block, or not at all
    /// in the other forms.
    SequenceState fork() const;

    /// Where the live bytes at this position lie: what a copy has to hold and nothing else.
    struct Piece {
        core::Buffer* buffer;
        uint64_t offset, bytes;
    };
    enum class Which { trunk, mtp };
    std::vector<Piece> live(Which which) const;
    /// Of these, what is of the position alone: the recurrent layers' states and inputs; the hidden rows that the MTP block
    /// is fed with.
    std::vector<Piece> live_state(Which which) const;
    /// And what there is for each token: keys and values, those of positions [from, to).
    std::vector<Piece> live_rows(Which which, int64_t from, int64_t to) const;
    /// Of both parts. In any context the bytes are the same in the same order; where a ring wraps and
    /// cuts a piece in two depends on its length.
    std::vector<Piece> live_all() const;
    /// Of the trunk's live bytes: the same for the same tokens, however they were grouped into calls and rolled back.
    uint64_t hash() const;
    /// Takes over that the row holds the live bytes of `pos` tokens, the MTP block's or not, and nothing before. They may
    /// be written afterwards, to where live() then says.
    void adopt(int64_t pos, bool mtp);

private:
    void release();
    int64_t slot() const;
    int64_t compute_again(int64_t pos);

    model::Context* context_ = nullptr;
    int64_t row_ = 0;
    int64_t pos_ = 0, high_ = 0;
    int64_t mtp_end_ = 0;         // the MTP block knows the tokens before
    int64_t floor_ = 0;           // nothing below was ever stored here (fork, load)
    int64_t end_ = 0, kept_ = 1;  // snapshot form: states after positions (end - kept, end] are in the last slots
};

}  // namespace rw::sequence
