#include "bench/peer.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <regex>
#include <sstream>

#include "rewind/ops/contract.h"

namespace rw::bench {
namespace {

std::string quoted(const std::string& word) {
    std::string s = "'";
    for (const char c : word) s += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return s + "'";
}

/// The peer's words in ours. Its head_count is of keys, and its rows may be permuted views.
std::string translated(const std::string& words) {
    std::map<std::string, std::string> w;
    std::istringstream in(words);
    for (std::string word; std::getline(in, word, ',');)
        if (const size_t eq = word.find('='); eq != word.npos) w[word.substr(0, eq)] = word.substr(eq + 1);
    const auto number = [&](const char* key, int fallback) {
        return w.count(key) ? std::atoi(w[key].c_str()) : fallback;
    };
    if (w["type"] != "f32" || !number("head_count", 0) || number("permuted", 0)) return "";
    return fmt::format("S={} H_k={} H_v={} T={} B={} K={} gate={} gates=weak betas=uniform", number("head_size", 0),
                       number("head_count", 0), number("head_count", 0) * number("v_repeat", 1), number("n_seq_tokens", 1),
                       number("n_seqs", 1), number("K", 1), number("kda", 0) ? "channel" : "scalar");
}

}  // namespace

std::vector<PeerTime> parse_peer(const std::string& output) {
    static const std::regex backend(R"(Backend \d+/\d+: (\S+))"), line(R"(GATED_DELTA_NET\(([^)]*)\):.*?([0-9.]+) us/run)");
    std::vector<PeerTime> times;
    std::istringstream in(output);
    std::string name;
    for (std::string text; std::getline(in, text);) {
        std::smatch m;
        if (std::regex_search(text, m, backend)) name = m[1];
        if (std::regex_search(text, m, line)) times.push_back({translated(m[1]), name, std::stod(m[2]) * 1e-6});
    }
    return times;
}

std::vector<PeerTime> run_peer(const std::string& executable, const std::string& backend) {
    const std::string command = quoted(executable) + " perf -o GATED_DELTA_NET -b " + quoted(backend) + " 2>/dev/null";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    if (!pipe) throw Error(Status::io, executable + ": cannot be started");
    std::string output(1 << 16, '\0'), all;
    while (const size_t n = fread(output.data(), 1, output.size(), pipe.get())) all.append(output, 0, n);
    std::vector<PeerTime> times = parse_peer(all);
    if (times.empty())
        throw Error(Status::io, executable + ": printed no times of GATED_DELTA_NET; expected ggml's test-backend-ops");
    return times;
}

}  // namespace rw::bench
