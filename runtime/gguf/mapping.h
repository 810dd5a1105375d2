// A file mapped for reading. Regular files only: a pipe, a device or a directory is refused before it is read.
//
// A mapping outlives its file's bytes: when somebody truncates the file, touching a page past the new end raises SIGBUS.
// So whoever takes bytes calls check() first, and read() goes through the file descriptor, where the same accident is a
// plain error. What the header says is taken from the mapping once, at the start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rw::gguf {

class Mapping {
public:
    explicit Mapping(const std::string& path);
    Mapping(Mapping&&) noexcept;
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping();

    const std::string& path() const { return path_; }
    std::span<const std::byte> bytes() const { return {base_, size_}; }
    /// Throws Error(io) when the file is shorter than it was when it was opened.
    void check() const;
    /// Copies bytes [from, from + to.size()) without touching the mapping.
    void read(uint64_t from, std::span<std::byte> to) const;

private:
    std::string path_;
    int file_ = -1;
    const std::byte* base_ = nullptr;
    size_t size_ = 0;
};

}  // namespace rw::gguf
