// Google Benchmark over the perf cases: one benchmark an op, case, device and implementation.
//
//   ops_bench --benchmark_filter='GATED_DELTA_NET/.*/cpu:0' [--cold] [--tier perf]
//
// Times are the device's own. Implementations that decline a case are reported as skipped, with the reason.
#include <benchmark/benchmark.h>

#include <iostream>
#include <map>

#include "tests/driver/cases.h"
#include "tools/measure.h"

namespace rw {
namespace {

double peak_of(core::Device& device) {  // measured once a run, when first needed
    static std::map<std::string, double> known;
    const auto [at, is_new] = known.try_emplace(device.info().id, 0);
    if (is_new) at->second = tools::copy_peak(device);
    return at->second;
}

void run(benchmark::State& state, core::Device& device, const tools::Job& job, const std::string& implementation, bool cold) {
    try {
        const double peak = peak_of(device);
        tools::Bench bench(device, job, implementation, cold);
        for (int i = 0; i < bench.copies(); ++i) bench.run();  // warm-up
        double seconds = 0;
        for (auto _ : state) {
            const double t = bench.run();
            state.SetIterationTime(t), seconds += t;
        }
        const ops::Cost cost = bench.cost();
        using benchmark::Counter;
        state.counters["bytes/s"] = Counter(cost.bytes, Counter::kIsIterationInvariantRate, Counter::kIs1000);
        state.counters["flops/s"] = Counter(cost.flops, Counter::kIsIterationInvariantRate, Counter::kIs1000);
        state.counters["copy_share"] = seconds > 0 ? cost.bytes * double(state.iterations()) / seconds / peak : 0;
    } catch (const Error& e) {
        std::string why = e.what();  // of a walk only the line of this implementation says something
        if (const size_t at = why.find("  " + implementation + ": "); at != why.npos) why.erase(0, at + 2);
        state.SkipWithError(why.substr(0, why.find('\n')).c_str());
    }
}

/// Takes `--name value` or `--name` out of the arguments; the rest is Google Benchmark's.
std::string take(int& argc, char** argv, std::string_view name, bool with_value) {
    for (int i = 1; i < argc; ++i) {
        if (argv[i] != name || (with_value && i + 1 == argc)) continue;
        const int words = with_value ? 2 : 1;
        const std::string value = argv[i + words - 1];
        std::copy(argv + i + words, argv + argc, argv + i);
        argc -= words;
        return value;
    }
    return "";
}

int main_(int argc, char** argv) {
    const bool cold = !take(argc, argv, "--cold", false).empty();
    std::string tier = take(argc, argv, "--tier", true);
    if (tier.empty()) tier = "perf";
    std::vector<std::shared_ptr<core::Device>> devices;
    for (const core::DeviceInfo& info : core::devices()) devices.push_back(core::open(info.id));
    for (const ops::Op& op : ops::all())
        for (const std::string& line : test::case_lines(test::tier_text(op.stem, tier), op.stem)) {
            const tools::Job job{&op, test::Case(line).dims.text()};
            for (const auto& device : devices)
                for (const core::Implementation* i : device->implementations(op.id)) {
                    const std::string name = i->name();
                    benchmark::RegisterBenchmark(
                        (std::string(op.name) + "/" + job.words + "/" + device->info().id + "/" + name).c_str(),
                        [device, job, name, cold](benchmark::State& state) { run(state, *device, job, name, cold); })
                        ->UseManualTime()
                        ->Unit(benchmark::kMicrosecond)
                        ->MinTime(0.2);
                }
        }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}

}  // namespace
}  // namespace rw

int main(int argc, char** argv) {
    try {
        return rw::main_(argc, argv);
    } catch (const std::exception& e) {
        std::cerr << "ops_bench: " << e.what() << "\n";
        return 1;
    }
}
