// A model file, or the parts that one was split into, open for reading.
//
//     const gguf::File file("model.gguf");              // or the first part, model-00001-of-00003.gguf
//     file.metadata().get<uint32_t>("qwen35.block_count");
//     file.bytes(*file.find("token_embd.weight"));
//
// Views (keys, strings, names, bytes) live as long as the File. Parts are looked for beside the first one, by the name
// that follows from its name; nothing in a file names another file. Metadata is that of the first part.
#pragma once

#include <memory>
#include <optional>

#include "runtime/gguf/header.h"
#include "runtime/gguf/mapping.h"

namespace rw::gguf {

class File {
public:
    /// Throws Error: not_found, io, or invalid_argument for content that is not a sound GGUF file.
    explicit File(const std::string& path);
    /// An image in memory, which has to outlive the File.
    File(std::span<const std::byte> image, std::string name);
    File(File&&) = default;

    const std::string& name() const { return name_; }
    const Metadata& metadata() const { return shards_.front().header.metadata; }
    uint32_t version() const { return shards_.front().header.version; }
    uint32_t alignment() const { return shards_.front().header.alignment; }
    size_t parts() const { return shards_.size(); }
    /// Of all parts together.
    uint64_t size() const;
    /// Bytes at the ends of the parts that belong to no tensor, beyond padding.
    uint64_t trailing() const;

    /// In the order of the file.
    const std::vector<TensorInfo>& tensors() const { return tensors_; }
    /// Null when there is none.
    const TensorInfo* find(std::string_view tensor) const;
    /// Throws Error(not_found).
    const TensorInfo& tensor(std::string_view name) const;
    /// A view of the tensor's data. Throws Error(io) when the file has shrunk since it was opened.
    std::span<const std::byte> bytes(const TensorInfo& tensor) const;
    /// Copies part of the tensor's data, from byte `from` of it on.
    void read(const TensorInfo& tensor, uint64_t from, std::span<std::byte> to) const;

private:
    struct Shard {
        std::optional<Mapping> mapping;
        std::span<const std::byte> image;
        Header header;
    };
    void add(Shard shard, const std::string& name);
    void open_parts(const std::string& first);
    void index();

    std::string name_;
    std::vector<Shard> shards_;
    std::vector<TensorInfo> tensors_;
    NameIndex by_name_;
};

}  // namespace rw::gguf
