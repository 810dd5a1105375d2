// Bad calls of GATED_DELTA_NET and its ring form, and what every op gets checked alike: buffers, types, strides.
#include <algorithm>
#include <cmath>

#include "rewind/ops/gated_delta_net.h"
#include "rewind/ops/gated_delta_net_ring.h"
#include "tests/errors/spoil.h"

namespace rw::test {
namespace {

namespace gdn = ops::gated_delta_net;
namespace ring = ops::gated_delta_net_ring;

TEST(Errors, Buffers) {
    using namespace gdn::arg;
    spoiled("GATED_DELTA_NET", "S=16 H_k=2 H_v=4 T=3 K=2 B=2", {
        {"no q", [](auto& c) { c.arg[q].buffer = nullptr; }, invalid, {"q:", "no buffer"}},
        {"no state_out", [](auto& c) { c.arg[state_out].buffer = nullptr; }, invalid, {"state_out:", "no buffer"}},
        {"too small", [](auto& c) { c.arg[out].offset += 1 << 20; }, invalid, {"out:", "bytes of its buffer"}},
        {"offset past everything", [](auto& c) { c.arg[v].offset = 1ull << 40; }, invalid, {"v:", "bytes of its buffer"}},
        {"offset overflows", [](auto& c) { c.arg[v].offset = ~0ull - 3; }, invalid, {"v:", "overflow"}},
        {"odd offset", [](auto& c) { c.arg[k].offset += 2; }, invalid, {"k:", "not a multiple of 4"}},
        {"out over q", [](auto& c) { c.arg[out].buffer = c.arg[q].buffer, c.arg[out].offset = c.arg[q].offset,
                                     c.arg[q].ne[2] = c.arg[q].ne[2]; }, invalid, {"out"}},
        {"state_out beside state", [](auto& c) { c.arg[state].buffer = c.arg[state_out].buffer,
                                                 c.arg[state].offset = c.arg[state_out].offset + 4; }, invalid,
         {"state_out", "share memory"}},
    });
}

TEST(Errors, Shapes) {
    using namespace gdn::arg;
    spoiled("GATED_DELTA_NET", "S=16 H_k=2 H_v=4 T=3 K=2 B=2", {
        {"H_v % H_k", [](auto& c) { c.arg[v].ne[1] = 3; }, invalid, {"H_v = 3", "multiple of H_k = 2"}},
        {"K = 0", [](auto& c) { c.arg[state_out].ne[1] = 0; }, invalid, {"state_out:", "0 elements"}},
        {"T = 0", [](auto& c) { c.arg[v].ne[2] = 0; }, invalid, {"v:", "0 elements"}},
        {"negative", [](auto& c) { c.arg[g].ne[1] = -4; }, invalid, {"g:", "-4 elements"}},
        {"S = 48", [](auto& c) { c.arg[q].ne[0] = 48; c.arg[q].nb[1] = 192; }, unsupported, {}},
        {"S = 8", [](auto& c) { c.arg[q].ne[0] = 8; }, unsupported, {"head sizes", "8"}},
        {"k shorter than q", [](auto& c) { c.arg[k].ne[2] = 2; }, invalid, {"k:", "expected", "got"}},
        {"gate width", [](auto& c) { c.arg[g].ne[0] = 2; }, invalid, {"g:", "scalar gate"}},
        {"beta heads", [](auto& c) { c.arg[beta].ne[1] = 2; }, invalid, {"beta:", "expected"}},
        {"out rows", [](auto& c) { c.arg[out].ne[2] = 2; }, invalid, {"out:", "expected"}},
        {"state size", [](auto& c) { c.arg[state].ne[0] -= 16; }, invalid, {"state:", "S_k S_v H_v"}},
        {"too few pool rows", [](auto& c) { c.arg[state_out].ne[2] = 1; }, invalid, {"1 pool rows for 2 sequences"}},
        {"broadcast that does not divide", [](auto& c) { c.arg[q].ne[3] = 1, c.arg[k].ne[3] = 1, c.arg[k].ne[2] = 2; },
         invalid, {"k:"}},
        {"a fourth dimension", [](auto& c) { c.arg[state].ne[3] = 2; }, invalid, {"state:", "dimension 3"}},
        {"overflowing extent", [](auto& c) { c.arg[v].ne[2] = int64_t(1) << 61; }, invalid, {"v:"}},
        {"overflowing stride", [](auto& c) { c.arg[v].nb[3] = int64_t(1) << 62; c.arg[v].ne[3] = 9; }, invalid,
         {"v:", "overflows 64 bits"}},
    });
}

TEST(Errors, TypesAndStrides) {
    using namespace gdn::arg;
    spoiled("GATED_DELTA_NET", "S=16 H_k=2 H_v=4 T=3 K=2 B=2", {
        {"i32 q", [](auto& c) { c.arg[q].type = Type::i32; }, unsupported, {"q:", "i32", "f32 or f16 or bf16"}},
        {"no such type", [](auto& c) { c.arg[q].type = Type(17); }, unsupported, {"q:", "unknown type"}},
        {"f16 state", [](auto& c) { c.arg[state].type = Type::f16; }, unsupported, {"state:", "f16"}},
        {"mixed types", [](auto& c) { c.arg[k].type = Type::f16, c.arg[k].nb = contiguous(Type::f16, c.arg[k].ne); },
         invalid, {"one type"}},
        {"rows with gaps", [](auto& c) { c.arg[k].nb[0] = 8, c.arg[k].ne[2] = 3; }, invalid, {"k:"}},
        {"ragged stride", [](auto& c) { c.arg[v].nb[1] = 66; }, invalid, {"v:", "66", "multiple of 4"}},
        {"negative stride", [](auto& c) { c.arg[v].nb[2] = -64; }, invalid, {"v:", "-64"}},
        {"broadcast output", [](auto& c) { c.arg[out].nb[1] = 0; }, invalid, {"out:", "broadcast"}},
        {"output over itself", [](auto& c) { c.arg[out].nb[2] = 64; }, invalid, {"out:", "overlap"}},
        {"state with gaps", [](auto& c) { c.arg[state].nb[0] = 8, c.arg[state].ne[2] = 1, c.arg[state].nb[1] = 16; },
         invalid, {"state"}},
    });
}

TEST(Errors, Attributes) {
    using namespace gdn;
    spoiled("GATED_DELTA_NET", "S=16 H_k=2 H_v=4 T=3 K=2 B=2", {
        {"raw gates without their inputs", [](auto& c) { c.attr[attr::raw_gates] = 1; }, invalid, {"dt_bias, a:"}},
        {"NaN scale", [](auto& c) { c.attr[attr::scale] = std::nan(""); }, invalid, {"scale:"}},
        {"infinite scale", [](auto& c) { c.attr[attr::scale] = INFINITY; }, invalid, {"scale:"}},
        {"negative eps", [](auto& c) { c.attr[attr::l2norm_eps] = -1; }, invalid, {"l2norm_eps:"}},
        {"too few attributes", [](auto& c) { c.attr.pop_back(); }, invalid, {"another op"}},
        {"too few arguments", [](auto& c) { c.arg.pop_back(); }, invalid, {"another op"}},
    });
    const ops::Op& op = ops::find("gated_delta_net");
    ops::Call call = ops::make_call(op);
    refused(invalid, {"order", "trailing|recent_first"}, [&] { ops::set_attr(op, call, "order", "latest"); });
    refused(invalid, {"ordre", "order"}, [&] { ops::set_attr(op, call, "ordre", "trailing"); });
    refused(invalid, {"raw_gates", "0 or 1"}, [&] { ops::set_attr(op, call, "raw_gates", "2"); });
    refused(invalid, {"scale", "a number"}, [&] { ops::set_attr(op, call, "scale", "1,5"); });
}

TEST(Errors, IndexVectors) {
    using namespace gdn::arg;
    spoiled("GATED_DELTA_NET", "S=16 B=2 T=3 in_slot=0,0 seq=1,0 len=3,2", {
        {"in_slot for one", [](auto& c) { c.arg[in_slot].ne[0] = 1; }, invalid, {"in_slot:", "[B]"}},
        {"seq of f32", [](auto& c) { c.arg[seq].type = Type::f32; }, unsupported, {"seq:", "i32"}},
        {"seq_len with gaps", [](auto& c) { c.arg[seq_len].nb[0] = 0; }, invalid, {"seq_len:"}},
    });
    spoiled("GATED_DELTA_NET", "S=16 first=0,3 len=3,2 N=6", {
        {"packed without seq_len", [](auto& c) { c.arg[seq_len] = {}; }, invalid, {"seq_len:", "required with first"}},
        {"max_len past the rows", [](auto& c) { c.attr[gdn::attr::max_len] = 7; }, invalid, {"max_len:", "6 rows"}},
        {"negative max_len", [](auto& c) { c.attr[gdn::attr::max_len] = -1; }, invalid, {"max_len:", "whole number"}},
        {"half a token", [](auto& c) { c.attr[gdn::attr::max_len] = 1.5; }, invalid, {"max_len:", "whole number"}},
        {"max_len NaN", [](auto& c) { c.attr[gdn::attr::max_len] = std::nan(""); }, invalid, {"max_len:"}},
        {"max_len without first", [](auto& c) { c.arg[first] = c.arg[seq_len] = {}, c.attr[gdn::attr::max_len] = 2; },
         invalid, {"max_len:"}},
    });
}

TEST(Errors, Ring) {
    using namespace ring;
    spoiled("GATED_DELTA_NET_RING", "S=16 T=4 B=2 W=4 n_base=2 pos=3,9", {
        {"one base", [](auto& c) { c.arg[arg::base].ne[1] = 1; }, invalid, {"base:", "n_base"}},
        {"W = 3", [](auto& c) { for (int a : {arg::ring_k, arg::ring_d, arg::ring_g}) c.arg[size_t(a)].ne[2] = 6; },
         invalid, {"ring_k:", "W one of 4"}},
        {"rings of two lengths", [](auto& c) { c.arg[arg::ring_d].ne[2] = 4; }, invalid, {"ring_d:", "expected"}},
        {"no pos", [](auto& c) { c.arg[arg::pos] = {}; }, invalid, {"pos:", "no buffer"}},
        {"one pos", [](auto& c) { c.arg[arg::pos].ne[0] = 1; }, invalid, {"pos:", "[B]"}},
    });
    spoiled("GATED_DELTA_NET_RING", "S=16 T=9 W=4 n_base=2", {
        {"an exact call past the ring", [](auto& c) { c.attr[attr::path] = 1; }, invalid, {"T = 9", "W (n_base - 1) = 4"}},
    });
}

/// What validation cannot see: indices in device memory. The others are done, the message names the argument.
TEST(Errors, IndicesInDeviceMemory) {
    const ops::Op& op = ops::find("gated_delta_net");
    const std::pair<const char*, const char*> cases[] = {
        {"S=16 B=2 T=2 K_in=2 in_slot=1,2", "in_slot"}, {"S=16 B=2 T=2 seq=0,5", "seq "}, {"S=16 B=2 T=2 len=2,3", "seq_len"},
        {"S=16 first=0,5 len=2,2 N=6", "first"}};
    for (const auto& device : devices()) {
        if (device->implementations(op.id).empty()) continue;
        for (const auto& [line, word] : cases) {
            SCOPED_TRACE(device->info().id + ": " + line);
            const Bound bound(*device, Inputs(op, op.example(ops::Dims(line)), 3));
            core::Plan plan(device);
            plan.add(bound.call());
            refused(Status::range, {word, "skipped"}, [&] { plan.run(); });
            const Outcome after = bound.read();
            const auto& touched = after.touched[gdn::arg::state_out];
            const size_t half = touched.size() / 2;
            EXPECT_EQ(std::count(touched.begin(), touched.begin() + long(half), 1), long(half));  // sequence 0 is done
            EXPECT_EQ(std::count(touched.begin() + long(half), touched.end(), 1), 0);             // sequence 1 is not
            refused(Status::range, {word}, [&] { plan.run(); });  // and again: the fault is not sticky, nor forgotten
        }
    }
}

}  // namespace
}  // namespace rw::test
