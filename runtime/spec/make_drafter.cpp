#include "runtime/spec/make_drafter.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "runtime/spec/chain_drafter.h"
#include "runtime/spec/model_drafter.h"
#include "runtime/spec/mtp_drafter.h"
#include "runtime/spec/ngram_map.h"
#include "runtime/spec/ngram_mod.h"
#include "runtime/spec/ngram_simple.h"

namespace rw::spec {
namespace {

using Second = std::shared_ptr<model::Context>;

struct Kind {
    const char* name;
    int n;  // by default; 0: has no keys
    std::unique_ptr<Drafter> (*make)(model::Context&, const Second&, const DrafterText::Link&);
};

constexpr Kind kinds[] = {
    {"mtp", 0,
     [](model::Context& c, const Second&, const DrafterText::Link&) -> std::unique_ptr<Drafter> {
         return std::make_unique<MtpDrafter>(c);
     }},
    {"draft", 0,
     [](model::Context& c, const Second& second, const DrafterText::Link&) -> std::unique_ptr<Drafter> {
         if (!second) throw Error(Status::invalid_argument, "drafter draft: there is no second model; give --draft-model FILE");
         return std::make_unique<ModelDrafter>(c.model(), second);
     }},
    {"ngram-simple", 8,
     [](model::Context&, const Second&, const DrafterText::Link& l) -> std::unique_ptr<Drafter> {
         return std::make_unique<NgramSimple>(l.n);
     }},
    {"ngram-map", 6,
     [](model::Context&, const Second&, const DrafterText::Link& l) -> std::unique_ptr<Drafter> {
         return std::make_unique<NgramMap>(NgramMap::Options{l.n, l.min_hits});
     }},
    {"ngram-mod", 16,
     [](model::Context&, const Second&, const DrafterText::Link& l) -> std::unique_ptr<Drafter> {
         return std::make_unique<NgramMod>(NgramMod::Options{l.n, uint32_t(l.entries), l.check});
     }},
};

const Kind& kind_of(const std::string& name) {
    std::string all;
    for (const Kind& kind : kinds) {
        if (name == kind.name) return kind;
        all += std::string(", ") + kind.name;
    }
    throw Error(Status::invalid_argument, fmt::format("drafter \"{}\": expected none{}", name, all));
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts{""};
    for (const char c : text) {
        if (c == at) parts.emplace_back();
        else parts.back() += c;
    }
    return parts;
}

int64_t power_of_two(int64_t entries) {
    if (!std::has_single_bit(uint64_t(entries)))
        throw Error(Status::invalid_argument, fmt::format("ngram-mod: entries is a power of two, as {}, not {}",
                                                          std::bit_ceil(uint64_t(entries)), entries));
    return entries;
}

void set(DrafterText::Link& link, const std::string& setting) {
    const size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals), digits = equals == setting.npos ? "" : setting.substr(equals + 1);
    int64_t number = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool keys = kind_of(link.name).n > 0;
    const auto in = [&](int64_t least, int64_t most) {
        if (digits.empty() || end.ec != std::errc() || end.ptr != digits.data() + digits.size() || number < least ||
            number > most)
            throw Error(Status::invalid_argument, fmt::format("{}: {} is a number from {} to {}, not \"{}\"", link.name,
                                                              name, least, most, digits));
        return number;
    };
    if (setting == "extend" && keys) link.extend = true;
    else if (name == "fewest") link.fewest = int(in(1, 64));
    else if (name == "n" && keys) link.n = int(in(1, 256));
    else if (name == "min-hits" && link.name == "ngram-map") link.min_hits = int(in(1, 1 << 20));
    else if (name == "entries" && link.name == "ngram-mod") link.entries = power_of_two(in(1, 1 << 28));
    else if (name == "check" && link.name == "ngram-mod") link.check = in(0, 1) == 1;
    else throw Error(Status::invalid_argument, fmt::format("drafter {} has no setting \"{}\"", link.name, name));
}

}  // namespace

DrafterText::DrafterText(const std::string& text) {
    if (text == "none") return;
    for (const std::string& part : split(text, ',')) {
        const std::vector<std::string> words = split(part, ':');
        Link link{.name = words[0]};
        link.n = kind_of(link.name).n;
        for (size_t i = 1; i < words.size(); ++i) set(link, words[i]);
        if (std::any_of(links.begin(), links.end(), [&](const Link& other) { return other.name == link.name; }))
            throw Error(Status::invalid_argument, fmt::format("drafter {} is named twice", link.name));
        links.push_back(std::move(link));
    }
    for (size_t i = 0; i < links.size(); ++i)
        if (links[i].extend && std::none_of(links.begin() + std::ptrdiff_t(i), links.end(),
                                            [](const Link& l) { return l.name == "mtp" || l.name == "draft"; }))
            throw Error(Status::invalid_argument,
                        fmt::format("{}:extend: nobody behind it goes on with guesses; name mtp or draft there", links[i].name));
}

bool DrafterText::has(const char* name) const {
    return std::any_of(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
}

uint64_t DrafterText::table_bytes() const {
    uint64_t bytes = 0;
    for (const Link& link : links)
        if (link.name == "ngram-mod") bytes += NgramMod::bytes_of(uint64_t(link.entries));
    return bytes;
}

std::unique_ptr<Drafter> DrafterText::make(model::Context& context, std::shared_ptr<model::Context> second) const {
    if (none()) return nullptr;
    std::vector<ChainDrafter::Link> made;
    for (const Link& link : links) made.push_back({kind_of(link.name).make(context, second, link), link.fewest, link.extend});
    if (made.size() == 1 && made[0].fewest <= 1) return std::move(made[0].drafter);
    return std::make_unique<ChainDrafter>(std::move(made));
}

}  // namespace rw::spec
