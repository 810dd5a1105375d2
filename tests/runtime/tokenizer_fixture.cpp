#include "tests/runtime/tokenizer_fixture.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/gguf/byte_alphabet.h"
#include "tests/runtime/gguf_image.h"

namespace rw::test {

std::string golden(const std::string& name) {
    std::ifstream in(REWIND_GOLDENS "/" + name, std::ios::binary);
    if (!in) throw std::runtime_error(name + ": cannot be read");
    return {std::istreambuf_iterator<char>(in), {}};
}

gguf::Draft golden_vocabulary(const char* rules) {
    std::vector<std::string> tokens, merges;
    for (int b = 0; b < 256; ++b) tokens.push_back(gguf::spelled_byte(uint8_t(b)));
    std::istringstream lines(golden("tokenizer_merges.txt"));
    for (std::string line; std::getline(lines, line);) {
        merges.push_back(line);
        tokens.push_back(line.erase(line.find(' '), 1));
    }
    std::vector<int32_t> types(tokens.size(), 1);
    const auto texts = nlohmann::json::parse(golden("tokenizer_texts.json"));
    for (const auto& special : texts["special"]) {
        tokens.push_back(special[0]);
        types.push_back(special[1].get<bool>() ? 3 : 4);
    }
    gguf::Draft draft;
    draft.set("tokenizer.ggml.model", "gpt2");
    draft.set("tokenizer.ggml.pre", rules);
    draft.set_array("tokenizer.ggml.tokens", tokens);
    draft.set_array("tokenizer.ggml.token_type", types);
    draft.set_array("tokenizer.ggml.merges", merges);
    draft.set("tokenizer.ggml.eos_token_id", int32_t(tokens.size() - 5));  // <|im_end|>
    return draft;
}

std::unique_ptr<tokenizer::Tokenizer> golden_tokenizer(const char* rules, const std::function<void(gguf::Draft&)>& change) {
    gguf::Draft draft = golden_vocabulary(rules);
    if (change) change(draft);
    const auto bytes = exact(image_of(draft));
    return std::make_unique<tokenizer::Tokenizer>(gguf::File(bytes, "golden"));
}

std::string failure(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        return std::string(name_of(e.status)) + ": " + e.what();
    }
    return "no error";
}

}  // namespace rw::test
