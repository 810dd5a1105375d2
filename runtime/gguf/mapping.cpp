#include "runtime/gguf/mapping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "rewind/ops/contract.h"

namespace rw::gguf {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
    const int error = errno;
    throw Error(error == ENOENT ? Status::not_found : Status::io, fmt::format("{}: {}: {}", path, what, std::strerror(error)));
}

const char* kind(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "a socket";
}

}  // namespace

Mapping::Mapping(const std::string& path) : path_(path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe without a writer must not block
    if (file < 0) fail(path, "cannot open");
    struct Close {
        int file;
        ~Close() { if (file >= 0) close(file); }
    } guard{file};
    struct stat facts {};
    if (fstat(file, &facts) != 0) fail(path, "cannot stat");
    if (!S_ISREG(facts.st_mode))
        throw Error(Status::io, fmt::format("{}: is {}; a model is a regular file", path, kind(facts.st_mode)));
    size_ = size_t(facts.st_size);
    if (size_ > 0) {
        void* base = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
        if (base == MAP_FAILED) fail(path, "cannot map");
        base_ = static_cast<const std::byte*>(base);
    }
    file_ = std::exchange(guard.file, -1);
}

Mapping::Mapping(Mapping&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Mapping::~Mapping() {
    if (base_) munmap(const_cast<std::byte*>(base_), size_);
    if (file_ >= 0) close(file_);
}

void Mapping::check() const {
    struct stat facts {};
    if (fstat(file_, &facts) != 0) fail(path_, "cannot stat");
    if (uint64_t(facts.st_size) < size_)
        throw Error(Status::io, fmt::format("{}: shrank from {} to {} bytes while it was open", path_, size_, facts.st_size));
}

void Mapping::read(uint64_t from, std::span<std::byte> to) const {
    while (!to.empty()) {
        const ssize_t n = pread(file_, to.data(), to.size(), off_t(from));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(path_, "cannot read");
        if (n == 0) throw Error(Status::io, fmt::format("{}: ends at byte {}; it shrank while it was open", path_, from));
        from += uint64_t(n);
        to = to.subspan(size_t(n));
    }
}

}  // namespace rw::gguf
