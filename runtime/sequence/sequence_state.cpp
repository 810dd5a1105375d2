#include "runtime/sequence/sequence_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/checksum.h"

namespace rw::sequence {
namespace {

using Piece = SequenceState::Piece;

/// Rows [from, to) of dimension `d` of a pool row, which repeat every ne[d]: one piece, or two where they wrap.
void add_rows(std::vector<Piece>& list, const Tensor& t, int d, int64_t pool_row, int64_t from, int64_t to) {
    const int64_t rows = t.ne[size_t(d)], start = pool_row * t.nb[size_t(d) + 1], row = t.nb[size_t(d)];
    while (from < to) {
        const int64_t at = from % rows, n = std::min(to - from, rows - at);
        list.push_back({t.buffer, t.offset + uint64_t(start + at * row), uint64_t(n * row)});
        from += n;
    }
}

}  // namespace

SequenceState& SequenceState::operator=(SequenceState&& other) noexcept {
    if (this == &other) return *this;
    release();
    context_ = std::exchange(other.context_, nullptr);
    row_ = other.row_, pos_ = other.pos_, high_ = other.high_, floor_ = other.floor_, end_ = other.end_, kept_ = other.kept_;
    mtp_end_ = other.mtp_end_, turns_ = std::move(other.turns_);
    return *this;
}

void SequenceState::release() {
    if (context_) context_->give_row(row_);
    context_ = nullptr;
}

/// Where the state at pos_ is.
int64_t SequenceState::slot() const {
    const model::PoolShape& shape = context_->options().pools;
    return shape.form == model::StateForm::snapshots && pos_ > 0 ? shape.most_exact - 1 - (end_ - pos_) : 0;
}

model::Part SequenceState::part(std::span<const int32_t> tokens) const {
    return {.row = row_, .pos = pos_, .slot = slot(), .tokens = tokens, .shift = rope_shift()};
}

void SequenceState::advance(int64_t n, bool mtp) {
    if (n == 0) return;
    const std::span<const int32_t> rope = context_->ran_rope(row_);
    int64_t next = pos_ + rope_shift(), shift = rope_shift();
    std::vector<Turn> turns = turns_;
    for (int64_t t = pos_ + 1; t <= pos_ + std::min(n, int64_t(rope.size())); ++t) {
        next = std::max<int64_t>(next, rope[size_t(t - pos_ - 1)] + int64_t(1));
        if (next - t != shift) turns.push_back({t, shift = next - t});
    }
    turns_ = std::move(turns);
    if (mtp && mtp_end_ >= pos_) mtp_end_ = pos_ + n;
    pos_ += n, end_ = pos_;
    high_ = std::max(high_, pos_);
    kept_ = context_->ran_prompt(row_) ? 1 : std::min(n, context_->options().pools.most_exact);
    const auto later = [](int64_t pos, const Turn& turn) { return pos < turn.pos; };
    const auto needed = std::upper_bound(turns_.begin(), turns_.end(), lowest(), later);
    if (needed - turns_.begin() > 1) turns_.erase(turns_.begin(), needed - 1);
}

/// To one that was passed.
void SequenceState::set_pos(int64_t pos) {
    pos_ = pos;
    while (!turns_.empty() && turns_.back().pos > pos) turns_.pop_back();
}

int64_t SequenceState::lowest() const {
    const model::PoolShape& shape = context_->options().pools;
    if (shape.form == model::StateForm::checkpoint) {
        const model::Checkpoints::Kept& kept = context_->checkpoints().of(row_);
        return kept.pos + int64_t(kept.tokens.size()) == pos_ ? kept.pos : pos_;
    }
    if (shape.form == model::StateForm::snapshots) return end_ == 0 ? 0 : std::max(floor_, end_ - kept_ + 1);
    return std::max(floor_, shape.W * std::max<int64_t>(0, high_ / shape.W - shape.n_base() + 1));
}

std::string SequenceState::refusal(int64_t pos) const {
    if (pos > pos_) return fmt::format("position {} has not been reached: the sequence is at {}", pos, pos_);
    if (pos < lowest()) {
        const bool checkpoint = context_->options().pools.form == model::StateForm::checkpoint;
        return fmt::format("position {} cannot be returned to: what is stored reaches back to {}; reset and compute it "
                           "again, or make the context {}",
                           pos, lowest(), checkpoint ? "in ring form" : "for longer drafts");
    }
    return "";
}

int64_t SequenceState::rollback(int64_t pos) {
    if (const std::string why = refusal(pos); !why.empty()) throw Error(Status::range, "rollback: " + why);
    if (context_->options().pools.form == model::StateForm::checkpoint && pos != pos_) return compute_again(pos);
    set_pos(pos), mtp_end_ = std::min(mtp_end_, pos);
    return 0;
}

/// Checkpoint form: from the state that was kept to `pos`.
int64_t SequenceState::compute_again(int64_t pos) {
    const model::Checkpoints::Kept kept = context_->checkpoints().of(row_);
    const int64_t n = pos - kept.pos, mtp_end = std::min(mtp_end_, pos);
    context_->checkpoints().restore(row_);
    set_pos(kept.pos), mtp_end_ = std::min(mtp_end, pos_);  // true also if the call fails
    if (n > 0) context_->run({part(std::span(kept.tokens).first(size_t(n)))}, {});
    pos_ = pos, mtp_end_ = mtp_end;
    return n;
}

void SequenceState::reset() {
    context_->clear_row(row_);
    pos_ = high_ = floor_ = end_ = mtp_end_ = 0, kept_ = 1;
    turns_.clear();
}

std::vector<Piece> SequenceState::live_state(Which which) const {
    const model::Pools& pools = context_->pools();
    const bool ring = pools.shape.form == model::StateForm::ring;
    const int64_t block = ring ? pos_ / pools.shape.W : 0, from = ring ? block * pools.shape.W : pos_;
    std::vector<Piece> list;
    if (which == Which::mtp) {
        if (mtp_ready() && model::present(pools.hidden))
            add_rows(list, pools.hidden, 1, row_, std::max<int64_t>(0, from - 1), pos_);
        return list;
    }
    for (const model::RecurrentPool& pool : pools.recurrent) {
        if (!ring) {
            add_rows(list, pool.base, 1, row_, slot(), slot() + 1);
            add_rows(list, pool.inputs, 1, row_, slot(), slot() + 1);
            continue;
        }
        add_rows(list, pool.base, 1, row_, block, block + 1);
        for (const Tensor* t : {&pool.ring_k, &pool.ring_d, &pool.ring_g}) add_rows(list, *t, 2, row_, from, pos_);
        add_rows(list, pool.inputs, 1, row_, std::max<int64_t>(0, from - (context_->geometry().conv - 1)), pos_);
    }
    return list;
}

std::vector<Piece> SequenceState::live_rows(Which which, int64_t from, int64_t to) const {
    std::vector<Piece> list;
    if (which == Which::mtp && !mtp_ready()) return list;
    const std::vector<model::KvPool>& kv = context_->pools().kv;
    const size_t trunk = kv.size() - (context_->has_mtp() ? 1 : 0);
    for (size_t i = which == Which::mtp ? trunk : 0; i < (which == Which::mtp ? kv.size() : trunk); ++i)
        for (const Tensor* t : {&kv[i].k, &kv[i].v}) add_rows(list, *t, 2, row_, from, to);
    return list;
}

std::vector<Piece> SequenceState::live(Which which) const {
    std::vector<Piece> states = live_state(which), rows = live_rows(which, 0, pos_);
    if (which == Which::mtp) std::swap(states, rows);  // as saved files have it
    states.insert(states.end(), rows.begin(), rows.end());
    return states;
}

std::vector<Piece> SequenceState::live_all() const {
    std::vector<Piece> list = live(Which::trunk);
    for (const Piece& piece : live(Which::mtp)) list.push_back(piece);
    return list;
}

uint64_t SequenceState::hash() const {
    Checksum sum;
    sum.add(std::as_bytes(std::span(&pos_, 1)));
    if (const int64_t shift = rope_shift()) sum.add(std::as_bytes(std::span(&shift, 1)));
    std::vector<std::byte> bytes;
    for (const Piece& piece : live(Which::trunk)) {
        bytes.resize(piece.bytes);
        piece.buffer->read(piece.offset, bytes.data(), bytes.size());
        sum.add(bytes);
    }
    return sum.value();
}

void SequenceState::adopt(int64_t pos, bool mtp, std::vector<Turn> turns) {
    const model::PoolShape& shape = context_->options().pools;
    context_->checkpoints().forget(row_);
    pos_ = high_ = end_ = pos, kept_ = 1;
    mtp_end_ = mtp ? pos : 0;
    turns_ = std::move(turns);
    floor_ = shape.form == model::StateForm::ring ? pos / shape.W * shape.W : pos;
}

SequenceState SequenceState::fork() const {
    SequenceState copy(*context_);
    copy.adopt(pos_, mtp_ready(), turns_);
    std::vector<std::byte> bytes;
    const std::vector<Piece> from = live_all(), to = copy.live_all();
    for (size_t i = 0; i < from.size(); ++i) {
        bytes.resize(from[i].bytes);
        from[i].buffer->read(from[i].offset, bytes.data(), bytes.size());
        to[i].buffer->write(to[i].offset, bytes.data(), bytes.size());
    }
    return copy;
}

}  // namespace rw::sequence
