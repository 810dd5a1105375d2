#include "tools/npy.h"

#include <cctype>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

namespace rw::tools {
namespace {

constexpr std::string_view magic{"\x93NUMPY", 6};
constexpr uint64_t longest_header = 1 << 16;
constexpr size_t most_dimensions = 16;

[[noreturn]] void bad(const std::string& what) { throw Error(Status::invalid_argument, what); }

/// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Header {
public:
    explicit Header(std::string_view text) : rest_(text) {
        expect('{');
        while (!take('}')) {
            const std::string key = string();
            expect(':');
            if (key == "descr" && descr.empty()) descr = type();
            else if (key == "fortran_order" && !has_order_) fortran = boolean(), has_order_ = true;
            else if (key == "shape" && !has_shape_) shape = tuple(), has_shape_ = true;
            else bad("its header has the key '" + key + "' twice or where none belongs");
            if (!take(',')) {
                expect('}');
                break;
            }
        }
        blank();
        if (!rest_.empty()) bad("its header goes on after the closing brace");
        if (descr.empty() || !has_order_ || !has_shape_) bad("its header lacks one of descr, fortran_order, shape");
    }
    std::string descr;
    bool fortran = false;
    std::vector<int64_t> shape;

private:
    void blank() {
        while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0]))) rest_.remove_prefix(1);
    }
    bool take(char c) {
        blank();
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take(c)) bad(std::string("its header is damaged: '") + c + "' expected");
    }
    std::string string() {
        blank();
        if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) bad("its header is damaged: a string expected");
        const size_t end = rest_.find(rest_[0], 1);
        if (end == rest_.npos) bad("its header is damaged: a string does not end");
        const std::string text(rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
        return text;
    }
    std::string type() {
        blank();
        if (!rest_.empty() && rest_[0] == '[') bad("it holds records; expected plain numbers");
        const std::string text = string();
        if (text.empty()) bad("its header is damaged: descr is empty");
        return text;
    }
    bool boolean() {
        blank();
        for (const bool value : {false, true}) {
            const std::string_view word = value ? "True" : "False";
            if (!rest_.starts_with(word)) continue;
            rest_.remove_prefix(word.size());
            return value;
        }
        bad("its header is damaged: fortran_order is neither True nor False");
    }
    std::vector<int64_t> tuple() {
        std::vector<int64_t> values;
        expect('(');
        while (!take(')')) {
            blank();
            int64_t value = 0;
            const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
            if (error != std::errc()) bad("its header is damaged: shape is not a tuple of whole numbers");
            if (value < 0) bad("its shape has the negative extent " + std::to_string(value));
            rest_.remove_prefix(size_t(end - rest_.data()));
            values.push_back(value);
            if (values.size() > most_dimensions) bad("it has more than " + std::to_string(most_dimensions) + " dimensions");
            if (!take(',')) {
                expect(')');
                break;
            }
        }
        return values;
    }

    std::string_view rest_;
    bool has_order_ = false, has_shape_ = false;
};

/// Bytes of an element of "<f4".
uint64_t element_size(const std::string& descr) {
    static constexpr std::string_view known[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
    if (descr.size() == 3 && descr[0] == '>') bad("it is big-endian (" + descr + "); expected little-endian, like <f4");
    if (descr.size() == 3 && (descr[0] == '<' || descr[0] == '|'))
        for (const std::string_view k : known)
            if (descr.substr(1) == k) return uint64_t(descr[2] - '0');
    bad("its elements are '" + descr + "'; expected plain numbers like <f4");
}

uint64_t little(const unsigned char* bytes, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; ++i) value |= uint64_t(bytes[i]) << (8 * i);
    return value;
}

}  // namespace

Npy read_npy(const std::filesystem::path& path) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) throw Error(Status::io, "no such file");
    if (!std::filesystem::is_regular_file(path, failed)) throw Error(Status::io, "it is a folder or device; expected a file");
    const uint64_t size = std::filesystem::file_size(path, failed);
    std::ifstream in(path, std::ios::binary);
    if (failed || !in) throw Error(Status::io, "cannot be read");
    unsigned char start[12] = {};
    in.read(reinterpret_cast<char*>(start), 10);
    if (in.gcount() < 10 || std::memcmp(start, magic.data(), magic.size()) != 0) bad("it is not an .npy file");
    const int version = start[6];
    if (version < 1 || version > 3 || start[7] != 0)
        bad("it has .npy version " + std::to_string(version) + "." + std::to_string(start[7]) + "; expected 1.0, 2.0 or 3.0");
    if (version > 1) in.read(reinterpret_cast<char*>(start) + 10, 2);
    const uint64_t before = version == 1 ? 10 : 12;
    const uint64_t header_size = little(start + 8, version == 1 ? 2 : 4);
    if (!in || header_size > longest_header || before + header_size > size) bad("it is truncated within its header");
    std::string text(header_size, '\0');
    in.read(text.data(), std::streamsize(header_size));
    const Header header(text);
    if (header.fortran) bad("it is in Fortran order; expected C order (numpy.ascontiguousarray)");

    uint64_t bytes = element_size(header.descr);
    for (const int64_t extent : header.shape)
        if (__builtin_mul_overflow(bytes, uint64_t(extent), &bytes)) bad("its shape " + shape_text(header.shape) + " overflows");
    const uint64_t there = size - before - header_size;
    if (bytes != there)
        bad("its shape " + shape_text(header.shape) + " of " + type_text(header.descr) + " needs " + std::to_string(bytes) +
            " bytes after the header, the file has " + std::to_string(there) + (there < bytes ? " (truncated)" : ""));
    Npy array{header.descr, header.shape, std::vector<std::byte>(bytes)};
    in.read(reinterpret_cast<char*>(array.data.data()), std::streamsize(bytes));
    if (!in) throw Error(Status::io, "cannot be read to its end");
    return array;
}

void write_npy(const std::filesystem::path& path, const Npy& array) {
    std::string header = "{'descr': '" + array.descr + "', 'fortran_order': False, 'shape': " + shape_text(array.shape) + ", }";
    header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
    header += '\n';
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    const char start[] = {1, 0, char(header.size() & 255), char(header.size() >> 8)};
    out.write(magic.data(), std::streamsize(magic.size())).write(start, sizeof start) << header;
    out.write(reinterpret_cast<const char*>(array.data.data()), std::streamsize(array.data.size()));
    if (!out.flush()) throw Error(Status::io, path.string() + ": cannot be written");
}

std::string shape_text(const std::vector<int64_t>& shape) {
    std::string text = "(";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

std::string type_text(const std::string& descr) {
    if (descr.size() != 3) return descr;
    const std::string bits = std::to_string(8 * (descr[2] - '0'));
    switch (descr[1]) {
        case 'f': return "float" + bits + " (" + descr + ")";
        case 'i': return "int" + bits + " (" + descr + ")";
        case 'u': return "uint" + bits + " (" + descr + ")";
        case 'b': return "bool (" + descr + ")";
        default: return descr;
    }
}

}  // namespace rw::tools
