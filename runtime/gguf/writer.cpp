#include "runtime/gguf/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

template <class T>
void put_value(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string& out, std::string_view text) {
    put_value(out, uint64_t(text.size()));
    out += text;
}

}  // namespace

Draft::Draft(uint32_t alignment) : alignment_(alignment) {
    if (!std::has_single_bit(alignment) || alignment < least_alignment || alignment > most_alignment)
        throw Error(Status::invalid_argument, fmt::format("an alignment of {}: a power of two from {} to {} is expected", alignment,
                                                          least_alignment, most_alignment));
    if (alignment != default_alignment) set("general.alignment", alignment);
}

std::string& Draft::slot(const std::string& key) {
    const auto at = std::find_if(keys_.begin(), keys_.end(), [&](const auto& k) { return k.first == key; });
    if (at == keys_.end()) return keys_.emplace_back(key, "").second;
    at->second.clear();
    return at->second;
}

void Draft::put(const std::string& key, ValueType type, const void* bytes, size_t count) {
    std::string& out = slot(key);
    put_value(out, int32_t(type));
    out.append(static_cast<const char*>(bytes), count);
}

void Draft::put_array(const std::string& key, ValueType element, uint64_t count, const void* bytes, size_t size) {
    std::string& out = slot(key);
    put_value(out, int32_t(ValueType::array));
    put_value(out, int32_t(element));
    put_value(out, count);
    out.append(static_cast<const char*>(bytes), size);
}

void Draft::set(const std::string& key, std::string_view text) {
    std::string& out = slot(key);
    put_value(out, int32_t(ValueType::string));
    put_string(out, text);
}

void Draft::set_array(const std::string& key, const std::vector<std::string>& values) {
    std::string elements;
    for (const std::string& v : values) put_string(elements, v);
    put_array(key, ValueType::string, values.size(), elements.data(), elements.size());
}

void Draft::erase(const std::string& key) {
    std::erase_if(keys_, [&](const auto& k) { return k.first == key; });
}

void Draft::add(std::string name, TensorType type, const Extent& ne, int dims) {
    if (name.empty() || name.size() > longest_tensor_name)
        throw Error(Status::invalid_argument, fmt::format("tensor {}: 1 to {} bytes of name are allowed", printable(name), longest_tensor_name));
    const uint64_t bytes = tensor_bytes(name, info(type), ne);
    tensors_.push_back({std::move(name), type, ne, dims, bytes});
}

void Draft::remove(std::string_view tensor) {
    std::erase_if(tensors_, [&](const Tensor& t) { return t.name == tensor; });
}

std::string Draft::header() const {
    std::string out = "GGUF";
    put_value(out, uint32_t(3));
    put_value(out, uint64_t(tensors_.size()));
    put_value(out, uint64_t(keys_.size()));
    for (const auto& [key, value] : keys_) {
        put_string(out, key);
        out += value;
    }
    uint64_t offset = 0;
    for (const Tensor& t : tensors_) {
        put_string(out, t.name);
        put_value(out, uint32_t(t.dims));
        for (int d = 0; d < t.dims; ++d) put_value(out, t.ne[d]);
        put_value(out, int32_t(t.type));
        put_value(out, offset);
        offset += padded(t.bytes, alignment_);
    }
    out.resize(padded(out.size(), alignment_));
    return out;
}

uint64_t Draft::size() const {
    uint64_t sum = header().size();
    for (const Tensor& t : tensors_) sum += padded(t.bytes, alignment_);
    return sum;
}

Output::Output(std::string path, const Draft& draft)
    : path_(std::move(path)), part_(path_ + ".part"), alignment_(draft.alignment()) {
    for (const Draft::Tensor& t : draft.tensors()) sizes_.push_back(t.bytes);
    file_ = std::fopen(part_.c_str(), "wb");
    if (!file_) fail();
    try {
        const std::string header = draft.header();
        write(header.data(), header.size());
    } catch (...) {
        std::fclose(file_);
        std::remove(part_.c_str());
        throw;
    }
}

Output::~Output() {
    if (!file_) return;
    std::fclose(file_);
    std::remove(part_.c_str());
}

void Output::fail() const {
    throw Error(Status::io, fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
}

void Output::write(const void* bytes, size_t count) {
    if (std::fwrite(bytes, 1, count, file_) != count) fail();
}

void Output::append(std::span<const std::byte> bytes) {
    if (tensor_ == sizes_.size() || bytes.size() > sizes_[tensor_] - filled_)
        throw Error(Status::invalid_argument, fmt::format("{}: {} bytes for tensor {} are more than it has left", path_, bytes.size(), tensor_));
    write(bytes.data(), bytes.size());
    filled_ += bytes.size();
    if (filled_ < sizes_[tensor_]) return;
    const std::string zeros(padded(filled_, alignment_) - filled_, '\0');
    write(zeros.data(), zeros.size());
    ++tensor_;
    filled_ = 0;
}

void Output::finish() {
    if (tensor_ < sizes_.size())
        throw Error(Status::invalid_argument, fmt::format("{}: {} of {} tensors were written", path_, tensor_, sizes_.size()));
    std::FILE* file = std::exchange(file_, nullptr);
    const bool closed = std::fclose(file) == 0;
    if (!closed || std::rename(part_.c_str(), path_.c_str()) != 0) {
        const int error = errno;
        std::remove(part_.c_str());
        errno = error;
        fail();
    }
}

}  // namespace rw::gguf
