// Drafters by name, as the command line has them.
#pragma once

#include <memory>
#include <string>

#include "runtime/spec/drafter.h"

namespace rw::spec {

/// What a text like "ngram-mod,mtp" stands for: drafters in the order in which they are asked. After a name may come
/// numbers, as in "ngram-map:n=4:min-hits=2:fewest=3,mtp".
///
///     mtp            the model's own block
///     draft          a second model
///     ngram-simple   n (8)
///     ngram-map      n (6), min-hits (1)
///     ngram-mod      n (16), entries (1048576), check (1; 0 does not tell keys apart that share an entry)
///
/// Each takes fewest (1): a shorter guess of its is left to the next. With the word extend, as in "ngram-map:extend,mtp",
/// guesses of tokens looked up that are shorter than they could be are gone on with by mtp or draft, named behind.
/// "none" is no drafter at all.
struct DrafterText {
    /// Throws Error(invalid_argument) with what is wrong and what there is.
    explicit DrafterText(const std::string& text);
    bool none() const { return links.empty(); }
    bool needs_mtp() const { return has("mtp"); }
    bool needs_model() const { return has("draft"); }
    /// Of the tables that are made before the first text; what is noted of texts comes as these grow (Drafter::bytes).
    uint64_t table_bytes() const;
    /// Null for "none". second: of the model that drafts, for "draft" (model_drafter.h).
    std::unique_ptr<Drafter> make(model::Context& context, std::shared_ptr<model::Context> second = nullptr) const;

    struct Link {
        std::string name;
        int n = 0, min_hits = 1, fewest = 1;
        int64_t entries = 1 << 20;
        bool check = true;
        bool extend = false;
    };
    std::vector<Link> links;

private:
    bool has(const char* name) const;
};

}  // namespace rw::spec
