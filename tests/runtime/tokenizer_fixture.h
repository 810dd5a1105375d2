// The vocabulary of the golden files, as a model file would bring it.
#pragma once

#include <functional>
#include <memory>

#include "runtime/gguf/writer.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::test {

/// A file of tests/runtime/goldens, whole.
std::string golden(const std::string& name);
/// Keys tokenizer.* of the golden vocabulary.
gguf::Draft golden_vocabulary(const char* rules = "qwen35");
/// A tokenizer of the golden vocabulary after a change to it.
std::unique_ptr<tokenizer::Tokenizer> golden_tokenizer(const char* rules = "qwen35", const std::function<void(gguf::Draft&)>& change = {});

/// What f says when it throws an Error, with the status before it; "no error" otherwise.
std::string failure(const std::function<void()>& f);

}  // namespace rw::test
