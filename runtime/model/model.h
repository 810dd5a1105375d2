// A model's files: what they hold, checked, and whether two of them belong together.
//
//     auto model = std::make_shared<model::Model>("model.gguf");                 // with the MTP block in it, or none
//     auto model = std::make_shared<model::Model>("model.gguf", "mtp-model.gguf");
#pragma once

#include <optional>

#include "runtime/gguf/file.h"
#include "runtime/gguf/geometry.h"
#include "runtime/model/weights.h"

namespace rw::model {

class Model {
public:
    /// mtp: a file that has the MTP block and no trunk. Throws Error: not_found, io, or invalid_argument with what is
    /// wrong with the files or between them.
    explicit Model(const std::string& path, const std::string& mtp = "");

    const gguf::Geometry& geometry() const { return geometry_; }
    const gguf::File& file() const { return file_; }
    const gguf::File* mtp_file() const { return mtp_ ? &*mtp_ : nullptr; }
    /// Of the geometry, the tensors' names, types and shapes, and some bytes of each: for what is saved from a model and
    /// must not be loaded into another.
    uint64_t fingerprint() const { return fingerprint_; }
    Weights load(Memory& memory, bool with_mtp = true, const Progress& progress = {}) const;

private:
    gguf::File file_;
    std::optional<gguf::File> mtp_;
    gguf::Geometry geometry_;
    uint64_t fingerprint_ = 0;
};

}  // namespace rw::model
