// rewind_report: measures the three regimes of the gated delta rule on every device and writes report.md with plots.
//
//   rewind_report [--out report] [--cold] [--backend cpu,vulkan:0] [--peer PATH [--peer-backend CPU]]
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <sstream>

#include "bench/peer.h"
#include "bench/plot.h"
#include "bench/series.h"
#include "core/version.h"
#include "rewind/ops/gated_delta_net.h"
#include "tools/table.h"

namespace rw::bench {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::string out = "report", backend, peer, peer_backend = "CPU";
    bool cold = false;
    double patience = 1.0;
};

struct Target {
    std::shared_ptr<core::Device> device;
    double peak;
};

void write(const fs::path& path, const std::string& text) {
    std::ofstream out(path);
    out << text;
    if (!out.flush()) throw Error(Status::io, path.string() + ": cannot be written");
}

std::vector<Line> lines(const std::vector<Series>& all, const std::vector<Target>& targets) {
    std::vector<Line> plotted;
    for (const Series& s : all) {
        Line line{s.device + " " + s.form, {}, s.form == "ring", 0};
        for (size_t i = 0; i < targets.size(); ++i)
            if (targets[i].device->info().id == s.device) line.colour = int(i);
        for (const Point& p : s.points) line.points.emplace_back(p.T, p.seconds);
        if (!line.points.empty()) plotted.push_back(std::move(line));
    }
    return plotted;
}

void table(std::ostream& out, const std::vector<Series>& all, const std::vector<Target>& targets) {
    tools::Table t({"device", "form", ">T", ">K", "implementation", ">time", ">per token", ">GB/s", ">of copy", ">Gflop/s"});
    for (const Series& s : all)
        for (const Point& p : s.points) {
            double peak = 1;
            for (const Target& target : targets)
                if (target.device->info().id == s.device) peak = target.peak;
            t.row({s.device, s.form, std::to_string(p.T), s.form == "ring" ? "–" : std::to_string(p.K), p.implementation,
                   tools::duration(p.seconds), tools::duration(p.seconds / p.T), tools::rate(p.bytes / p.seconds),
                   tools::percent(p.bytes / p.seconds / peak), tools::rate(p.flops / p.seconds)});
        }
    t.print_markdown(out);
}

void compare(std::ostream& out, const Options& o, const std::vector<Target>& targets) {
    out << "\n## Against a peer\n\n`test-backend-ops perf`, device " << o.peer_backend
        << ", and the same cases here, one after the other on the same machine. Ratio: its time over ours.\n\n";
    tools::Table t({"case", ">peer", "device", "implementation", ">ours", ">ratio"});
    for (const PeerTime& peer : run_peer(o.peer, o.peer_backend)) {
        if (peer.words.empty()) continue;
        for (const Target& target : targets) {
            try {
                tools::Bench bench(*target.device, {&ops::find("GATED_DELTA_NET"), peer.words}, "", o.cold);
                const double ours = bench.measure({o.cold, 0.3, 3}).median;
                t.row({peer.words, tools::duration(peer.seconds), target.device->info().id, bench.implementation(),
                       tools::duration(ours), fmt::format("{:.2f}", peer.seconds / ours)});
            } catch (const Error& e) {
                if (e.status != Status::unsupported) throw;
            }
        }
    }
    t.print_markdown(out);
}

void run(const Options& o) {
    std::vector<std::string> notes, ids;
    if (o.backend.empty())
        for (const core::DeviceInfo& info : core::devices(&notes)) ids.push_back(info.id);
    std::istringstream words(o.backend);
    for (std::string id; std::getline(words, id, ',');) ids.push_back(id);
    std::error_code failed;
    fs::create_directories(o.out, failed);
    if (failed) throw Error(Status::io, o.out + ": cannot be made: " + failed.message());

    std::ostringstream md;
    md << "# Gated delta rule: times\n\nRewind " << core::version()
       << ". One layer, 16 key heads, 32 value heads, state 128 × 128 per head, f32; "
       << (o.cold ? "buffers rotated so that caches are cold" : "the same buffers again and again, so caches are warm")
       << ". Medians on the device's own clock; the share is of the device's copy speed, measured in the same run, and\n"
          "can pass 100 % while the state stays in a cache.\n\n";
    std::vector<Target> targets;
    for (const std::string& id : ids) {
        const auto device = core::open(id);
        const core::DeviceInfo& info = device->info();
        targets.push_back({device, tools::copy_peak(*device)});
        md << "- `" << info.id << "`: " << info.name << ", " << info.driver << (info.is_software ? ", software" : "")
           << ", copies " << tools::rate(targets.back().peak) << " GB/s\n";
    }
    for (const std::string& note : notes) md << "- " << note << "\n";

    const std::vector<int> tokens{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}, drafts{1, 2, 4, 8, 16};
    std::vector<Series> regimes, verify;
    for (const Target& t : targets)
        for (const char* form : {"snapshots", "ring"}) {
            std::cout << t.device->info().id << " " << form << std::endl;
            regimes.push_back(over_tokens(*t.device, form, tokens, false, o.cold, o.patience));
            verify.push_back(over_tokens(*t.device, form, drafts, true, o.cold, o.patience));
        }
    write(fs::path(o.out) / "tokens.svg", svg("Step, verify, prefill: time over T (final state only)", "T, tokens in a call",
                                              "time of a call", lines(regimes, targets)));
    write(fs::path(o.out) / "verify.svg", svg("Verify that can be undone to any token: T = K", "T = K, tokens and snapshots",
                                              "time of a call", lines(verify, targets)));
    md << "\n## Step, verify, prefill\n\nUp to " << RW_GDN_EXACT_TOKENS
       << " tokens the exact path runs, beyond it the prefill one: by chunks, but where a device is faster by tokens (the\n"
          "implementation says which).\n\n![time over T](tokens.svg)\n\n";
    table(md, regimes, targets);
    md << "\n## Verify with rollback\n\nSnapshots keep the state after every token (K = T); the ring keeps rows and can go "
          "back anyway.\n\n![time over K](verify.svg)\n\n";
    table(md, verify, targets);
    if (!o.peer.empty()) compare(md, o, targets);
    write(fs::path(o.out) / "report.md", md.str());
    std::cout << (fs::path(o.out) / "report.md").string() << "\n";
}

}  // namespace
}  // namespace rw::bench

int main(int argc, char** argv) {
    CLI::App app("Measures the gated delta rule on every device and writes a report with plots.", "rewind_report");
    rw::bench::Options o;
    app.add_option("--out", o.out, "Folder (default report)");
    app.add_option("--backend", o.backend, "Devices, e.g. cpu,vulkan:0 (default: all)");
    app.add_flag("--cold", o.cold, "Rotate over buffers that together exceed the caches");
    app.add_option("--patience", o.patience, "Stop a series where one call takes longer, in seconds (default 1)");
    app.add_option("--peer", o.peer, "ggml's test-backend-ops, to compare with")->check(CLI::ExistingFile);
    app.add_option("--peer-backend", o.peer_backend, "Its name of the device (default CPU)");
    try {
        app.parse(argc, argv);
        rw::bench::run(o);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::cerr << "rewind_report: " << e.what() << "\n";
        return 1;
    }
}
