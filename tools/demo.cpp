// rewind demo: on every device found, the gated delta rule in its three regimes, then a model with and without drafts.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "tools/demo_model.h"
#include "tools/manual.h"
#include "tools/measure.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Regime {
    const char* op;
    const char* name;
    const char* words;
};
// One layer of a model of the Qwen3.5 / 3.6 class.
#define SHAPE "S=128 H_k=16 H_v=32 gates=weak betas=uniform "
constexpr Regime regimes[] = {
    {"GATED_DELTA_NET", "step T=1", SHAPE "T=1"},
    {"GATED_DELTA_NET", "verify T=4 K=4", SHAPE "T=4 K=4"},
    {"GATED_DELTA_NET", "prefill T=256", SHAPE "T=256 path=prefill"},
    {"GATED_DELTA_NET_RING", "step T=1", SHAPE "T=1 W=16 pos=8"},  // the mean phase of a block
    {"GATED_DELTA_NET_RING", "verify T=4", SHAPE "T=4 W=16 pos=8"},
    {"GATED_DELTA_NET_RING", "prefill T=256", SHAPE "T=256 path=prefill"},
};
#undef SHAPE

using Devices = std::vector<std::shared_ptr<core::Device>>;

void operators(const Devices& devices, const std::vector<std::string>& notes, std::ostream& out) {
    out << "One layer, 16 key heads, 32 value heads, state 128 x 128 per head, f32; caches cold.\n\n";
    std::vector<double> peaks;
    for (const auto& device : devices) {
        const core::DeviceInfo& info = device->info();
        peaks.push_back(copy_peak(*device));
        out << info.id << ": " << info.name << (info.is_software ? " (software device: its speed says little)" : "")
            << ", copies " << rate(peaks.back()) << " GB/s\n";
    }
    for (const std::string& note : notes) out << "note: " << note << "\n";
    out << std::endl;

    Table table({"op", "regime", "device", "implementation", ">time", ">GB/s", ">of copy", ">error (NMSE)"});
    std::vector<std::string> problems;
    for (const Regime& regime : regimes) {
        const Job job{&ops::find(regime.op), regime.words};
        const Truth expected = truth(job);
        for (size_t i = 0; i < devices.size(); ++i) {
            core::Device& device = *devices[i];
            try {
                Bench bench(device, job, "", true);
                const double error = error_of(device, job, bench.implementation(), expected);
                const Timing time = bench.measure({true, 0.3, 3});
                const double speed = bench.cost().bytes / time.median;
                table.row({job.op->name, regime.name, device.info().id, bench.implementation(), duration(time.median),
                           rate(speed), percent(speed / peaks[i]), scientific(error)});
            } catch (const Error& e) {
                table.row({job.op->name, regime.name, device.info().id, "none", "–", "–", "–", "–"});
                std::string text = std::string(e.what()).substr(0, std::string(e.what()).find_last_not_of(" \n") + 1);
                if (std::find(problems.begin(), problems.end(), text) == problems.end()) problems.push_back(text);
            }
        }
    }
    table.print(out);
    for (const std::string& problem : problems) out << "note: " << problem << "\n";
    out << "\nGB/s counts the bytes that the op cannot avoid; prefill is bound by arithmetic instead. The error is against\n"
           "the definition in double precision; 1e-7 is the bound. More: rewind ops bench, rewind ops explain.\n";
}

struct Options {
    std::string model, prompts;
    int64_t tokens = 64;
};

int run(const Options& o, std::ostream& out) {
    std::vector<std::string> notes;
    Devices devices;
    for (const core::DeviceInfo& info : core::devices(&notes)) devices.push_back(core::open(info.id));
    operators(devices, notes, out);
    if (o.model.empty()) return 0;
#if REWIND_RUNTIME
    return demo_model(o.model, o.prompts, o.tokens, devices, out) ? 0 : 1;
#else
    out << "note: this program was built without the model runtime (REWIND_RUNTIME=OFF)\n";
    return 0;
#endif
}

}  // namespace

void add_demo(CLI::App& app, int& status) {
    CLI::App& verb = *app.add_subcommand("demo", "Run the gated delta rule, and a model, on every device: tables");
    auto o = std::make_shared<Options>();
    CLI::Option* model = verb.add_option("-m,--model", o->model, "A model with an MTP block")->take_last();
    verb.add_option("--prompts", o->prompts, R"(Its prompts: a file of [{"kind": "...", "text": "..."}, ...])")
        ->take_last();
    verb.add_option("-n,--tokens-out", o->tokens, "Tokens to generate from each")
        ->capture_default_str()
        ->check(CLI::Range(8, 2048));
    model->needs("--prompts");
    add_manual(verb, {.about = "Without a model the operators alone: time, share of the copy speed and error against the definition.\n"
                               "With one each prompt plainly and with drafts: tokens a second, acceptance, and whether the texts are the same.",
                      .examples = {{"rewind demo", "the operators"},
                                   {"rewind demo -m models/rewind-demo-q8_0.gguf --prompts models/prompts.json",
                                    "and the small trained model of the repository"}},
                      .status = {{"1", "a text differed, an error was above its bar, or there is no such file"}}});
    verb.callback([o, &status] { status = run(*o, std::cout); });
}

}  // namespace rw::tools
