// rewind bench --suite mtp: nine prompts of nine kinds, each written on from plainly and with drafts of several lengths.
//
// Every token is chosen by the model's greatest logit and end tokens do not end the text, so that all settings write the same
// tokens, which is checked. Numbers are counted as everywhere (generator.h): what a rollback computes again is in none.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/draft_options.h"

namespace rw::tools {

struct MtpSuite {
    ModelOptions model;
    DraftOptions draft;
    std::string prompts, svg;           // files; prompts empty: those of the suite
    std::vector<int> n_max{0, 1, 2, 3, 4};
    bool automatic = true;              // n_max auto as well
    int64_t tokens = 192;
};

/// {"device", ..., "prompts": [{"kind", "prompt_tokens"}], "results": [{"n_max", "prompts": [...], "all": {...}}]}. Throws
/// Error for files that cannot be used.
nlohmann::ordered_json run_mtp_suite(const MtpSuite& suite, bool quiet);
/// As a table: whether all texts were the same.
bool print_mtp_suite(const nlohmann::ordered_json& report, std::ostream& out);

}  // namespace rw::tools
