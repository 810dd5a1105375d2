// The keywords of one schema: what is read of them, so that what is not understood can be refused by name.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "rewind/ops/contract.h"

namespace rw::grammar {

using Json = nlohmann::ordered_json;

/// A place of a schema, as messages and $ref name it: #/properties/name.
[[noreturn]] void refuse_schema(const std::string& path, const std::string& why, Status status = Status::invalid_argument);
/// One step further: ~ and / of the name are escaped.
std::string schema_path(const std::string& path, const std::string& name);
/// Those that say nothing about what fits.
bool is_annotation(const std::string& keyword);

class Keywords {
public:
    /// The schema has to be an object and to outlive it.
    Keywords(const Json& schema, std::string path) : schema_(schema), path_(std::move(path)) {}

    /// Null where it is not there.
    const Json* find(const char* keyword);
    bool has_any(std::initializer_list<const char*> keywords) const;
    /// A list of names; none where it is not there.
    std::set<std::string> names(const char* keyword);
    /// A count of characters or items.
    std::optional<uint32_t> count(const char* keyword);
    /// A bound of numbers, which has to be whole.
    std::optional<int64_t> whole(const char* keyword);
    /// Throws Error(unsupported) naming a keyword that nobody asked for.
    void finish(const std::string& what) const;
    const std::string& path() const { return path_; }
    const Json& schema() const { return schema_; }

private:
    const Json& schema_;
    std::string path_;
    std::set<std::string> read_;
};

/// Both schemas at once, as one. Throws Error(unsupported) where they speak of the same thing in ways that cannot be put
/// together. `root` is where $ref leads.
Json merge_schemas(const Json& root, Json one, Json other, const std::string& path);
/// What a $ref means. Throws Error where it leads nowhere.
const Json& referred(const Json& root, const Json& reference, const std::string& path);

}  // namespace rw::grammar
