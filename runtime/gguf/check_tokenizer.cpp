#include <algorithm>
#include <bitset>

#include "runtime/gguf/byte_alphabet.h"
#include "runtime/gguf/check.h"
#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

constexpr char tokens_key[] = "tokenizer.ggml.tokens", types_key[] = "tokenizer.ggml.token_type";
constexpr char scores_key[] = "tokenizer.ggml.scores", merges_key[] = "tokenizer.ggml.merges";
constexpr char template_key[] = "tokenizer.chat_template";
constexpr size_t longest_token = 1024, longest_template = 1 << 20;
enum { normal = 1, byte_token = 6 };

void check_names(const Metadata& metadata, Problems& problems) {
    problems.attempt([&] {
        const auto model = metadata.get<std::string_view>("tokenizer.ggml.model");
        if (model != "gpt2") problems.add("tokenizer.ggml.model {}: 'gpt2' (byte-level BPE) is expected", printable(model));
    });
    problems.attempt([&] {
        const auto pre = metadata.get<std::string_view>("tokenizer.ggml.pre");
        if (pre != "qwen35" && pre != "qwen2") problems.add("tokenizer.ggml.pre {}: 'qwen35' or 'qwen2' is expected", printable(pre));
    });
}

bool spells_byte(std::string_view token) {  // <0xHH>
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); };
    return token.size() == 6 && token.starts_with("<0x") && hex(token[3]) && hex(token[4]) && token[5] == '>';
}

/// Returns the index of the tokens.
NameIndex check_tokens(const Strings& tokens, Problems& problems) {
    Tally empty{"are empty"}, bad{"are not valid UTF-8"}, zero{"contain a zero byte"}, lengthy{"are longer than 1024 bytes"};
    std::vector<std::string_view> list;
    for (const std::string_view token : tokens) {
        const uint64_t i = list.size();
        list.push_back(token);
        if (token.empty()) empty.at(i);
        if (token.size() > longest_token) lengthy.at(i);
        if (!valid_utf8(token)) bad.at(i);
        if (token.find('\0') != token.npos) zero.at(i);
    }
    for (const Tally* t : {&empty, &bad, &zero, &lengthy}) t->report(problems, tokens_key);
    NameIndex index(std::move(list));
    if (const auto twice = index.duplicate()) problems.add("'{}': {} occurs twice", tokens_key, printable(*twice));
    return index;
}

void check_types(const Metadata& metadata, const Strings& tokens, Problems& problems) {
    const Array<int32_t> types = metadata.array<int32_t>(types_key);
    if (types.size() != tokens.size())
        throw Error(Status::invalid_argument, fmt::format("key '{}': {} entries for {} tokens", types_key, types.size(), tokens.size()));
    Tally unknown{"are not a type from 1 to 6"}, bytes{"are of type byte but not spelled <0xHH>"};
    uint64_t i = 0;
    for (const std::string_view token : tokens) {
        if (types[i] < normal || types[i] > byte_token) unknown.at(i);
        if (types[i] == byte_token && !spells_byte(token)) bytes.at(i);
        ++i;
    }
    unknown.report(problems, types_key);
    bytes.report(problems, tokens_key);
}

/// Normal tokens are spelled in the byte alphabet, and every byte is a token: so every text can be written.
void check_spelling(const Metadata& metadata, const Strings& tokens, Problems& problems) {
    const Array<int32_t> types = metadata.array<int32_t>(types_key);
    Tally foreign{"have characters that stand for no byte"};
    std::bitset<256> have;
    std::string spelled;
    uint64_t i = 0;
    for (const std::string_view token : tokens) {
        const uint64_t at = i++;
        if (at >= types.size() || types[at] != normal) continue;
        spelled.clear();
        if (!append_spelled(token, spelled)) foreign.at(at);
        else if (spelled.size() == 1) have.set(uint8_t(spelled[0]));
    }
    foreign.report(problems, tokens_key);
    for (size_t b = 0; b < have.size(); ++b)
        if (!have[b]) return problems.add("'{}': {} bytes are not tokens, the first is 0x{:02x}", tokens_key, 256 - have.count(), b);
}

void check_merges(const Metadata& metadata, const NameIndex& tokens, Problems& problems) {
    Tally form{"are not two tokens with one space between"}, parts{"join tokens that do not exist"}, whole{"make a token that does not exist"};
    uint64_t i = 0;
    std::string joined;
    for (const std::string_view merge : metadata.strings(merges_key)) {
        const uint64_t at = i++;
        const size_t space = merge.find(' ');
        if (space == 0 || space == merge.npos || space + 1 == merge.size() || merge.find(' ', space + 1) != merge.npos) {
            form.at(at);
            continue;
        }
        const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
        if (!tokens.find(left) || !tokens.find(right)) parts.at(at);
        joined.assign(left).append(right);
        if (!tokens.find(joined)) whole.at(at);
    }
    for (const Tally* t : {&form, &parts, &whole}) t->report(problems, merges_key);
}

/// Ids that keys name, and the one that every run needs.
void check_ids(const Metadata& metadata, uint64_t tokens, Problems& problems) {
    for (const Metadata::Entry& e : metadata.entries()) {
        if (!e.key.starts_with("tokenizer.ggml.") || !e.key.ends_with("_token_id")) continue;
        problems.attempt([&] {
            const uint32_t id = metadata.get<uint32_t>(e.key);
            if (id >= tokens) problems.add("key {}: token {} of {}", printable(e.key), id, tokens);
        });
    }
    if (!metadata.has("tokenizer.ggml.eos_token_id")) problems.add("key 'tokenizer.ggml.eos_token_id' is missing: nothing would end a text");
}

void check_template(const Metadata& metadata, Problems& problems) {
    const auto text = metadata.get_or<std::string_view>(template_key, "");
    if (text.size() > longest_template) problems.add("key '{}': {} bytes, {} is the most", template_key, text.size(), longest_template);
    else if (!valid_utf8(text)) problems.add("key '{}' is not valid UTF-8", template_key);
}

}  // namespace

void check_tokenizer(const File& file, uint32_t vocab, Problems& problems) {
    const Metadata& metadata = file.metadata();
    problems.attempt([&] { check_template(metadata, problems); });
    const bool any = std::any_of(metadata.entries().begin(), metadata.entries().end(),
                                 [](const Metadata::Entry& e) { return e.key.starts_with("tokenizer.ggml."); });
    if (!any) return;  // token ids in, token ids out
    check_names(metadata, problems);
    problems.attempt([&] {
        const Strings tokens = metadata.strings(tokens_key);
        if (vocab > 0 && tokens.size() != vocab)
            problems.add("key '{}': {} entries, 'token_embd.weight' has {} rows", tokens_key, tokens.size(), vocab);
        const NameIndex index = check_tokens(tokens, problems);
        problems.attempt([&] {
            check_types(metadata, tokens, problems);
            check_spelling(metadata, tokens, problems);
        });
        problems.attempt([&] { check_merges(metadata, index, problems); });
        if (metadata.has(scores_key)) problems.attempt([&] {
            const size_t scores = metadata.array<float>(scores_key).size();
            if (scores != tokens.size()) problems.add("key '{}': {} entries for {} tokens", scores_key, scores, tokens.size());
        });
        check_ids(metadata, tokens.size(), problems);
    });
}

}  // namespace rw::gguf
