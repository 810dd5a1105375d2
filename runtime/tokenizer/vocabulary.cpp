#include "runtime/tokenizer/vocabulary.h"

#include <algorithm>
#include <tuple>

#include "runtime/gguf/byte_alphabet.h"
#include "runtime/gguf/check.h"

namespace rw::tokenizer {
namespace {

constexpr char tokens_key[] = "tokenizer.ggml.tokens", types_key[] = "tokenizer.ggml.token_type";
constexpr char merges_key[] = "tokenizer.ggml.merges";

/// The byte of a token of type byte, which is spelled <0xHH>.
char spelled_value(std::string_view token) { return char(std::stoi(std::string(token.substr(3, 2)), nullptr, 16)); }

}  // namespace

Vocabulary::Vocabulary(const gguf::File& file) {
    const gguf::Metadata& metadata = file.metadata();
    if (!metadata.has(tokens_key)) throw Error(Status::invalid_argument, file.name() + ": the file has no vocabulary");
    gguf::Problems problems;
    gguf::check_tokenizer(file, 0, problems);
    if (!problems.empty()) throw Error(Status::invalid_argument, file.name() + ": " + problems.lines().front());
    rules_ = metadata.get<std::string_view>("tokenizer.ggml.pre") == "qwen2" ? Rules::qwen2 : Rules::qwen35;
    read_tokens(metadata);
    read_merges(metadata);
    read_ends(metadata);
}

void Vocabulary::read_tokens(const gguf::Metadata& metadata) {
    const gguf::Strings tokens = metadata.strings(tokens_key);
    const gguf::Array<int32_t> types = metadata.array<int32_t>(types_key);
    starts_.reserve(tokens.size() + 1);
    types_.reserve(tokens.size());
    for (const std::string_view token : tokens) {
        const auto type = TokenType(types[types_.size()]);
        const Token id = Token(types_.size());
        starts_.push_back(uint32_t(text_.size()));
        types_.push_back(type);
        if (type == TokenType::byte) text_ += spelled_value(token);
        else if (type == TokenType::normal) gguf::append_spelled(token, text_);
        else text_ += token;
        if (type == TokenType::control) controls_.emplace_back(token, id);
        if (type == TokenType::normal && text_.size() - starts_.back() == 1) of_byte_[uint8_t(text_.back())] = id;
    }
    starts_.push_back(uint32_t(text_.size()));
    std::sort(controls_.begin(), controls_.end());
}

void Vocabulary::read_merges(const gguf::Metadata& metadata) {
    std::vector<std::string_view> names;
    names.reserve(size());
    for (const std::string_view token : metadata.strings(tokens_key)) names.push_back(token);
    const gguf::NameIndex index(std::move(names));

    struct Row {
        Token left, right;
        Merge merge;
    };
    std::vector<Row> rows;
    const gguf::Strings merges = metadata.strings(merges_key);
    rows.reserve(merges.size());
    std::string joined;
    for (const std::string_view text : merges) {
        const size_t space = text.find(' ');
        const std::string_view left = text.substr(0, space), right = text.substr(space + 1);
        joined.assign(left).append(right);
        const uint32_t rank = uint32_t(rows.size());
        rows.push_back({Token(*index.find(left)), Token(*index.find(right)), {rank, Token(*index.find(joined))}});
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {  // of a merge that is listed twice the first counts
        return std::tie(a.left, a.right, a.merge.rank) < std::tie(b.left, b.right, b.merge.rank);
    });
    first_.assign(size() + 1, 0);
    for (const Row& row : rows) {
        ++first_[size_t(row.left) + 1];
        rights_.push_back(row.right);
        merges_.push_back(row.merge);
    }
    for (size_t i = 0; i < size(); ++i) first_[i + 1] += first_[i];
}

void Vocabulary::read_ends(const gguf::Metadata& metadata) {
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
        if (metadata.has(key)) ends_.push_back(metadata.get<Token>(key));
    for (const char* text : {"<|im_end|>", "<|endoftext|>"})
        if (const auto token = control(text)) ends_.push_back(*token);
    std::sort(ends_.begin(), ends_.end());
}

size_t Vocabulary::checked(Token token) const {
    if (token < 0 || size_t(token) >= size())
        throw Error(Status::range, fmt::format("token {}: the vocabulary has 0 to {}", token, size() - 1));
    return size_t(token);
}

std::string_view Vocabulary::bytes(Token token) const {
    const size_t i = checked(token);
    return std::string_view(text_).substr(starts_[i], starts_[i + 1] - starts_[i]);
}

TokenType Vocabulary::type(Token token) const { return types_[checked(token)]; }

std::optional<Token> Vocabulary::control(std::string_view text) const {
    const auto at = std::lower_bound(controls_.begin(), controls_.end(), text, [](const auto& c, std::string_view t) { return c.first < t; });
    if (at == controls_.end() || at->first != text) return std::nullopt;
    return at->second;
}

bool Vocabulary::ends(Token token) const { return std::binary_search(ends_.begin(), ends_.end(), token); }

const Vocabulary::Merge* Vocabulary::merge(Token left, Token right) const {
    const auto begin = rights_.begin() + first_[size_t(left)], end = rights_.begin() + first_[size_t(left) + 1];
    const auto at = std::lower_bound(begin, end, right);
    return at != end && *at == right ? &merges_[size_t(at - rights_.begin())] : nullptr;
}

}  // namespace rw::tokenizer
