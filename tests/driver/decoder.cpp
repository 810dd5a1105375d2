#include "tests/driver/decoder.h"

#include <algorithm>

namespace rw::test {
namespace {

constexpr double tolerance = 4e-7;  // both sides may be off by 1e-7

/// The axis of a memory argument that positions or blocks go round in; the pool is the next one.
size_t turning(const Inputs& in, int arg) { return size_t(in.op->args[size_t(arg)].rank) - 2; }

}  // namespace

/// What the length of the stream means for `path` does not concern the calls that are cut from it.
Streams::Streams(Lab& lab, int64_t length)
    : form(lab.op, lab.suite), shape_(lab.inputs()), oldest_(lab.suite.oldest) {
    if (!oldest_) throw Error(Status::internal, std::string(lab.op.name) + ": its suite has no `oldest`");
    const std::string words = "T=" + std::to_string(length) + " path=auto";
    truth = lab.inputs(words), junk = lab.inputs(words, lab.seed + 1);
    for (Inputs* in : {&truth, &junk})
        in->example.attr[size_t(form.path)] = shape_.example.attr[size_t(form.path)];
    const TokenArg& out = form.out.front();
    B = truth.ne(out.arg)[size_t(out.dim) + 1], T = shape_.ne(out.arg)[size_t(out.dim)];
    W = field(shape_, "W", 16), n_base = field(shape_, "n_base", 2);
    for (int64_t b = 0; b < B; ++b) origin.push_back(shape_.index(form.pos, b, 0));
}

int64_t Streams::oldest(size_t b, int64_t H) const {
    return std::max<int64_t>(0, oldest_(shape_.shape(), origin[b] + H) - origin[b]);
}

Decoder::Decoder(Lab& lab, const Streams& streams) : lab_(&lab), streams_(&streams) {
    for (const int arg : streams.form.memory) memory_.push_back(streams.truth.value[size_t(arg)]);
    for (int64_t b = 0; b < streams.B; ++b) list_.push_back(whole_sequence(streams.form, streams.truth, b));
}

TokenRows Decoder::run(const std::vector<int64_t>& pos, const std::vector<int64_t>& n, const std::vector<int64_t>& right,
                       int path) {
    const Streams& s = *streams_;
    std::vector<Piece> good, bad;
    std::vector<int64_t> positions;
    for (size_t b = 0; b < list_.size(); ++b) {
        good.push_back({&s.truth, list_[b], pos[b], pos[b] + n[b]});
        bad.push_back({&s.junk, list_[b], pos[b], pos[b] + n[b]});
        positions.push_back(s.origin[b] + pos[b]);
    }
    Inputs call = tokens_of(s.form, good);
    replace_tail(s.form, call, tokens_of(s.form, bad), right);
    call.put_list(s.form.pos, positions);
    if (path >= 0) call.example.attr[size_t(s.form.path)] = path;
    for (size_t i = 0; i < memory_.size(); ++i) call.value[size_t(s.form.memory[i])] = memory_[i];
    const Outcome got = lab_->run(call);
    for (size_t i = 0; i < memory_.size(); ++i) memory_[i] = got.value[size_t(s.form.memory[i])];
    TokenRows rows(list_.size());
    for (size_t b = 0; b < list_.size(); ++b)
        for (int64_t t = 0; t < n[b]; ++t)
            rows[b].push_back(out_row(s.form, call, got, {int64_t(b), int64_t(b), n[b], 0, 0, int64_t(b)}, t));
    return rows;
}

TokenRows Decoder::run(int64_t pos, int64_t n, int64_t right, int path) {
    const auto all = [&](int64_t x) { return std::vector<int64_t>(list_.size(), x); };
    return run(all(pos), all(n), all(right), path);
}

std::vector<double> Decoder::slot(size_t memory, int64_t b, int64_t slot) const {
    const int arg = streams_->form.memory[memory];
    const Extent& ne = streams_->truth.ne(arg);
    int64_t size = 1;
    for (size_t d = 0; d < turning(streams_->truth, arg); ++d) size *= ne[d];
    const auto from = memory_[memory].begin() + (b * ne[turning(streams_->truth, arg)] + slot) * size;
    return {from, from + size};
}

Record::Record(Lab& lab, const Streams& streams, int64_t count) : lab_(lab), streams_(streams), rows_(size_t(streams.B)) {
    Decoder decoder(lab, streams);
    keep(decoder, -1);
    for (int64_t t = 0; t < count; ++t) {
        const TokenRows got = decoder.run(t, 1, 1);
        for (size_t b = 0; b < got.size(); ++b) rows_[b].push_back(got[b][0]);
        keep(decoder, t);
    }
}

void Record::keep(const Decoder& decoder, int64_t token) {
    for (size_t m = 0; m < streams_.form.memory.size(); ++m) {
        const int arg = streams_.form.memory[m];
        const int64_t slots = streams_.truth.ne(arg)[turning(streams_.truth, arg)];
        for (size_t b = 0; b < rows_.size(); ++b) {
            const int64_t end = streams_.origin[b] + token + 1, block = end / streams_.W;
            if (slots != streams_.n_base) {
                if (token >= 0) kept_[{m, b, end - 1}] = decoder.slot(m, int64_t(b), (end - 1) % slots);
            } else if (token < 0 || end % streams_.W == 0) {
                kept_[{m, b, block}] = decoder.slot(m, int64_t(b), block % slots);
            }
        }
    }
}

bool Record::same_rows(const std::string& where, size_t b, int64_t at, const std::vector<std::vector<double>>& got,
                       int64_t count, bool bits) const {
    for (int64_t t = 0; t < count; ++t) {
        const auto& want = rows_[b][size_t(at + t)];
        const std::string what = where + "sequence " + std::to_string(b) + ", token " + std::to_string(at + t);
        if (!lab_.same_or_close(bits, what, want.data(), got[size_t(t)].data(), want.size(), tolerance)) return false;
    }
    return true;
}

bool Record::same_memory(const std::string& where, const Decoder& decoder, size_t b, int64_t from, int64_t to,
                         bool bits) const {
    const int64_t first = streams_.origin[b] + from, end = streams_.origin[b] + to;
    for (size_t m = 0; m < streams_.form.memory.size(); ++m) {
        const int arg = streams_.form.memory[m];
        const int64_t slots = streams_.truth.ne(arg)[turning(streams_.truth, arg)];
        const bool blocks = slots == streams_.n_base;
        for (int64_t i = blocks ? first / streams_.W : first; i < (blocks ? end / streams_.W + 1 : end); ++i) {
            const std::vector<double>& want = kept_.at({m, b, i});
            const std::vector<double> got = decoder.slot(m, int64_t(b), i % slots);
            const std::string what = where + "sequence " + std::to_string(b) + ", " + lab_.op.args[size_t(arg)].name +
                                     (blocks ? " of block " : " of position ") + std::to_string(i);
            if (!lab_.same_or_close(bits, what, want.data(), got.data(), want.size(), tolerance)) return false;
        }
    }
    return true;
}

}  // namespace rw::test
