// Tokens 0..255 are the bytes; token 256 + i is token i / 256 followed by byte i % 256 (bytes counted from 'a', so that
// small vocabularies have pairs that occur), with the merge that makes it; the last three are control tokens. So any text
// can be written, and any size of vocabulary is sound.
#include "runtime/gguf/byte_alphabet.h"
#include "runtime/gguf/make.h"

namespace rw::gguf {

void add_byte_vocabulary(Draft& draft, uint32_t vocab, const char* pretokenizer) {
    constexpr const char* control[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    constexpr uint32_t bytes = 256, controls = std::size(control);
    if (vocab < bytes + controls)
        throw Error(Status::invalid_argument, fmt::format("a vocabulary of {}: {} is the least with a tokenizer", vocab, bytes + controls));
    std::vector<std::string> tokens, merges;
    std::vector<int32_t> types(vocab - controls, 1);
    for (uint32_t b = 0; b < bytes; ++b) tokens.push_back(spelled_byte(uint8_t(b)));
    for (uint32_t i = 0; tokens.size() < vocab - controls; ++i) {
        const uint32_t first = i / bytes, second = i % bytes;
        const std::string left = tokens[first < bytes ? (first + 'a') % bytes : first], right = tokens[(second + 'a') % bytes];
        tokens.push_back(left + right);
        merges.push_back(left + " " + right);
    }
    for (const char* c : control) tokens.push_back(c), types.push_back(3);
    draft.set("tokenizer.ggml.model", "gpt2");
    draft.set("tokenizer.ggml.pre", pretokenizer);
    draft.set_array("tokenizer.ggml.tokens", tokens);
    draft.set_array("tokenizer.ggml.token_type", types);
    draft.set_array("tokenizer.ggml.merges", merges);
    draft.set("tokenizer.ggml.eos_token_id", vocab - 1);
    draft.set("tokenizer.ggml.padding_token_id", vocab - 3);
    draft.set("tokenizer.ggml.add_bos_token", false);
}

}  // namespace rw::gguf
