#include "runtime/model/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/checksum.h"
#include "runtime/gguf/check.h"

namespace rw::model {
namespace {

/// What has to be the same in the trunk's file and the MTP block's.
void check_pair(const gguf::Geometry& a, const gguf::Geometry& b, const std::string& name) {
    const auto same = [&](const char* what, auto x, auto y) {
        if (x != y)
            throw Error(Status::invalid_argument, fmt::format("{}: its {} is {}, the model's is {}; take the MTP file that was made "
                                                              "with the model", name, what, y, x));
    };
    if (!b.mtp_only)
        throw Error(Status::invalid_argument, name + ": not a file of an MTP block alone (block_count counts it, and the trunk's "
                                                     "tensors are absent)");
    if (a.mtp_blocks > 0) throw Error(Status::invalid_argument, name + ": the model has an MTP block in its own file; leave this one out");
    same("architecture", std::string(a.family->name), std::string(b.family->name));
    same("number of trunk blocks", a.trunk(), b.trunk());
    same("width", a.width, b.width);
    same("vocabulary", a.vocab, b.vocab);
    same("rotary base", a.rope_base, b.rope_base);
    same("head size", a.key_length, b.key_length);
}

uint64_t fingerprint_of(const gguf::File& file, uint64_t seed) {
    std::vector<std::byte> sample;
    for (const gguf::TensorInfo& t : file.tensors()) {
        seed = checksum(std::as_bytes(std::span(t.name)), seed);
        seed = checksum(std::as_bytes(std::span(t.ne)), seed);
        seed = checksum(std::as_bytes(std::span(&t.type, 1)), seed);
        sample.resize(std::min<uint64_t>(t.bytes, 64));
        file.read(t, (t.bytes - sample.size()) / 2, sample);
        seed = checksum(sample, seed);
    }
    return seed;
}

}  // namespace

Model::Model(const std::string& path, const std::string& mtp) : file_(path), geometry_(gguf::checked_geometry(file_)) {
    if (geometry_.mtp_only)
        throw Error(Status::invalid_argument, path + ": holds an MTP block alone; name the model's file, and this one as its MTP file");
    if (geometry_.key_length != geometry_.value_length)
        throw Error(Status::unsupported, fmt::format("{}: keys of {} and values of {} elements; the output gate needs them alike", path,
                                                     geometry_.key_length, geometry_.value_length));
    fingerprint_ = fingerprint_of(file_, 0);
    if (mtp.empty()) return;
    mtp_.emplace(mtp);
    gguf::Geometry both = gguf::checked_geometry(*mtp_);
    check_pair(geometry_, both, mtp);
    both.mtp_only = false;
    std::copy(geometry_.recurrent.begin(), geometry_.recurrent.end(), both.recurrent.begin());
    std::copy(geometry_.heads.begin(), geometry_.heads.end(), both.heads.begin());
    std::copy(geometry_.kv_heads.begin(), geometry_.kv_heads.end(), both.kv_heads.begin());
    geometry_ = both;
    fingerprint_ = fingerprint_of(*mtp_, fingerprint_);
}

Weights Model::load(Memory& memory, const Progress& progress) const {
    return load_weights(file_, geometry_, mtp_file(), memory, progress);
}

}  // namespace rw::model
