#include "runtime/tokenizer/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>

#include "rewind/ops/contract.h"

namespace rw::tokenizer {
namespace {

Kind kind_of(UChar32 c) {
    if (c < 0) return Kind::other;
    if (c == '\r' || c == '\n') return Kind::newline;
    if (u_isUWhiteSpace(c)) return Kind::space;
    const uint32_t category = U_GET_GC_MASK(c);
    if (category & U_GC_L_MASK) return Kind::letter;
    if (category & U_GC_M_MASK) return Kind::mark;
    return category & U_GC_N_MASK ? Kind::number : Kind::other;
}

const std::array<Kind, 128> ascii = [] {
    std::array<Kind, 128> kinds{};
    for (int c = 0; c < 128; ++c) kinds[size_t(c)] = kind_of(c);
    return kinds;
}();

/// The code point at `at`, which moves past it.
UChar32 next(std::string_view text, size_t& at) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    UChar32 c;
    U8_NEXT(bytes, at, text.size(), c);
    return c;
}

}  // namespace

Character character_at(std::string_view text, size_t at) {
    const uint8_t first = uint8_t(text[at]);
    if (first < 0x80) return {first, ascii[first], 1};
    const size_t start = at;
    const UChar32 c = next(text, at);
    return {c, kind_of(c), uint8_t(at - start)};
}

size_t unfinished_tail(std::string_view text) {
    const std::string_view last = text.substr(text.size() - std::min<size_t>(text.size(), 4));
    int32_t n = int32_t(last.size());
    U8_TRUNCATE_IF_INCOMPLETE(reinterpret_cast<const uint8_t*>(last.data()), 0, n);
    return last.size() - size_t(n);
}

std::string well_formed(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const size_t start = at;
        if (next(text, at) < 0) out += "\xef\xbf\xbd";
        else out += text.substr(start, at - start);
    }
    return out;
}

std::string composed(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
    std::string out;
    icu::StringByteSink<std::string> sink(&out, int32_t(std::min<size_t>(text.size(), 1 << 20)));
    if (text.size() > INT32_MAX) throw Error(Status::invalid_argument, "a text of more than 2 GiB cannot be normalised");
    if (U_SUCCESS(status)) nfc->normalizeUTF8(0, icu::StringPiece(text.data(), int32_t(text.size())), sink, nullptr, status);
    if (U_FAILURE(status)) throw Error(Status::internal, std::string("ICU cannot normalise the text: ") + u_errorName(status));
    return out;
}

}  // namespace rw::tokenizer
