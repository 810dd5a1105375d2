#include "runtime/model/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rw::model {
namespace {

template <class... Args>
void that(bool ok, fmt::format_string<Args...> text, Args&&... args) {
    if (!ok) throw Error(Status::invalid_argument, fmt::format(text, std::forward<Args>(args)...));
}

void check(const Call& call, int64_t N, int64_t longest, const Options& options, const gguf::Geometry& geometry,
           bool has_mtp) {
    const auto& [parts, wanted] = call;
    const PoolShape& p = options.pools;
    that(!parts.empty() && N > 0, "run: there are no tokens");
    that(int64_t(parts.size()) <= p.sequences, "run: {} sequences in a call, the context was made for {}", parts.size(),
         p.sequences);
    if (wanted.prefill) {
        that(parts.size() == 1, "run: a prefill call takes one sequence, so that its rows never depend on others");
        that(N <= options.chunk, "run: {} tokens in a prefill call, the context was made for {}", N, options.chunk);
    } else {
        that(longest <= p.most_exact, "run: {} tokens of a sequence in an exact call, the context was made for {}",
             longest, p.most_exact);
    }
    that(!(wanted.mtp || wanted.mtp_logits) || has_mtp,
         "run: the model has no MTP block, or the context was made without it");
    check(parts, options, geometry);
    for (const Part& part : parts)
        that(part.embeddings.empty() == parts.front().embeddings.empty() &&
                 part.rope.empty() == parts.front().rope.empty(),
             "run: tokens and embeddings, and given and plain rotary positions, are not mixed in one call");
    for (const int32_t row : wanted.rows) that(row >= 0 && row < N, "run: logits of row {} of {} are wanted", row, N);
    const int64_t most = wanted.prefill ? std::max<int64_t>(options.logit_rows, 1) : N;
    that(int64_t(wanted.rows.size()) <= most, "run: {} rows of logits, the context was made for {}", wanted.rows.size(),
         most);
}

}  // namespace

void check(const std::vector<Part>& parts, const Options& options, const gguf::Geometry& geometry) {
    const int64_t width = geometry.width;
    std::vector<bool> seen(size_t(options.pools.sequences), false);
    for (const Part& part : parts) {
        that(part.row >= 0 && part.row < int64_t(seen.size()) && !seen[size_t(part.row)],
             "pool row {}: each part has its own of {}", part.row, seen.size());
        seen[size_t(part.row)] = true;
        if (part.slot < 0 || part.slot >= options.pools.slots())
            throw Error(Status::range, fmt::format("state slot {} of {}", part.slot, options.pools.slots()));
        that(part.tokens.empty() || part.embeddings.empty(), "a part has tokens or embeddings, not both");
        that(int64_t(part.embeddings.size()) % width == 0, "{} numbers of embeddings: rows of {} are expected",
             part.embeddings.size(), width);
        for (const float x : part.embeddings) that(std::isfinite(x), "embeddings: {} is not a finite number", x);
        const int64_t n = tokens_of(part, width);
        that(part.rope.empty() || int64_t(part.rope.size()) == 3 * n,
             "{} rotary positions of {} tokens: three of each are expected", part.rope.size(), n);
        for (const int32_t at : part.rope)
            if (at < 0) throw Error(Status::range, fmt::format("rotary position {}: 0 is the first", at));
        if (part.pos < 0 || part.pos > options.pools.context - n)
            throw Error(Status::range,
                        fmt::format("positions {} to {} do not fit a context of {}; shorten the text or make the "
                                    "context longer",
                                    part.pos, part.pos + n, options.pools.context));
        if (part.shift < -part.pos || part.shift > INT32_MAX - part.pos - n)
            throw Error(Status::range, fmt::format("rotary positions that differ by {} from {}: 0 to {} are expected",
                                                   part.shift, part.pos, INT32_MAX - 1));
        for (const int32_t token : part.tokens)
            if (token < 0 || token >= int64_t(geometry.vocab))
                throw Error(Status::range,
                            fmt::format("token {} is not one of the vocabulary's {}", token, geometry.vocab));
    }
}

Shape shape_of(const Call& call, const Options& options, const gguf::Geometry& geometry, bool has_mtp) {
    const auto& [parts, wanted] = call;
    Shape s;
    s.N = 0, s.longest = 0;
    for (const Part& part : parts) {
        const int64_t n = tokens_of(part, geometry.width);
        s.N += n, s.longest = std::max(s.longest, n);
    }
    check(call, s.N, s.longest, options, geometry, has_mtp);
    s.B = int64_t(parts.size()), s.logits = int64_t(wanted.rows.size()), s.prefill = wanted.prefill;
    s.all_rows = s.prefill && s.logits == s.N;
    for (size_t i = 0; s.all_rows && i < wanted.rows.size(); ++i) s.all_rows = wanted.rows[i] == int32_t(i);
    s.planes = parts.front().rope.empty() || !geometry.family->sections ? 1 : 3,
    s.embeddings = !parts.front().embeddings.empty();
    s.mtp = wanted.mtp, s.mtp_logits = wanted.mtp_logits;
    return s;
}

std::vector<int32_t> inputs_of(const Call& call, const Shape& s, int64_t width) {
    const auto& [parts, wanted] = call;
    const InputPlaces at(s);
    std::vector<int32_t> values(size_t(at.end), 0);
    const auto put = [&](int64_t at_element, int64_t value) { values[size_t(at_element)] = int32_t(value); };
    int64_t row = 0;
    for (int64_t b = 0; b < s.B; ++b) {
        const Part& part = parts[size_t(b)];
        const int64_t n = tokens_of(part, width);
        put(at.pos + b, part.pos), put(at.seq + b, part.row), put(at.first + b, row), put(at.len + b, n),
            put(at.slot + b, s.prefill ? 0 : part.slot);  // prompts see the last slot alone
        for (int64_t t = 0; t < n; ++t, ++row) {
            if (!s.embeddings) put(at.tokens + row, part.tokens[size_t(t)]);
            for (int64_t plane = 0; plane < s.planes; ++plane)
                put(at.rope + plane * s.N + row,
                    part.rope.empty() ? part.pos + part.shift + t : part.rope[size_t(plane * n + t)]);
        }
    }
    std::copy(wanted.rows.begin(), wanted.rows.end(), values.begin() + at.logits);
    return values;
}

}  // namespace rw::model
