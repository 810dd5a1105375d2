#include "runtime/sequence/save.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "runtime/checksum.h"

namespace rw::sequence {
namespace {

constexpr uint32_t magic = 0x53535752, version = 2;  // "RWSS"; 1 had no turns

struct Header {
    uint32_t magic, version;
    uint64_t fingerprint;
    uint32_t form, W, kv, parts;
    int64_t pos, tokens, turns;
    uint64_t bytes;
};

/// Of a sequence without tokens.
Header header_for(const model::Context& context) {
    const model::PoolShape& shape = context.options().pools;
    return {magic,
            version,
            context.model().fingerprint(),
            uint32_t(shape.form),
            uint32_t(shape.W),
            uint32_t(shape.kv),
            context.has_mtp() ? 2u : 1u,
            0,
            0,
            0,
            0};
}

Header header_for(const SequenceState& state, size_t tokens) {
    Header header = header_for(state.context());
    header.parts = state.mtp_ready() ? 2 : 1;
    header.pos = state.pos(), header.tokens = int64_t(tokens), header.turns = int64_t(state.turns().size());
    return header;
}

/// A file of another name, which gets its own when it is whole and is removed when it does not come to that.
class Writer {
public:
    explicit Writer(const std::string& path)
        : path_(path), partial_(path + ".partial"), file_(std::fopen(partial_.c_str(), "wb")) {
        note(file_ != nullptr);
    }
    ~Writer() {
        if (file_) std::fclose(file_), std::remove(partial_.c_str());
    }
    void put(const void* data, size_t bytes) {
        if (file_ && bytes) note(std::fwrite(data, 1, bytes, file_) == bytes);
    }
    /// Throws Error(io) with what failed first.
    void finish() {
        if (std::FILE* const file = std::exchange(file_, nullptr)) {
            note(std::fclose(file) == 0);
            if (!error_) note(std::rename(partial_.c_str(), path_.c_str()) == 0);
            if (error_) std::remove(partial_.c_str());
        }
        if (error_)
            throw Error(Status::io,
                        fmt::format("{}: the sequence could not be saved: {}", path_, std::strerror(error_)));
    }

private:
    void note(bool good) {
        if (!good && !error_) error_ = errno ? errno : EIO;
    }
    const std::string path_, partial_;
    std::FILE* file_;
    int error_ = 0;
};

/// put(data, bytes) of a saved sequence's parts, in their order: all but its checksum.
template <class Put>
void each_part(const SequenceState& state, std::span<const int32_t> tokens, const Put& put) {
    if (int64_t(tokens.size()) < state.pos())
        throw Error(Status::invalid_argument,
                    fmt::format("save: {} tokens of a sequence that has {}", tokens.size(), state.pos()));
    const auto pieces = state.live_all();
    Header header = header_for(state, tokens.size());
    for (const auto& piece : pieces) header.bytes += piece.bytes;
    put(&header, sizeof header);
    put(tokens.data(), tokens.size_bytes());
    put(state.turns().data(), state.turns().size() * sizeof(SequenceState::Turn));
    std::vector<std::byte> bytes;
    for (const auto& piece : pieces) {
        bytes.resize(piece.bytes);
        piece.buffer->read(piece.offset, bytes.data(), bytes.size());
        put(bytes.data(), bytes.size());
    }
}

[[noreturn]] void refuse_as_cut(const std::string& name) {
    throw Error(Status::invalid_argument, name + ": ends too early; the file is not whole");
}

/// A file, but for the checksum at its end.
class FileReader {
public:
    explicit FileReader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
        if (!file_) throw Error(Status::io, path + ": cannot be opened: " + std::strerror(errno));
        std::error_code error;
        left_ = std::filesystem::file_size(path, error);
        if (error) throw Error(Status::io, path + ": cannot be read: " + error.message());
        left_ -= std::min<uint64_t>(left_, sizeof(uint64_t));
    }
    void get(void* data, uint64_t bytes) {
        if (bytes > left_) refuse_as_cut(path_);
        read(data, bytes);
        left_ -= bytes;
        sum_.add({static_cast<const std::byte*>(data), size_t(bytes)});
    }
    /// Of what may be got.
    uint64_t left() const { return left_; }
    /// When all has been got.
    void check_sum() {
        uint64_t kept = 0;
        read(&kept, sizeof kept);
        if (sum_.value() != kept)
            throw Error(Status::invalid_argument, path_ + ": damaged: its checksum does not fit its content");
    }

private:
    void read(void* data, uint64_t bytes) {
        if (!file_.read(static_cast<char*>(data), std::streamsize(bytes)))
            throw Error(Status::io, path_ + ": cannot be read");
    }
    const std::string& path_;
    std::ifstream file_;
    uint64_t left_ = 0;
    Checksum sum_;
};

/// The same of what is in host memory already.
class ImageReader {
public:
    explicit ImageReader(std::span<const std::byte> image) : rest_(image) {}
    void get(void* data, uint64_t bytes) {
        if (bytes > rest_.size()) refuse_as_cut("image");
        std::copy_n(rest_.begin(), bytes, static_cast<std::byte*>(data));
        rest_ = rest_.subspan(size_t(bytes));
    }
    uint64_t left() const { return rest_.size(); }

private:
    std::span<const std::byte> rest_;
};

void check(const Header& found, const Header& want, const std::string& path) {
    const auto that = [&](bool ok, const char* text) {
        if (!ok) throw Error(Status::invalid_argument, path + ": " + text);
    };
    that(found.magic == want.magic, "not a saved sequence");
    if (found.version != want.version)
        throw Error(Status::invalid_argument,
                    fmt::format("{}: saved in form {} by another version of the library, which knows form {}; run the text "
                                "again and save it",
                                path, found.version, want.version));
    that(found.fingerprint == want.fingerprint, "saved from another model");
    that(found.form == want.form && found.W == want.W && found.kv == want.kv,
         "saved with another rollback mode, block length or KV cache type; make the context with those");
    that(found.parts == 1 || (found.parts == 2 && want.parts == 2),
         "saved with an MTP block; make the context with it");
    that(found.pos >= 0 && found.tokens >= found.pos && found.tokens < (int64_t(1) << 31) && found.turns >= 0 &&
             found.turns <= found.pos,
         "damaged: its counts make no sense");
}

template <class Reader>
Header read_header(Reader& in, const model::Context& context, const std::string& name) {
    Header header;
    in.get(&header, sizeof header);
    check(header, header_for(context), name);
    if (header.pos > context.options().pools.context)
        throw Error(Status::range, fmt::format("{}: has {} tokens, more than the context's {}", name, header.pos,
                                               context.options().pools.context));
    const uint64_t before = uint64_t(header.tokens) * 4 + uint64_t(header.turns) * sizeof(SequenceState::Turn);
    if (in.left() < before || in.left() - before != header.bytes) refuse_as_cut(name);
    return header;
}

/// What stands behind the header and before the live bytes.
struct Story {
    std::vector<int32_t> tokens;
    std::vector<SequenceState::Turn> turns;
};

template <class Reader>
Story read_story(Reader& in, const Header& header, const std::string& name) {
    Story story{std::vector<int32_t>(size_t(header.tokens)), std::vector<SequenceState::Turn>(size_t(header.turns))};
    auto& [tokens, turns] = story;
    in.get(tokens.data(), tokens.size() * 4);
    in.get(turns.data(), turns.size() * sizeof turns[0]);
    for (size_t i = 0; i < turns.size(); ++i) {
        const auto& [pos, shift] = turns[i];
        if (pos <= (i ? turns[i - 1].pos : 0) || pos > header.pos || shift < -pos || shift > INT32_MAX - pos)
            throw Error(Status::invalid_argument, name + ": damaged: its rotary positions make no sense");
    }
    return story;
}

template <class Reader>
Loaded read_state(Reader& in, model::Context& context, const std::string& name) {
    const Header header = read_header(in, context, name);
    SequenceState state(context);
    auto [tokens, turns] = read_story(in, header, name);
    state.adopt(header.pos, header.parts == 2, std::move(turns));
    uint64_t want = 0;
    const auto pieces = state.live_all();
    for (const auto& piece : pieces) want += piece.bytes;
    if (header.bytes != want)
        throw Error(Status::invalid_argument, fmt::format("{}: damaged: holds {} bytes of state where {} are expected",
                                                          name, header.bytes, want));
    std::vector<std::byte> bytes;
    for (const auto& piece : pieces) {
        bytes.resize(piece.bytes);
        in.get(bytes.data(), bytes.size());
        piece.buffer->write(piece.offset, bytes.data(), bytes.size());
    }
    return {std::move(state), std::move(tokens)};
}

}  // namespace

