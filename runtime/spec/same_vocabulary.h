// Whether what one model says can be fed to another: drafts of a second model need the first one's tokens.
#pragma once

#include "runtime/model/model.h"

namespace rw::spec {

/// Token by token the same bytes and the same type, where both files have a vocabulary; the longer one may go on with
/// tokens of type unused, which fill its matrices up. Of a file without a vocabulary only the number of tokens is known, and
/// has to be the same. Throws Error(invalid_argument) with the first difference.
void check_same_vocabulary(const model::Model& model, const model::Model& drafting);

}  // namespace rw::spec
