// A reply that calls at most one function: behind the first call it ends.
#pragma once

#include "runtime/sample/constraint.h"
#include "runtime/serve/reply.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::serve {

/// form: how the reply is read. The tokenizer has to outlive it.
std::shared_ptr<const sample::Constraint> one_call(const tokenizer::Tokenizer& tokenizer, Reply::Form form);

}  // namespace rw::serve
