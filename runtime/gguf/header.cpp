#include "runtime/gguf/header.h"

#include <bit>

#include "runtime/gguf/cursor.h"
#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

constexpr char alignment_key[] = "general.alignment";
constexpr uint64_t smallest_key = 8 + 1 + 4 + 1;                 // a key of one letter with a value of one byte
constexpr uint64_t smallest_tensor = 8 + 1 + 4 + 8 + 4 + 8;      // one dimension

void read_magic(Cursor& in, std::span<const std::byte> image) {
    const std::string_view start(reinterpret_cast<const char*>(image.data()), std::min<size_t>(image.size(), 40));
    if (start.starts_with("GGUF")) {
        in.bytes(4, "the magic");
        return;
    }
    if (start.empty()) in.fail("the file is empty");
    const auto first = start.find_first_not_of(" \t\r\n");
    const char* hint = "not a GGUF file";
    if (std::string_view("GGUF").starts_with(start)) hint = "the file is truncated";
    else if (start.starts_with("version https://git-lfs")) hint = "a Git LFS pointer, not the model: fetch the file itself";
    else if (first != start.npos && start[first] == '<') hint = "a web page, not a model: the download went wrong";
    in.fail(fmt::format("{}: it starts with {}", hint, printable(start, 16)));
}

uint32_t read_version(Cursor& in) {
    const uint32_t version = in.take<uint32_t>("the version");
    if (version != 0 && (version & 0xffff) == 0)
        in.fail(fmt::format("version {:#010x}: a big-endian file; little-endian is read", version));
    if (version < 2 || version > 3) in.fail(fmt::format("version {}: 2 and 3 are read", version));
    return version;
}

uint64_t read_count(Cursor& in, const char* what, uint64_t smallest) {
    const uint64_t count = in.take<uint64_t>(what);
    const uint64_t most = std::min(most_entries, in.left() / smallest);
    if (count > most) in.fail(fmt::format("{} of {}: a file of this size has at most {}", what, count, most));
    return count;
}

ValueType read_type(Cursor& in, std::string_view key, const char* what) {
    const int32_t type = in.take<int32_t>(what);
    if (type < 0 || type >= value_types) in.fail(fmt::format("key {}: {} {} is unknown", printable(key), what, type));
    return ValueType(type);
}

void check_bools(Cursor& in, std::string_view key, std::span<const std::byte> bytes) {
    for (const std::byte b : bytes)
        if (b > std::byte(1)) in.fail(fmt::format("key {}: a bool of {}; 0 or 1 is expected", printable(key), int(b)));
}

Value read_array(Cursor& in, std::string_view key) {
    Value value{ValueType::array, read_type(in, key, "the array's element type"), in.take<uint64_t>("an array's length"), {}};
    if (value.element == ValueType::array) in.fail(fmt::format("key {}: an array of arrays is not supported", printable(key)));
    const uint64_t least = value.element == ValueType::string ? 8 : size_of(value.element);
    if (value.count > in.left() / least)
        in.fail(fmt::format("key {}: an array of {} {} does not fit into the {} bytes left: the file is truncated or damaged",
                            printable(key), value.count, name_of(value.element), in.left()));
    const uint64_t start = in.at();
    if (value.element == ValueType::string) {
        for (uint64_t i = 0; i < value.count; ++i) in.string("a string of an array");
    } else {
        in.bytes(value.count * least, "an array");
    }
    value.bytes = in.since(start);
    if (value.element == ValueType::boolean) check_bools(in, key, value.bytes);
    return value;
}

Metadata::Entry read_entry(Cursor& in) {
    const std::string_view key = in.string("a key");
    if (key.empty() || key.size() > 65535) in.fail(fmt::format("a key of {} bytes; 1 to 65535 are allowed", key.size()));
    Value value;
    value.type = read_type(in, key, "value type");
    if (value.type == ValueType::array) return {key, read_array(in, key)};
    if (value.type == ValueType::string) {
        const std::string_view text = in.string("a string value");
        value.bytes = std::as_bytes(std::span(text));
    } else {
        value.bytes = in.bytes(size_of(value.type), "a value");
    }
    if (value.type == ValueType::boolean) check_bools(in, key, value.bytes);
    return {key, value};
}

uint32_t read_alignment(const Metadata& metadata) {
    const Value* value = metadata.find(alignment_key);
    if (!value) return default_alignment;
    const bool typed = value->type == ValueType::u32;
    const int64_t n = typed ? integer_of(*value) : 0;
    if (!typed || !std::has_single_bit(uint64_t(n)) || n < least_alignment || n > most_alignment)
        throw Error(Status::invalid_argument,
                    fmt::format("key '{}': expected u32, a power of two from {} to {}, found {} {}", alignment_key,
                                least_alignment, most_alignment, value->describe(), value->preview()));
    return uint32_t(n);
}

