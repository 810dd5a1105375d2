// Relations that hold for every op.
#include <omp.h>

#include <limits>

#include "tests/driver/checks.h"

namespace rw::test {
namespace {

/// The number of threads must not reach the arithmetic.
void check_threads(Lab& lab) {
    if (!lab.device->info().id.starts_with("cpu")) throw Declined("threads are a matter of the CPU");
    struct Restore {
        const int threads = omp_get_max_threads();
        ~Restore() { omp_set_num_threads(threads); }
    } restore;
    const Inputs in = lab.inputs();
    omp_set_num_threads(1);
    const Outcome one = lab.run(in, true);
    for (const int threads : {2, 3, 7}) {
        omp_set_num_threads(threads);
        const Outcome many = lab.run(in, true);
        for (size_t i = 0; i < lab.op.args.size(); ++i)
            lab.same(lab.op.args[i].name + (" with " + std::to_string(threads)) + " threads", one.value[i].data(),
                     many.value[i].data(), one.value[i].size());
    }
}

/// Running twice gives the same bits.
void check_repeat(Lab& lab) {
    const Inputs in = lab.inputs();
    const Outcome one = lab.run(in, true), two = lab.run(in, true);
    for (size_t i = 0; i < lab.op.args.size(); ++i)
        lab.same(lab.op.args[i].name, one.value[i].data(), two.value[i].data(), one.value[i].size());
}

/// A NaN in one element of each input in turn: it has to show in the groups (sequence and head) that depend on it, and
/// in no other. Inside such a group its extent is not prescribed.
void check_nan(Lab& lab) {
    const Inputs clean = lab.inputs();
    for (size_t i = 0; i < lab.op.args.size(); ++i) {
        if (clean.value[i].empty() || clean.example.arg[i].type == Type::i32) continue;
        Inputs in = clean;
        in.value[i][lab.random(i, in.value[i].size())] = std::numeric_limits<double>::quiet_NaN();
        const Expected want = expected(in);
        const size_t before = lab.problems.size();
        lab.compare_all(want, in, lab.run(in, want.fault != 0), Nans::per_group);
        for (size_t p = before; p < lab.problems.size(); ++p)
            lab.problems[p] = std::string("NaN in ") + lab.op.args[i].name + ": " + lab.problems[p];
        lab.compared += 1;
    }
}

}  // namespace

void add_common_checks(Suite& suite) {
    suite.check("threads", check_threads);
    suite.check("repeat", check_repeat);
    suite.check("nan", check_nan);
}

}  // namespace rw::test
