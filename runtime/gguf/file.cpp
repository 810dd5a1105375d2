#include "runtime/gguf/file.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

constexpr char ending[] = "-00001-of-";

/// N of "...-00001-of-0000N.gguf"; 1 for every other name.
uint32_t parts_in_name(std::string_view path) {
    constexpr size_t digits = 5, length = sizeof ending - 1 + digits + 5;
    if (path.size() < length || !path.ends_with(".gguf")) return 1;
    const std::string_view tail = path.substr(path.size() - length), number = tail.substr(sizeof ending - 1, digits);
    if (!tail.starts_with(ending) || number.find_first_not_of("0123456789") != number.npos) return 1;
    return uint32_t(std::stoul(std::string(number)));
}

std::string part_name(const std::string& first, uint32_t part, uint32_t parts) {
    const std::string stem = first.substr(0, first.size() - (sizeof ending - 1 + 10));
    return fmt::format("{}-{:05}-of-{:05}.gguf", stem, part, parts);
}

}  // namespace

File::File(const std::string& path) : name_(path) {
    Mapping mapping(path);
    const auto image = mapping.bytes();
    add({std::move(mapping), image, {}}, path);
    open_parts(path);
    index();
}

File::File(std::span<const std::byte> image, std::string name) : name_(std::move(name)) {
    add({std::nullopt, image, {}}, name_);
    if (metadata().get_or<uint16_t>("split.count", 1) > 1)
        throw Error(Status::unsupported, name_ + ": one part of a split model; open it by its path");
    index();
}

void File::add(Shard shard, const std::string& name) {
    try {
        shard.header = parse_header(shard.image);
    } catch (const Error& e) {
        throw Error(e.status, name + ": " + e.what());
    }
    shards_.push_back(std::move(shard));
}

void File::open_parts(const std::string& first) {
    const auto refuse = [&](const std::string& why) { throw Error(Status::invalid_argument, first + ": " + why); };
    const auto key = [&](const Metadata& m, const char* name, uint32_t fallback) -> uint32_t {
        try {
            return m.get_or<uint16_t>(name, uint16_t(fallback));
        } catch (const Error& e) {
            throw Error(e.status, first + ": " + e.what());
        }
    };
    const uint32_t named = parts_in_name(first), count = key(metadata(), "split.count", 1);
    const uint32_t number = key(metadata(), "split.no", 0);
    if (number > 0) refuse(fmt::format("part {} of {}; open the first one, ...-00001-of-{:05}.gguf", number + 1, count, count));
    if (count <= 1 && named <= 1) return;
    if (named != count)
        refuse(fmt::format("'split.count' says {} parts, the file's name {}; parts are named ...-00001-of-{:05}.gguf", count, named, count));
    for (uint32_t i = 1; i < count; ++i) {
        const std::string path = part_name(first, i + 1, count);
        Mapping mapping(path);
        const auto image = mapping.bytes();
        add({std::move(mapping), image, {}}, path);
        const Metadata& m = shards_.back().header.metadata;
        const uint32_t says = key(m, "split.no", 0), of = key(m, "split.count", 1);
        if (says != i || of != count)
            refuse(fmt::format("{} should be part {} of {} but says part {} of {}", path, i + 1, count, says + 1, of));
    }
}

void File::index() {
    std::vector<std::string_view> names;
    for (size_t s = 0; s < shards_.size(); ++s)
        for (TensorInfo t : shards_[s].header.tensors) {
            t.shard = uint32_t(s);
            names.push_back(t.name);
            tensors_.push_back(t);
        }
    by_name_ = NameIndex(std::move(names));
    if (const auto twice = by_name_.duplicate())
        throw Error(Status::invalid_argument, fmt::format("{}: tensor {} occurs twice", name_, printable(*twice)));
    if (parts() == 1) return;
    const int64_t here = int64_t(tensors_.size()), total = metadata().get_or<int64_t>("split.tensors.count", here);
    if (total != here)
        throw Error(Status::invalid_argument,
                    fmt::format("{}: 'split.tensors.count' says {} tensors, the parts have {}", name_, total, here));
}

uint64_t File::size() const {
    uint64_t sum = 0;
    for (const Shard& s : shards_) sum += s.image.size();
    return sum;
}

uint64_t File::trailing() const {
    uint64_t sum = 0;
    for (const Shard& s : shards_)
        sum += s.image.size() - std::min<uint64_t>(s.image.size(), padded(s.header.end, s.header.alignment));
    return sum;
}

const TensorInfo* File::find(std::string_view tensor) const {
    const auto at = by_name_.find(tensor);
    return at ? &tensors_[*at] : nullptr;
}

const TensorInfo& File::tensor(std::string_view name) const {
    if (const TensorInfo* t = find(name)) return *t;
    throw Error(Status::not_found, fmt::format("{}: no tensor {}", name_, printable(name)));
}

std::span<const std::byte> File::bytes(const TensorInfo& tensor) const {
    const Shard& shard = shards_[tensor.shard];
    if (shard.mapping) shard.mapping->check();
    return shard.image.subspan(tensor.offset, tensor.bytes);
}

void File::read(const TensorInfo& tensor, uint64_t from, std::span<std::byte> to) const {
    const Shard& shard = shards_[tensor.shard];
    if (from > tensor.bytes || to.size() > tensor.bytes - from)
        throw Error(Status::invalid_argument, fmt::format("tensor {}: bytes {} to {} of {}", printable(tensor.name), from,
                                                          from + to.size(), tensor.bytes));
    if (shard.mapping) shard.mapping->read(tensor.offset + from, to);
    else std::copy_n(shard.image.begin() + ptrdiff_t(tensor.offset + from), to.size(), to.begin());
}

}  // namespace rw::gguf