void save(const SequenceState& state, std::span<const int32_t> tokens, const std::string& path) {
    Writer out(path);
    Checksum sum;
    each_part(state, tokens, [&](const void* data, size_t bytes) {
        sum.add({static_cast<const std::byte*>(data), bytes});
        out.put(data, bytes);
    });
    const uint64_t value = sum.value();
    out.put(&value, sizeof value);
    out.finish();
}

std::vector<std::byte> image_of(const SequenceState& state, std::span<const int32_t> tokens) {
    uint64_t live = 0;
    for (const auto& piece : state.live_all()) live += piece.bytes;
    std::vector<std::byte> image;
    image.reserve(sizeof(Header) + live + tokens.size_bytes() + state.turns().size() * sizeof(SequenceState::Turn));
    each_part(state, tokens, [&](const void* data, size_t bytes) {
        const auto* from = static_cast<const std::byte*>(data);
        image.insert(image.end(), from, from + bytes);
    });
    return image;
}

void write_image(std::span<const std::byte> image, const std::string& path) {
    Checksum sum;
    sum.add(image);
    const uint64_t value = sum.value();
    Writer out(path);
    out.put(image.data(), image.size());
    out.put(&value, sizeof value);
    out.finish();
}

std::vector<std::byte> read_image(const model::Context& context, const std::string& path) {
    FileReader in(path);
    const Header header = read_header(in, context, path);
    if (header.bytes > model::total(context.ledger()))
        throw Error(Status::invalid_argument, path + ": damaged: has more state than all sequences of the context");
    const uint64_t rest = in.left();
    std::vector<std::byte> image;
    try {
        image.resize(sizeof header + rest);
    } catch (const std::bad_alloc&) {
        throw Error(Status::out_of_memory,
                    fmt::format("{}: {} bytes of host memory are needed to read it; free some", path, rest));
    }
    std::memcpy(image.data(), &header, sizeof header);
    in.get(image.data() + sizeof header, rest);
    in.check_sum();
    ImageReader story{std::span<const std::byte>(image).subspan(sizeof header)};
    read_story(story, header, path);
    return image;
}

Loaded load_image(model::Context& context, std::span<const std::byte> image) {
    ImageReader in(image);
    return read_state(in, context, "image");
}

Loaded load(model::Context& context, const std::string& path) {
    FileReader in(path);
    Loaded loaded = read_state(in, context, path);
    in.check_sum();
    return loaded;
}

}  // namespace rw::sequence
