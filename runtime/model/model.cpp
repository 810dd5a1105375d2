#include "runtime/model/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/checksum.h"
#include "runtime/gguf/check.h"

namespace rw::model {
namespace {

/// What has to be the same in the trunk's file and the MTP block's.
void check_pair(const gguf::Geometry& a, const gguf::Geometry& b, const std::string& name) {
    const auto same = [&](const char* what, auto x, auto y) {
        if (x != y)
            throw Error(Status::invalid_argument,
                        fmt::format("{}: its {} is {}, the model's is {}; take the MTP file that was made "
                                    "with the model",
                                    name, what, y, x));
    };
    if (!b.mtp_only)
        throw Error(Status::invalid_argument,
                    name +
                        ": not a file of an MTP block alone (block_count counts it, and the trunk's "
                        "tensors are absent)");
    if (a.mtp_blocks > 0)
        throw Error(Status::invalid_argument,
                    name + ": the model has an MTP block in its own file; leave this one out");
    same("architecture", std::string(a.family->name), std::string(b.family->name));
    same("number of trunk blocks", a.trunk(), b.trunk());
    same("width", a.width, b.width);
    same("vocabulary", a.vocab, b.vocab);
    same("rotary base", a.rope_base, b.rope_base);
    same("rotary dimensions", a.rope_dims, b.rope_dims);
    same("rotary sections", fmt::format("{}", fmt::join(a.rope_sections, ",")),
         fmt::format("{}", fmt::join(b.rope_sections, ",")));
    same("head size", a.key_length, b.key_length);
    same("length of values", a.value_length, b.value_length);
    same("norm epsilon", a.eps, b.eps);
    same("feed-forward length", a.ff, b.ff);
    same("number of experts", a.experts, b.experts);
    same("number of experts used", a.experts_used, b.experts_used);
    same("expert feed-forward length", a.expert_ff, b.expert_ff);
    same("shared feed-forward length", a.shared_ff, b.shared_ff);
}

void add_to(const gguf::File& file, Checksum& sum) {
    std::vector<std::byte> sample;
    for (const gguf::TensorInfo& t : file.tensors()) {
        sum.add(std::as_bytes(std::span(t.name)));
        sum.add(std::as_bytes(std::span(t.ne)));
        sum.add(std::as_bytes(std::span(&t.type, 1)));
        sample.resize(std::min<uint64_t>(t.bytes, 64));
        file.read(t, (t.bytes - sample.size()) / 2, sample);
        sum.add(sample);
    }
}

void add_to(const gguf::Geometry& g, Checksum& sum) {
    const double numbers[] = {double(g.blocks),
                              double(g.mtp_blocks),
                              double(g.width),
                              double(g.vocab),
                              double(g.key_length),
                              g.eps,
                              g.rope_base,
                              double(g.rope_dims),
                              double(g.rope_sections[0]),
                              double(g.rope_sections[1]),
                              double(g.rope_sections[2]),
                              double(g.conv),
                              double(g.state),
                              double(g.k_heads),
                              double(g.v_heads),
                              double(g.experts_used)};
    sum.add(std::as_bytes(std::span(numbers)));
    sum.add(std::as_bytes(std::span(g.heads)));
    sum.add(std::as_bytes(std::span(g.kv_heads)));
    for (const bool recurrent : g.recurrent) sum.add(std::as_bytes(std::span(&recurrent, 1)));
}

}  // namespace

Model::Model(const std::string& path, const std::string& mtp) : file_(path), geometry_(gguf::checked_geometry(file_)) {
    if (geometry_.mtp_only)
        throw Error(Status::invalid_argument,
                    path + ": holds an MTP block alone; name the model's file, and this one as its MTP file");
    if (geometry_.key_length != geometry_.value_length)
        throw Error(Status::unsupported,
                    fmt::format("{}: keys of {} and values of {} elements; the output gate needs them alike", path,
                                geometry_.key_length, geometry_.value_length));
    Checksum sum;
    add_to(file_, sum);
    if (!mtp.empty()) {
        mtp_.emplace(mtp);
        const gguf::Geometry other = gguf::checked_geometry(*mtp_);
        check_pair(geometry_, other, mtp);
        geometry_.blocks = other.blocks, geometry_.mtp_blocks = other.mtp_blocks;
        geometry_.heads.push_back(other.heads.back()), geometry_.kv_heads.push_back(other.kv_heads.back());
        geometry_.recurrent.push_back(false);
        add_to(*mtp_, sum);
    }
    add_to(geometry_, sum);
    fingerprint_ = sum.value();
}

Weights Model::load(Memory& memory, bool with_mtp, const Progress& progress) const {
    return load_weights(file_, geometry_, mtp_file(), with_mtp && geometry_.mtp_blocks > 0, memory, progress);
}

}  // namespace rw::model
