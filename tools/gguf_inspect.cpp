// rewind gguf inspect: what a model file says about itself. Reads the header only.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/gguf/file.h"
#include "runtime/gguf/text.h"
#include "tools/manual.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

using gguf::Value;
using gguf::ValueType;

struct Options {
    std::string file;
    bool json = false, full = false;
};

nlohmann::json scalar(ValueType type, std::span<const std::byte> bytes, size_t i = 0) {
    switch (type) {
        case ValueType::u8: return gguf::Array<uint8_t>(bytes)[i];
        case ValueType::i8: return gguf::Array<int8_t>(bytes)[i];
        case ValueType::u16: return gguf::Array<uint16_t>(bytes)[i];
        case ValueType::i16: return gguf::Array<int16_t>(bytes)[i];
        case ValueType::u32: return gguf::Array<uint32_t>(bytes)[i];
        case ValueType::i32: return gguf::Array<int32_t>(bytes)[i];
        case ValueType::u64: return gguf::Array<uint64_t>(bytes)[i];
        case ValueType::i64: return gguf::Array<int64_t>(bytes)[i];
        case ValueType::f32: return gguf::Array<float>(bytes)[i];
        case ValueType::f64: return gguf::Array<double>(bytes)[i];
        case ValueType::boolean: return gguf::Array<bool>(bytes)[i];
        default: return nullptr;
    }
}

/// Long arrays keep their first elements, unless all are asked for.
nlohmann::json to_json(const Value& value, bool full) {
    if (value.type == ValueType::string) return std::string(value.text());
    if (value.type != ValueType::array) return scalar(value.type, value.bytes);
    const uint64_t shown = full ? value.count : std::min<uint64_t>(value.count, 16);
    nlohmann::json list = nlohmann::json::array();
    if (value.element == ValueType::string) {
        for (const std::string_view s : gguf::Strings(value.bytes, value.count)) {
            if (list.size() == shown) break;
            list.push_back(std::string(s));
        }
    } else {
        for (uint64_t i = 0; i < shown; ++i) list.push_back(scalar(value.element, value.bytes, i));
    }
    if (shown == value.count) return list;
    return {{"array_of", name_of(value.element)}, {"count", value.count}, {"first", list}};
}

uint64_t elements(const gguf::TensorInfo& t) { return uint64_t(t.ne[0] * t.ne[1] * t.ne[2] * t.ne[3]); }

struct Share {
    uint64_t tensors = 0, elements = 0, bytes = 0;
};
std::map<std::string, Share> by_type(const gguf::File& file) {
    std::map<std::string, Share> shares;
    for (const gguf::TensorInfo& t : file.tensors()) {
        Share& s = shares[name_of(t.type)];
        ++s.tensors, s.elements += elements(t), s.bytes += t.bytes;
    }
    return shares;
}

void print_json(const gguf::File& file, bool full) {
    nlohmann::ordered_json root{{"file", file.name()},     {"version", file.version()}, {"alignment", file.alignment()},
                                {"parts", file.parts()},   {"bytes", file.size()},      {"metadata", nlohmann::ordered_json::object()},
                                {"types", nlohmann::ordered_json::object()}, {"tensors", nlohmann::ordered_json::array()}};
    for (const auto& e : file.metadata().entries()) root["metadata"][std::string(e.key)] = to_json(e.value, full);
    for (const auto& [name, s] : by_type(file)) root["types"][name] = {{"tensors", s.tensors}, {"elements", s.elements}, {"bytes", s.bytes}};
    for (const gguf::TensorInfo& t : file.tensors())
        root["tensors"].push_back({{"name", std::string(t.name)},
                                   {"type", name_of(t.type)},
                                   {"shape", std::vector<int64_t>(t.ne.begin(), t.ne.begin() + t.dims)},
                                   {"bytes", t.bytes},
                                   {"offset", t.offset},
                                   {"part", t.shard}});
    std::cout << root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

void print_text(const gguf::File& file) {
    std::cout << fmt::format("{}: GGUF version {}, {} in {} part{}, alignment {}\n\n", file.name(), file.version(),
                             bytes_text(double(file.size())), file.parts(), file.parts() == 1 ? "" : "s", file.alignment());
    Table keys({"key", "type", "value"});
    for (const auto& e : file.metadata().entries()) {
        const std::string key = gguf::printable(e.key);
        keys.row({key.substr(1, key.size() - 2), e.value.describe(), e.value.preview(72)});
    }
    keys.print(std::cout);
    std::cout << "\n";
    Table tensors({"tensor", "type", ">shape, fastest first", ">size"});
    for (const gguf::TensorInfo& t : file.tensors()) {
        const std::string name = gguf::printable(t.name);
        tensors.row({name.substr(1, name.size() - 2), name_of(t.type), gguf::shape_text(t.ne, t.dims), bytes_text(double(t.bytes))});
    }
    tensors.print(std::cout);
    std::cout << "\n";
    Table types({"type", ">tensors", ">parameters", ">size"});
    uint64_t parameters = 0;
    for (const auto& [name, s] : by_type(file)) {
        types.row({name, std::to_string(s.tensors), std::to_string(s.elements), bytes_text(double(s.bytes))});
        parameters += s.elements;
    }
    types.print(std::cout);
    std::cout << fmt::format("{} parameters\n", parameters);
}

}  // namespace

void add_gguf_inspect(CLI::App& gguf, int&) {
    CLI::App& verb = *gguf.add_subcommand("inspect", "Keys, tensors and types of a model file");
    auto o = std::make_shared<Options>();
    verb.add_option("file", o->file, "The model, or its first part")->required();
    CLI::Option* json = verb.add_flag("--json", o->json, "Print JSON");
    verb.add_flag("--full", o->full, "With --json: arrays in full")->needs(json);
    add_manual(verb, {.examples = {{"rewind gguf inspect model.gguf", "keys, then tensors with shape, type and bytes"},
                                   {"rewind gguf inspect model.gguf --json --full", "everything, vocabulary and all"}},
                      .more = "rewind gguf check"});
    verb.callback([o] {
        const gguf::File file(o->file);
        o->json ? print_json(file, o->full) : print_text(file);
    });
}

}  // namespace rw::tools
