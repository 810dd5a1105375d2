// rewind tokenize, rewind detokenize: text to token ids and back, with the vocabulary of a model file.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime/gguf/text.h"
#include "runtime/tokenizer/chat.h"
#include "tools/manual.h"
#include "tools/table.h"
#include "tools/tokens.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

using tokenizer::Token;
using tokenizer::Tokenizer;

struct Options {
    std::string model, text, system, thinking, tokens;
    bool chat = false, special = false, nfc = false, pieces = false, json = false;
};

std::string all_of_stdin() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

/// One line; what is not UTF-8 becomes U+FFFD.
void print(const nlohmann::ordered_json& root) {
    std::cout << root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

std::vector<Token> encode(const Options& o, const gguf::File& file, const Tokenizer& tokens, const std::string& text) {
    if (!o.chat) return tokens.encode(text, {.control = o.special, .composed = o.nfc});
    std::vector<tokenizer::Message> messages;
    if (!o.system.empty()) messages.push_back({tokenizer::Role::system, o.system});
    messages.push_back({tokenizer::Role::user, text});
    return tokenizer::ChatTemplate::of(file.metadata()).encode(tokens, messages, thinking_named(o.thinking));
}

void tokenize(const Options& o, bool given) {
    const gguf::File file(o.model);
    const Tokenizer tokens(file);
    const auto ids = encode(o, file, tokens, given ? o.text : all_of_stdin());
    if (o.json) {
        std::vector<std::string> pieces;
        for (const Token id : ids) pieces.emplace_back(tokens.piece(id, true));
        print({{"tokens", ids}, {"pieces", pieces}});
    } else if (o.pieces) {
        Table table({">token", "text"});
        for (const Token id : ids) table.row({std::to_string(id), gguf::printable(tokens.piece(id, true))});
        table.print(std::cout);
    } else {
        std::cout << fmt::format("{}\n", fmt::join(ids, ","));
    }
}

void detokenize(const Options& o, bool given) {
    const Tokenizer tokens{gguf::File(o.model)};
    const auto ids = read_tokens(given ? o.tokens : all_of_stdin());
    const std::string text = tokens.decode(ids, o.special);
    if (o.json) print({{"text", text}});
    else std::cout << text << (given ? "\n" : "");
}

}  // namespace

void add_tokenize(CLI::App& app, int&) {
    CLI::App& verb = *app.add_subcommand("tokenize", "Text to token ids; without -p the text is read from standard input");
    auto o = std::make_shared<Options>();
    verb.add_option("-m,--model", o->model, "The model's file")->required();
    CLI::Option* text = verb.add_option("-p,--prompt", o->text, "The text");
    CLI::Option* special = verb.add_flag("--special", o->special, "Control tokens count where the text spells them");
    CLI::Option* chat = verb.add_flag("--chat", o->chat, "As a message of the user, in the model's chat template")->excludes(special);
    verb.add_option("--system", o->system, "With --chat: a message of the system before it")->needs(chat);
    verb.add_option("--thinking", o->thinking, "With --chat; the model's own choice by default")
        ->needs(chat)->check(CLI::IsMember({"on", "off"}));
    verb.add_flag("--nfc", o->nfc, "Unicode normalisation form C first, as in training")->excludes(chat);
    CLI::Option* pieces = verb.add_flag("--pieces", o->pieces, "One token a line, with its text");
    verb.add_flag("--json", o->json, "Print JSON")->excludes(pieces);
    add_manual(verb, {.examples = {{"rewind tokenize -m model.gguf -p \"Hello\" --pieces", "one token a line"},
                                   {"rewind tokenize -m model.gguf -p \"Hello\" --chat --thinking off", "what a conversation looks like to the model"}},
                      .more = "rewind detokenize"});
    verb.callback([o, text] { tokenize(*o, text->count() > 0); });
}

void add_detokenize(CLI::App& app, int&) {
    CLI::App& verb = *app.add_subcommand("detokenize", "Token ids to text, byte for byte; without --tokens they are read from standard input");
    auto o = std::make_shared<Options>();
    verb.add_option("-m,--model", o->model, "The model's file")->required();
    CLI::Option* tokens = verb.add_option("-t,--tokens", o->tokens, "As 1,2,3");
    verb.add_flag("--special", o->special, "Show control tokens");
    verb.add_flag("--json", o->json, "Print JSON");
    add_manual(verb, {.examples = {{"rewind detokenize -m model.gguf -t 1,2,3", "the text"},
                                   {"rewind tokenize -m model.gguf -p \"Hello\" | rewind detokenize -m model.gguf", "there and back"}},
                      .more = "rewind tokenize"});
    verb.callback([o, tokens] { detokenize(*o, tokens->count() > 0); });
}

}  // namespace rw::tools
