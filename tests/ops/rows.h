// What the suites of ops on rows [n, n1, n2, n3] share.
#pragma once

#include <sstream>

#include "tests/driver/suite.h"

namespace rw::test {

/// A row alone has the bits it has among others. Arguments of fewer dimensions than four are taken as they are.
inline void check_rows_alone(Lab& lab) {
    Inputs in = lab.inputs();
    in.plain_layout();
    const Outcome all = lab.run(in);
    const int out = lab.op.arg_index("out");
    const Extent ne = in.ne(out);
    const int64_t rows = ne[1] * ne[2] * ne[3];
    for (int64_t r = 0; r < rows; r += 1 + rows / 7) {
        Inputs one = in;
        for (size_t i = 0; i < in.example.arg.size(); ++i) {
            if (!in.has(int(i)) || lab.op.args[i].rank != 4) continue;
            const int64_t n = in.ne(int(i))[0];
            if (lab.op.args[i].written()) one.put(int(i), {n, 1, 1, 1}, {});
            else one.put(int(i), {n, 1, 1, 1}, {in.value[i].begin() + r * n, in.value[i].begin() + (r + 1) * n});
        }
        const Outcome got = lab.run(one);
        for (size_t i = 0; i < in.example.arg.size(); ++i)
            if (in.has(int(i)) && lab.op.args[i].written())
                lab.same(lab.op.args[i].name + (" of row " + std::to_string(r)), &all.value[i][size_t(r * in.ne(int(i))[0])],
                         got.value[i].data(), size_t(in.ne(int(i))[0]));
    }
}

/// Written over its inputs (the word alias) the op has the bits that it has beside them.
inline void check_in_place(Lab& lab) {
    const Outcome want = lab.run(lab.inputs("alias=0")), got = lab.run(lab.inputs("alias=1"));
    for (size_t i = 0; i < lab.op.args.size(); ++i)
        lab.same(lab.op.args[i].name, want.value[i].data(), got.value[i].data(), want.value[i].size());
}

inline std::string random_rows(Dice& d, int64_t longest) {
    std::ostringstream s;
    s << "n=" << 1 + d.below(longest) << " n1=" << 1 + d.below(9) << " n2=" << 1 + d.below(5) << " n3=" << 1 + d.below(3)
      << " layout=" << d.of({"packed", "padded", "odd", "permuted", "swapped"}) << " align=" << d.of({"4", "16", "64"});
    return s.str();
}

}  // namespace rw::test
