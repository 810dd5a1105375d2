// /v1/embeddings: the last hidden row of a text, of length 1.
#include <cmath>
#include <cstring>

#include "runtime/clock.h"
#include "runtime/serve/generation_fields.h"
#include "runtime/serve/prompts.h"
#include "runtime/serve/reading.h"

namespace rw::serve {
namespace {

constexpr size_t most_texts = 256;

/// Guesses nothing, so that prompts need not go through the MTP block.
class NoDrafts : public spec::Drafter {
    void draft(std::span<spec::DraftJob>) override {}
};

std::string base64(const std::vector<float>& row) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes(row.size() * sizeof(float), '\0'), text;
    std::memcpy(bytes.data(), row.data(), bytes.size());
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t n = std::min<size_t>(3, bytes.size() - i);
        uint32_t word = 0;
        for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? uint8_t(bytes[i + k]) : 0);
        for (size_t k = 0; k < 4; ++k) text += k <= n ? digits[word >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

void normalise(std::vector<float>& row) {
    double sum = 0;
    for (const float x : row) sum += double(x) * x;
    if (!(sum > 0) || !std::isfinite(sum)) return;
    for (float& x : row) x = float(x / std::sqrt(sum));
}

}  // namespace

Answer embeddings(Service& service, const Call& call) {
    const Json body = parsed(call.body);
    const Fields fields(body);
    const auto texts = prompts_of(fields, "input", service, most_texts);
    const bool packed = fields.choice("encoding_format", "float", {"float", "base64"}) == "base64";
    const int64_t width = int64_t(service.context.geometry().width);
    if (fields.integer("dimensions", width, 1, 1 << 20) != width)
        fields.fail("dimensions", std::to_string(width) + ", as the model has,");
    int64_t tokens = 0;
    for (const auto& text : texts) check_prompt(service, text, "input"), tokens += int64_t(text.size());
    Json list = Json::array();
    static NoDrafts nobody;
    const double due = seconds_now() + service.options.seconds;
    for (const auto& text : texts) {  // one by one: each waits for a slot of its own
        Task task{.seconds = due - seconds_now()};
        task.request.prompt = text;
        task.request.most_tokens = 1;
        task.request.hidden = true;
        task.request.drafter = &nobody;
        task.request.message_start = tokenizer::ChatTemplate::message_start(service.tokenizer.vocabulary()).value_or(-1);
        const auto job = service.engine.submit(std::move(task));
        const Held held(job);
        for (News ignored; !job->take(ignored, patience);)
            if (call.gone()) throw Problem(499, "the client has left");
        if (job->outcome().problem) throw Problem(*job->outcome().problem);
        std::vector<float> row = job->outcome().hidden;
        normalise(row);
        list.push_back({{"object", "embedding"}, {"index", list.size()}, {"embedding", packed ? Json(base64(row)) : Json(row)}});
    }
    return Json{{"object", "list"},
                {"data", std::move(list)},
                {"model", fields.text("model", service.options.name)},
                {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
}

}  // namespace rw::serve
