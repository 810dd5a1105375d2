// REWIND_TUNE: values for tunes instead of their defaults, held against the rows of every op, so that a slip of the pen
// is not taken for a result.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <sstream>

#include "core/kernel_rows.h"

namespace rw::core {
namespace {

struct Tuning {
    std::string row, name;
    int64_t value;
};

[[noreturn]] void refuse(const std::string& word, const std::string& why) {
    throw Error(Status::invalid_argument, "REWIND_TUNE: '" + word + "': " + why);
}

template <class T, class Spell>
std::string listed(const std::vector<T>& values, Spell spell) {
    std::string s;
    for (const T& v : values) s += (s.empty() ? "" : ", ") + spell(v);
    return s;
}

/// The tunes of the row of that name in every op that has one.
std::vector<std::vector<KernelRow::Tune>> tunes_of(const std::string& row_name) {
    std::vector<std::vector<KernelRow::Tune>> found;
    const std::string backend = row_name.substr(0, row_name.find(':'));
    for (const ops::Op& op : ops::all())
        for (const KernelRow& row : kernel_rows(op, backend))
            if (row.name == row_name) found.push_back(row.tunes);
    return found;
}

Tuning tuning(const std::string& word) {
    const size_t dot = word.rfind('.'), eq = word.find('=');
    if (dot == word.npos || eq == word.npos || dot > eq) refuse(word, "expected ROW.NAME=VALUE, e.g. vulkan:lanes.COLS=4");
    Tuning t{word.substr(0, dot), word.substr(dot + 1, eq - dot - 1), 0};
    const auto rows = tunes_of(t.row);
    if (rows.empty()) refuse(word, "no op has a row [" + t.row + "]; `rewind ops list` has the names");
    std::vector<std::string> names;
    std::vector<int64_t> candidates;
    for (const auto& tunes : rows)
        for (const KernelRow::Tune& tune : tunes) {
            if (std::find(names.begin(), names.end(), tune.name) == names.end()) names.push_back(tune.name);
            if (tune.name == t.name) candidates.insert(candidates.end(), tune.candidates.begin(), tune.candidates.end());
        }
    if (std::find(names.begin(), names.end(), t.name) == names.end())
        refuse(word, "[" + t.row + "] has no tune " + t.name + "; it has " +
                         (names.empty() ? "none" : listed(names, [](const std::string& n) { return n; })));
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    const char* const end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data() + eq + 1, end, t.value);
    const bool number = error == std::errc() && stop == end;
    if (candidates.empty() && !number) refuse(word, t.name + " is a whole number");
    if (!candidates.empty() && !(number && std::binary_search(candidates.begin(), candidates.end(), t.value)))
        refuse(word, t.name + " is one of " + listed(candidates, [](int64_t c) { return std::to_string(c); }));
    return t;
}

std::vector<Tuning> tunings(const std::string& text) {
    std::vector<Tuning> list;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) list.push_back(tuning(word));
    return list;
}

}  // namespace

std::map<std::string, int64_t> tuned_values(const std::string& row_name) {
    const char* text = std::getenv("REWIND_TUNE");
    if (!text || !*text) return {};
    static std::mutex mutex;
    static std::string read;  // what `list` was made of
    static std::vector<Tuning> list;
    const std::lock_guard lock(mutex);
    if (read != text) list = tunings(text), read = text;
    std::map<std::string, int64_t> values;
    for (const Tuning& t : list)
        if (t.row == row_name) values[t.name] = t.value;
    return values;
}

}  // namespace rw::core
