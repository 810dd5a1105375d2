// What is wrong with a request, or went wrong with it, in the form that clients of OpenAI's interface read.
//
//     throw bad("temperature", "temperature is a number from 0 to 2, not 7");     // 400, naming the field
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace rw::serve {

/// Keeps the order of keys: schemas of tools are shown to the model as they were written.
using Json = nlohmann::ordered_json;

struct Problem : std::runtime_error {
    Problem(int http_status, const std::string& message, std::string of_type = "invalid_request_error",
            std::string field = "", std::string why = "")
        : std::runtime_error(message), status(http_status), type(std::move(of_type)), param(std::move(field)),
          code(std::move(why)) {}

    int status;
    std::string type;
    std::string param, code;  // empty: null
    int retry_after = 0;      // seconds, where trying again makes sense
};

/// A field of the request that cannot be taken.
Problem bad(const std::string& field, const std::string& message);
/// Too much to do, or closing: trying again later may work.
Problem busy(const std::string& message);
/// Of whatever was thrown: a Problem itself, an rw::Error by its status, anything else as a fault of the server.
Problem problem_of(const std::exception& error);

/// {"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
Json body_of(const Problem& problem);

/// JSON as one line of valid UTF-8, whatever the strings hold.
std::string dumped(const Json& json);

}  // namespace rw::serve
