// Calls with one thing wrong, on every device present: each has to be refused with a status and a message that names
// what is wrong, and not one output bit may change.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "core/plan.h"
#include "tests/driver/guard.h"

namespace rw::test {

constexpr Status invalid = Status::invalid_argument, unsupported = Status::unsupported;

/// Every device present, opened once.
const std::vector<std::shared_ptr<core::Device>>& devices();

/// Expects an Error of that status, thrown by f, whose message has all the words.
void refused(Status status, const std::vector<std::string>& words, const std::function<void()>& f);

struct Bad {
    const char* what;
    std::function<void(ops::Call&)> spoil;
    Status status;
    std::vector<std::string> words;
};
/// The call of a case line, spoiled in each of these ways.
void spoiled(const char* op, const char* line, const std::vector<Bad>& list);

/// A case line that is no call of the op as it stands.
struct BadLine {
    const char* line;
    Status status;
    std::vector<std::string> words;
};
void bad_lines(const char* op, const std::vector<BadLine>& list);

}  // namespace rw::test
