#include "tests/driver/suite.h"

#include <algorithm>

#include "suite_list.h"  // generated: the suites of tests/ops/<stem>.cpp in the order of ops.def
#include "tests/driver/checks.h"

namespace rw::test {

Grouping default_grouping(const ops::Op& op, const ops::Call& call, int arg, int64_t heads) {
    const Extent& ne = call.arg[size_t(arg)].ne;
    if (op.args[size_t(arg)].rank != 3) return by_dims(ne, 0b1010);
    const int64_t slots = ne[1];
    return by_blocks(ne[0] * ne[1] * ne[2], ne[0] / heads, [slots, heads](int64_t i) {
        return "[head " + std::to_string(i % heads) + ", slot " + std::to_string(i / heads % slots) + ", row " +
               std::to_string(i / heads / slots) + "]";
    });
}

Grouping grouping_of(const Suite& suite, const ops::Op& op, const ops::Call& call, int arg) {
    if (suite.grouping) return suite.grouping(op, call, arg);
    return default_grouping(op, call, arg, suite.state_heads ? suite.state_heads(call) : 1);
}

const Suite& suite_of(const ops::Op& op) {
    static const std::vector<Suite> all = [] {
        std::vector<Suite> list;
        for (const ops::Op& o : ops::all()) {
            Suite own = suite_functions[o.id]();
            Suite s = own;
            s.checks.clear(), s.relations.clear();
            add_common_checks(s);
            if (has_slots(o)) add_slot_checks(s), add_chain_check(s), add_view_check(s);
            if (has_ring(o)) add_ring_checks(s), add_ring_batch_checks(s), add_view_check(s);
            for (auto& [name, check] : own.checks) s.checks[name] = check;  // an op may replace a common one
            s.relations.merge(own.relations);
            list.push_back(std::move(s));
        }
        return list;
    }();
    return all[size_t(op.id)];
}

}  // namespace rw::test
