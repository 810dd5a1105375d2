// Options that every verb with a model has, and opening it: files, device, memory, progress.
#pragma once

#include <iosfwd>
#include <memory>
#include <span>

#include "runtime/model/context.h"

namespace CLI {
class App;
}

namespace rw::tools {

struct ModelOptions {
    std::string model, mtp, backend = "cpu", kv = "f16", rollback = "auto";
    int64_t context = 0, chunk = 512;  // context 0: the model's, at most 4096
    double memory_gib = 0;  // 0: what the device has

    void add_to(CLI::App& verb);
};

/// A model ready to run, and what choosing its rollback mode was about.
struct Opened {
    std::shared_ptr<const model::Model> model;
    std::shared_ptr<core::Device> device;
    std::unique_ptr<model::Context> context;
    std::string mode, why;  // "ring", "the fastest that fits; of recurrent state ring 1.06 MiB, ... would take"
};

/// The files and the device, with no context yet: what is asked of the model can be checked before its weights are loaded.
/// shape: what the verb needs, completed here; with shape.mtp the model has to have an MTP block.
Opened find_model(const ModelOptions& options, model::Options& shape);
/// Makes the context. On standard error: what it takes of the device's memory, before anything is loaded, unless `quiet`,
/// and on a terminal progress.
void load_model(Opened& opened, const ModelOptions& options, model::Options shape, bool quiet = false);
/// Both.
Opened open_model(const ModelOptions& options, model::Options shape, bool quiet = false);

/// Throws Error(range) unless all are of the model's vocabulary and fit the context.
void check_tokens(std::span<const int32_t> tokens, const model::Model& model, const model::Options& shape);

/// "weights 12.3 MiB, kv cache 4.0 MiB, ...; 17 MiB in all"
std::string memory_text(const model::Ledger& ledger);

/// Percent done on standard error, where that is a terminal; false once the program was interrupted (interrupt.h).
model::Progress progress_bar(const char* what);

}  // namespace rw::tools
