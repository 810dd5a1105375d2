// /tokenize, /detokenize, /apply-template
#include "runtime/serve/conversation.h"
#include "runtime/serve/prompts.h"
#include "runtime/tokenizer/unicode.h"

namespace rw::serve {

Answer tokenize(Service& service, const Call& call) {
    const Json body = parsed(call.body);
    const Fields fields(body);
    if (!fields.has("content")) fields.fail("content", "a text");
    const std::string text = fields.text("content", "", size_t(-1));
    const auto tokens = service.tokenizer.encode(text, {.control = fields.flag("parse_special", true)});
    if (!fields.flag("with_pieces", false)) return Json{{"tokens", tokens}};
    Json list = Json::array();
    for (const int32_t token : tokens) {
        const std::string piece(service.tokenizer.piece(token, true));
        const bool whole = tokenizer::well_formed(piece) == piece;  // else it is part of a character: its bytes
        list.push_back({{"id", token}, {"piece", whole ? Json(piece) : Json(std::vector<uint8_t>(piece.begin(), piece.end()))}});
    }
    return Json{{"tokens", std::move(list)}};
}

Answer detokenize(Service& service, const Call& call) {
    const Json body = parsed(call.body);
    const Fields fields(body);
    const Json* tokens = fields.list("tokens", 1 << 24);
    if (!tokens) fields.fail("tokens", "a list of tokens");
    return Json{{"content", tokenizer::well_formed(service.tokenizer.decode(tokens_of(*tokens, service, "tokens"), true))}};
}

Answer apply_template(Service& service, const Call& call) {
    const Json body = parsed(call.body);
    return Json{{"prompt", read_conversation(Fields(body), service).text}};
}

}  // namespace rw::serve
