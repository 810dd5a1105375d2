#include "runtime/serve/prompts.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::serve {
namespace {

int32_t token_of(const Json& value, const Service& service, const std::string& where) {
    const int64_t vocab = int64_t(service.tokenizer.vocabulary().size());
    const bool whole = value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() < uint64_t(vocab));
    if (!whole || value.get<int64_t>() < 0 || value.get<int64_t>() >= vocab)
        throw bad(where, fmt::format("{} is {}; a token from 0 to {} is expected", where, told(value), vocab - 1));
    return int32_t(value.get<int64_t>());
}

}  // namespace

std::vector<int32_t> tokens_of(const Json& list, const Service& service, const std::string& where) {
    std::vector<int32_t> tokens;
    for (size_t i = 0; i < list.size(); ++i) tokens.push_back(token_of(list[i], service, fmt::format("{}[{}]", where, i)));
    return tokens;
}

std::vector<int32_t> prompt_of(const Json& value, const Service& service, const std::string& where) {
    if (value.is_string()) return service.tokenizer.encode(value.get_ref<const std::string&>(), {.control = true});
    if (!value.is_array()) throw bad(where, fmt::format("{} is {}; a text or a list of tokens is expected", where, told(value)));
    std::vector<int32_t> tokens;
    for (size_t i = 0; i < value.size(); ++i) {
        if (value[i].is_string()) {
            const auto more = service.tokenizer.encode(value[i].get_ref<const std::string&>(), {.control = true});
            tokens.insert(tokens.end(), more.begin(), more.end());
        } else {
            tokens.push_back(token_of(value[i], service, fmt::format("{}[{}]", where, i)));
        }
    }
    return tokens;
}

std::vector<std::vector<int32_t>> prompts_of(const Fields& fields, const char* name, const Service& service, size_t most) {
    const Json* value = fields.find(name);
    if (!value) fields.fail(name, "a text or a list");
    const std::string where = fields.path(name);
    const auto several = [](const Json& entry) { return entry.is_string() || entry.is_array(); };
    if (!value->is_array() || value->empty() || !std::all_of(value->begin(), value->end(), several))
        return {prompt_of(*value, service, where)};
    if (value->size() > most) fields.fail(name, fmt::format("at most {} prompts", most));
    std::vector<std::vector<int32_t>> prompts;
    for (size_t i = 0; i < value->size(); ++i) prompts.push_back(prompt_of((*value)[i], service, fmt::format("{}[{}]", where, i)));
    return prompts;
}

}  // namespace rw::serve
