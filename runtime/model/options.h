// What a context is made for. Everything that it takes follows from this and the model.
#pragma once

#include "runtime/model/pool.h"

namespace rw::model {

struct Options {
    PoolShape pools;
    int64_t chunk = 512;      // most rows of a prefill call
    int64_t logit_rows = 0;   // most rows of logits of a prefill call; of an exact call every row may be asked for
    int64_t top = 1;          // candidates kept of each row of logits, at most 64
    bool joint = true;        // of several sequences one's prompt call may go into one plan with an exact call of
                              // others: each has scratch of its own then
    bool mtp = true;          // with the MTP block, where the model has one
    int64_t draft_vocab = 0;  // that block drafts the first so many tokens alone, and reads so much less of its head; 0: all
    uint64_t plans = 16 << 20;  // bytes that recorded plans may take; the one used longest ago makes room for the next
    uint64_t budget = 0;      // bytes that may be taken; 0: what the device says it has
};

/// Throws Error(invalid_argument), or Error(unsupported), for options that no context can be made with.
void check_options(const Options& options, const gguf::Geometry& geometry);

}  // namespace rw::model
