#include "runtime/spec/cost_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "core/cache_path.h"
#include "core/version.h"
#include "runtime/checksum.h"

namespace rw::spec {
namespace {

namespace fs = std::filesystem;

constexpr char heading[] = "rewind round costs 1";
constexpr uintmax_t most_bytes = 1 << 20;

std::string checked(const std::string& text) {
    Checksum sum;
    sum.add(std::as_bytes(std::span(text)));
    return fmt::format("{:016x}", sum.value());
}

std::string key_of(const model::Context& context) {
    constexpr const char* forms[] = {"ring", "snapshots", "checkpoint"};
    const model::PoolShape& pools = context.options().pools;
    std::string key = fmt::format("model {:016x} on {}, {}, build {}, {}, {} cache", context.model().fingerprint(),
                                  context.device().info().id, context.device().fingerprint(), core::version(),
                                  forms[size_t(pools.form)], name_of(pools.kv));
    if (const int64_t n = context.options().draft_vocab) key += fmt::format(", {} tokens drafted", n);
    for (char& c : key)
        if (c == '\n' || c == '\r') c = ' ';
    return key;
}

struct Line {
    std::string who;  // drafts; empty: all else
    size_t bucket;
    int x;
    double seconds;
};

/// "-" or a drafter's name, a bucket, a number, seconds.
bool parse(const std::string& text, Line& line) {
    std::istringstream words(text);
    std::string rest;
    if (!(words >> line.who >> line.bucket >> line.x >> line.seconds) || words >> rest || line.who.size() > 200) return false;
    const bool drafting = line.who != "-";
    if (!drafting) line.who.clear();
    return line.bucket < RoundCosts::kBuckets && line.x >= (drafting ? 1 : 0) &&
           line.x <= (drafting ? RoundCosts::kMost : RoundCosts::kMostDrafts) && CostLine::possible(line.seconds);
}

void put(std::string& text, const std::string& who, const RoundCosts::Row& row) {
    for (size_t bucket = 0; bucket < row.size(); ++bucket)
        for (const auto& [x, seconds] : row[bucket].known())
            if (x <= (who == "-" ? RoundCosts::kMostDrafts : RoundCosts::kMost))
                text += fmt::format("{} {} {} {:.9g}\n", who, bucket, x, seconds);
}

}  // namespace

CostFile::CostFile(const model::Context& context) : CostFile(context, core::cache_path("costs")) {}

CostFile::CostFile(const model::Context& context, const fs::path& folder) : key_(key_of(context)) {
    if (!folder.empty()) path_ = folder / checked(key_);
}

std::string CostFile::load(RoundCosts& costs) const {
    const auto problem = [&](const char* what) { return fmt::format("{}: {}; what rounds cost is learnt anew", path_.string(), what); };
    std::error_code ignored;
    if (path_.empty() || !fs::exists(path_, ignored)) return "";
    if (const uintmax_t bytes = fs::file_size(path_, ignored); ignored || bytes > most_bytes) return problem("not a file of costs");
    std::ifstream in(path_, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    if (!in) return problem("cannot be read");
    const size_t last = all.rfind("sum ");
    if (last == all.npos || all.substr(last) != "sum " + checked(all.substr(0, last)) + "\n") return problem("damaged");
    std::istringstream lines(all.substr(0, last));
    std::string text;
    if (!std::getline(lines, text) || text != heading) return problem("of another version");
    if (!std::getline(lines, text) || text != key_) return problem("of another model, device or build");
    std::vector<Line> found;
    while (std::getline(lines, text)) {
        Line line;
        if (!parse(text, line)) return problem("a number is out of range");
        found.push_back(std::move(line));
    }
    for (const Line& line : found) {
        if (line.who.empty()) costs.set_rest(line.bucket, line.x, line.seconds);
        else costs.set_drafting(line.who, line.bucket, line.x, line.seconds);
    }
    return "";
}

std::string CostFile::save(const RoundCosts& costs) const {
    if (path_.empty()) return "";
    std::string text = fmt::format("{}\n{}\n", heading, key_);
    put(text, "-", costs.rests());
    for (const auto& [who, row] : costs.draftings()) put(text, who, row);
    text += "sum " + checked(text) + "\n";
    std::error_code error;
    fs::create_directories(path_.parent_path(), error);
    const fs::path beside = path_.string() + fmt::format(".{}", getpid());
    {
        std::ofstream out(beside, std::ios::binary);
        out << text;
        if (!out.flush()) error = std::make_error_code(std::errc::io_error);
    }
    if (!error) fs::rename(beside, path_, error);
    if (!error) return "";
    std::error_code ignored;
    fs::remove(beside, ignored);
    return fmt::format("{}: cannot be written ({})", path_.string(), error.message());
}

}  // namespace rw::spec
