// What is the same in every part of an answer in OpenAI's form.
#pragma once

#include <ctime>

#include "runtime/serve/problem.h"

namespace rw::serve {

struct Head {
    std::string id, model;
    int64_t created = std::time(nullptr);

    Json object(const char* kind) const {
        return {{"id", id}, {"object", kind}, {"created", created}, {"model", model}, {"system_fingerprint", "rewind"}};
    }
};

}  // namespace rw::serve
