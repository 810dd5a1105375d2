#include "runtime/serve/problem.h"

#include "rewind/ops/contract.h"

namespace rw::serve {

Problem bad(const std::string& field, const std::string& message) {
    return Problem(400, message, "invalid_request_error", field, "invalid_value");
}

Problem busy(const std::string& message) {
    Problem problem(503, message, "overloaded_error", "", "overloaded");
    problem.retry_after = 1;
    return problem;
}

Problem problem_of(const std::exception& error) {
    if (const auto* known = dynamic_cast<const Problem*>(&error)) return *known;
    if (const auto* ours = dynamic_cast<const Error*>(&error)) {
        const bool asked = ours->status == Status::invalid_argument || ours->status == Status::range ||
                           ours->status == Status::unsupported;
        if (asked) return Problem(400, error.what());
        if (ours->status == Status::not_found) return Problem(404, error.what());
    }
    return Problem(500, error.what(), "server_error", "", "internal_error");
}

Json body_of(const Problem& problem) {
    const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    return {{"error",
             {{"message", problem.what()},
              {"type", problem.type},
              {"param", or_null(problem.param)},
              {"code", or_null(problem.code)}}}};
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace rw::serve
