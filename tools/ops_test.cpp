// rewind ops test: the conformance driver.
#include <CLI/CLI.hpp>

#include "rewind/ops/contract.h"
#include "tests/driver/driver.h"
#include "tools/manual.h"
#include "tools/numbers.h"
#include "tools/verbs.h"

namespace rw::tools {

void add_ops_test(CLI::App& ops, int& status) {
    CLI::App& verb = *ops.add_subcommand("test", "Run the conformance cases; the last line is N passed, N failed");
    auto o = std::make_shared<test::Options>();
    verb.add_option("op,--op", o->op, "Only this op");
    verb.add_option("--backend", o->backend, "Devices, e.g. cpu or vulkan:0,opencl (default: all)");
    verb.add_option("--impl", o->impl, "Only this implementation, e.g. cpu:plain");
    CLI::Option* file = verb.add_option("--cases", o->cases, "File of case lines (needs --op)");
    CLI::Option* one = verb.add_option("--case", o->one, "One case line (needs --op)")->excludes(file);
    verb.add_option("--tier", o->tier, "smoke, ci, all or perf (default smoke)")->excludes(file)->excludes(one);
    verb.add_option("--check", o->check, "Only cases with this check");
    verb.add_option("--seed", o->seed, "Seed of the inputs (default 1)")->check(whole_number);
    verb.add_option("--seconds", o->seconds, "Budget an op: a spread of the cases, the rest counted as skipped")
        ->check(at_least_zero);
    verb.add_flag("--verbose", o->verbose, "A line for every test");
    add_manual(verb, {.about = "Each case is compared with the definition in double, with itself cut into other calls, and with the other\n"
                               "implementations; what a case word means is in tests/cases and rewind ops list OP.",
                      .examples = {{"rewind ops test", "the smoke tier of every op on every device"},
                                   {"rewind ops test GATED_DELTA_NET --backend opencl --tier ci", "one op, more cases"},
                                   {"rewind ops test --op GATED_DELTA_NET --case \"S=64 T=5 K=5\" --verbose", "one case"}},
                      .status = {{"1", "a case failed"}, {"2", "words that make no sense"}, {"77", "no case could be run here"}},
                      .more = "docs/numerics.md (tolerances)"});
    verb.callback([o, one, &status] {
        if (one->count() && o->one.find_first_not_of(" \t") == std::string::npos)
            throw Error(Status::invalid_argument, "--case: is empty; expected words like S=128 T=4");
        status = test::run_ops_test(*o);
    });
}

}  // namespace rw::tools
