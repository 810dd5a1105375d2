#include "runtime/gguf/check.h"

#include "runtime/gguf/tensor_plan.h"
#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

void check_tensor(const PlannedTensor& want, const TensorInfo& found, Problems& problems) {
    if (found.ne != want.ne)
        problems.add("tensor '{}': expected {}, found {}", want.name, shape_text(want.ne, want.dims), shape_text(found.ne, found.dims));
    if (want.role != Role::matrix && found.type != TensorType::f32)
        problems.add("tensor '{}': expected F32, found {}", want.name, name_of(found.type));
    if (want.role == Role::matrix && !info(found.type).weights)
        problems.add("tensor '{}': type {} is not supported; {} are", want.name, name_of(found.type), weight_types());
}

void check_tensors(const File& file, const Geometry& geometry, Problems& problems) {
    const auto plan = plan_tensors(geometry, [&](const std::string& name) { return file.find(name) != nullptr; });
    std::vector<std::string_view> names;
    for (const PlannedTensor& want : plan) {
        names.push_back(want.name);
        if (const TensorInfo* found = file.find(want.name)) check_tensor(want, *found, problems);
        else if (want.required) problems.add("tensor '{}' {} is missing", want.name, shape_text(want.ne, want.dims));
    }
    const NameIndex known(std::move(names));
    for (const TensorInfo& t : file.tensors())  // what is not used would change what the model means
        if (!known.find(t.name)) problems.add("tensor {} {} is not one that {} has", printable(t.name), shape_text(t.ne, t.dims), geometry.family->name);
}

Problems check(const File& file, Geometry& geometry) {
    Problems problems;
    geometry = read_geometry(file, problems);
    if (problems.empty()) check_tensors(file, geometry, problems);
    if (geometry.family) check_tokenizer(file, geometry.vocab, problems);
    if (const uint64_t n = file.trailing()) problems.add("{} bytes at the end of the file belong to no tensor", n);
    return problems;
}

}  // namespace

std::vector<std::string> check(const File& file) {
    Geometry geometry;
    return check(file, geometry).lines();
}

Geometry checked_geometry(const File& file) {
    Geometry geometry;
    const Problems problems = check(file, geometry);
    if (problems.empty()) return geometry;
    const size_t more = problems.lines().size() - 1;
    throw Error(Status::invalid_argument, fmt::format("{}: {}{}", file.name(), problems.lines().front(),
                                                      more ? fmt::format(" (and {} more problems: rewind gguf check)", more) : ""));
}

}  // namespace rw::gguf