/// The offset is still relative to the data section.
TensorInfo read_tensor(Cursor& in) {
    TensorInfo t;
    t.name = in.string("a tensor's name");
    if (t.name.empty() || t.name.size() > longest_tensor_name)
        in.fail(fmt::format("tensor {}: a name of {} bytes; 1 to {} are allowed", printable(t.name), t.name.size(), longest_tensor_name));
    const uint32_t dims = in.take<uint32_t>("a tensor's dimensions");
    if (dims < 1 || dims > 4) in.fail(fmt::format("tensor {}: {} dimensions; 1 to 4 are allowed", printable(t.name), dims));
    t.dims = int(dims);
    for (uint32_t d = 0; d < dims; ++d) t.ne[d] = in.take<int64_t>("a tensor's shape");
    const int32_t id = in.take<int32_t>("a tensor's type");
    const TypeInfo* type = find_type(id);
    if (!type) in.fail(fmt::format("tensor {}: type {} is unknown", printable(t.name), id));
    if (type->block == 0) in.fail(fmt::format("tensor {}: type {} ({}) was retired; convert the model again", printable(t.name), type->name, id));
    t.type = type->type;
    t.bytes = tensor_bytes(t.name, *type, t.ne);
    t.offset = in.take<uint64_t>("a tensor's offset");
    return t;
}

/// Every tensor starts where the one before it, padded, ends: so none overlap, none wrap, and none leave the file.
void place(Header& header, uint64_t start, uint64_t size) {
    uint64_t at = padded(start, header.alignment);
    const uint64_t data = at;
    for (TensorInfo& t : header.tensors) {
        if (t.offset != at - data)
            throw Error(Status::invalid_argument,
                        fmt::format("tensor {}: offset {}, expected {}: tensors follow each other, padded to {} bytes",
                                    printable(t.name), t.offset, at - data, header.alignment));
        if (at > size || t.bytes > size - at)
            throw Error(Status::invalid_argument,
                        fmt::format("tensor {}: {} bytes from byte {} pass the end of the file at {}: it is truncated or damaged",
                                    printable(t.name), t.bytes, at, size));
        t.offset = at;
        header.end = at + t.bytes;
        at = padded(header.end, header.alignment);
    }
}

}  // namespace

std::string shape_text(const Extent& ne, int dims) {
    std::string out = "[";
    for (int d = 0; d < dims; ++d) out += (d ? ", " : "") + std::to_string(ne[d]);
    return out + "]";
}

uint64_t tensor_bytes(std::string_view name, const TypeInfo& type, const Extent& ne) {
    int64_t elements = 1;
    for (const int64_t n : ne) {
        if (n < 1) throw Error(Status::invalid_argument, fmt::format("tensor {}: a dimension of {}; 1 is the least", printable(name), n));
        if (__builtin_mul_overflow(elements, n, &elements))
            throw Error(Status::invalid_argument, fmt::format("tensor {}: {} has more than 2^63 elements", printable(name), shape_text(ne, 4)));
    }
    if (ne[0] % type.block)
        throw Error(Status::invalid_argument, fmt::format("tensor {}: rows of {} elements are not whole {} blocks of {}", printable(name),
                                                          ne[0], type.name, type.block));
    int64_t bytes;
    if (__builtin_mul_overflow(elements / type.block, int64_t(type.bytes), &bytes) || bytes > INT64_MAX - most_alignment)
        throw Error(Status::invalid_argument,
                    fmt::format("tensor {}: {} of {} has more than 2^63 bytes", printable(name), shape_text(ne, 4), type.name));
    return uint64_t(bytes);
}

Header parse_header(std::span<const std::byte> image) {
    Cursor in(image);
    Header header;
    read_magic(in, image);
    header.version = read_version(in);
    const uint64_t tensors = read_count(in, "a tensor count", smallest_tensor);
    const uint64_t keys = read_count(in, "a key count", smallest_key);
    std::vector<Metadata::Entry> entries;
    for (uint64_t i = 0; i < keys; ++i) entries.push_back(read_entry(in));
    header.metadata = Metadata(std::move(entries));
    header.alignment = read_alignment(header.metadata);
    for (uint64_t i = 0; i < tensors; ++i) header.tensors.push_back(read_tensor(in));
    header.end = in.at();
    place(header, in.at(), image.size());
    return header;
}

}  // namespace rw::gguf
