// What the self-test found out, in this process and in earlier ones: lines "pass|fail <key>" in one file, the last line of
// a key counts.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace rw::core {

/// May be used by several threads at once.
class Verdicts {
public:
    /// Reads $XDG_CACHE_HOME/rewind/selftest, else ~/.cache/rewind/selftest.
    Verdicts();
    std::optional<bool> find(const std::string& key) const;
    void keep(const std::string& key, bool pass);
    const std::filesystem::path& file() const { return file_; }

private:
    std::filesystem::path file_;
    mutable std::mutex mutex_;
    std::map<std::string, bool> known_;
};

}  // namespace rw::core
