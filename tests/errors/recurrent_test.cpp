// Bad calls of the recurrent ops beside GATED_DELTA_NET.
#include <cmath>

#include "rewind/ops/causal_conv1d.h"
#include "rewind/ops/causal_conv1d_ring.h"
#include "rewind/ops/gated_delta_net_materialize.h"
#include "rewind/ops/gated_linear_attention.h"
#include "rewind/ops/rwkv7_wkv.h"
#include "rewind/ops/ssm_scan.h"
#include "tests/errors/spoil.h"

namespace rw::test {
namespace {

TEST(Errors, Convolution) {
    using namespace ops::causal_conv1d;
    using namespace arg;
    spoiled("CAUSAL_CONV1D", "C=64 d_conv=4 T=3 K=2 B=2", {
        {"no state", [](auto& c) { c.arg[state] = {}; }, invalid, {"state:", "no buffer"}},
        {"i32 x", [](auto& c) { c.arg[x].type = Type::i32; }, unsupported, {"x:", "i32", "f32 or f16 or bf16"}},
        {"f16 weight", [](auto& c) { c.arg[weight].type = Type::f16; }, unsupported, {"weight:", "f16"}},
        {"one tap", [](auto& c) { c.arg[weight].ne[0] = 1; }, unsupported, {"weight:", "2..9", "got 1"}},
        {"channels of weight", [](auto& c) { c.arg[weight].ne[1] = 63; }, invalid, {"weight:", "[d_conv, C]"}},
        {"weight with gaps", [](auto& c) { c.arg[weight].nb[1] = 12; }, invalid, {"weight:", "dimension 1", "packed"}},
        {"short bias", [](auto& c) { c.arg[bias].ne[0] = 63; }, invalid, {"bias:", "[C]"}},
        {"rows of out", [](auto& c) { c.arg[out].ne[1] = 2; }, invalid, {"out:", "like x"}},
        {"x with gaps", [](auto& c) { c.arg[x].nb[0] = 8, c.arg[x].ne[1] = c.arg[out].ne[1] = 2; }, invalid,
         {"x:", "neighbours"}},
        {"a state of one row less", [](auto& c) { c.arg[state].ne[0] -= 64; }, invalid, {"state:", "(d_conv-1) C"}},
        {"one pool row", [](auto& c) { c.arg[state_out].ne[2] = 1; }, invalid, {"1 pool rows for 2 sequences"}},
        {"max_len", [](auto& c) { c.attr[attr::max_len] = 2; }, invalid, {"max_len:", "packed"}},
        {"out over x", [](auto& c) { c.arg[out].buffer = c.arg[x].buffer, c.arg[out].offset = c.arg[x].offset; }, invalid,
         {"out", "share memory"}},
    });
    bad_lines("CAUSAL_CONV1D", {{"C=64 d_conv=10", unsupported, {"weight:", "2..9", "got 10"}}});
}

TEST(Errors, ConvolutionRing) {
    using namespace ops::causal_conv1d_ring;
    using namespace arg;
    spoiled("CAUSAL_CONV1D_RING", "C=64 d_conv=4 T=3 B=2 R=8 pos=3,9", {
        {"too few rows", [](auto& c) { c.arg[ring].ne[1] = 2; }, invalid, {"ring:", "R = 2", "d_conv - 1 = 3"}},
        {"channels", [](auto& c) { c.arg[ring].ne[0] = 63; }, invalid, {"ring:", "[C, R, P]"}},
        {"one pool row", [](auto& c) { c.arg[ring].ne[2] = 1; }, invalid, {"ring:", "1 pool rows for 2 sequences"}},
        {"f16 ring", [](auto& c) { c.arg[ring].type = Type::f16; }, unsupported, {"ring:", "f16"}},
        {"a ring with gaps", [](auto& c) { c.arg[ring].nb[0] = 8, c.arg[ring].nb[1] = 512, c.arg[ring].ne[1] = 3; }, invalid,
         {"ring:"}},
        {"no pos", [](auto& c) { c.arg[pos] = {}; }, invalid, {"pos:", "no buffer"}},
        {"one pos", [](auto& c) { c.arg[pos].ne[0] = 1; }, invalid, {"pos:", "[B]"}},
        {"pos of f32", [](auto& c) { c.arg[pos].type = Type::f32; }, unsupported, {"pos:", "i32"}},
        {"short bias", [](auto& c) { c.arg[bias].ne[0] = 63; }, invalid, {"bias:", "[C]"}},
    });
    spoiled("CAUSAL_CONV1D_RING", "C=64 T=20 R=8", {
        {"ring over out", [](auto& c) { c.arg[ring].buffer = c.arg[out].buffer, c.arg[ring].offset = c.arg[out].offset; },
         invalid, {"ring", "share memory"}},
    });
    spoiled("CAUSAL_CONV1D_RING", "C=64 first=0,3 len=3,2 N=6 pos=3,9", {
        {"packed without seq_len", [](auto& c) { c.arg[seq_len] = {}; }, invalid, {"seq_len:", "required with first"}},
    });
    bad_lines("CAUSAL_CONV1D_RING", {{"C=64 d_conv=10", unsupported, {"weight:", "2..9", "got 10"}}});
}

TEST(Errors, StateSpaceScan) {
    using namespace ops::ssm_scan;
    using namespace arg;
    spoiled("SSM_SCAN", "d_state=32 head_dim=16 H=4 n_group=2 T=3 K=2 B=2 a_width=state skip=1 bias=1", {
        {"no dt", [](auto& c) { c.arg[dt] = {}; }, invalid, {"dt:", "no buffer"}},
        {"f16 x", [](auto& c) { c.arg[x].type = Type::f16; }, unsupported, {"x:", "f16"}},
        {"half a row of a", [](auto& c) { c.arg[a].ne[0] = 16; }, invalid, {"a:", "1 or d_state = 32", "got 16"}},
        {"heads of a", [](auto& c) { c.arg[a].ne[1] = 3; }, invalid, {"a:", "[1 or d_state, H]"}},
        {"heads of dt", [](auto& c) { c.arg[dt].ne[0] = 3; }, invalid, {"dt:", "[H, T, B]"}},
        {"groups of c", [](auto& c) { c.arg[ops::ssm_scan::arg::c].ne[1] = 1; }, invalid, {"c:", "like b"}},
        {"short d", [](auto& c) { c.arg[d].ne[0] = 3; }, invalid, {"d:", "[H]"}},
        {"short dt_bias", [](auto& c) { c.arg[dt_bias].ne[0] = 3; }, invalid, {"dt_bias:", "[H]"}},
        {"rows of out", [](auto& c) { c.arg[out].ne[2] = 2; }, invalid, {"out:", "like x"}},
        {"state size", [](auto& c) { c.arg[state].ne[0] -= 32; }, invalid, {"state:", "d_state head_dim H"}},
        {"one pool row", [](auto& c) { c.arg[state_out].ne[2] = 1; }, invalid, {"1 pool rows for 2 sequences"}},
    });
    bad_lines("SSM_SCAN", {{"d_state=10", unsupported, {"d_state", "multiple of 16", "got 10"}},
                           {"d_state=512", unsupported, {"d_state", "16..256", "got 512"}},
                           {"head_dim=6", unsupported, {"head_dim", "multiple of 4", "got 6"}},
                           {"head_dim=132", unsupported, {"head_dim", "up to 128", "got 132"}},
                           {"H=4 n_group=3", invalid, {"H = 4", "n_group = 3"}}});
    const ops::Op& op = ops::find("SSM_SCAN");
    ops::Call call = ops::make_call(op);
    refused(invalid, {"step", "softplus|plain"}, [&] { ops::set_attr(op, call, "step", "linear"); });
}

TEST(Errors, Rwkv7) {
    using namespace ops::rwkv7_wkv;
    using namespace arg;
    spoiled("RWKV7_WKV", "S=32 H=2 T=3 K=2 B=2", {
        {"no a", [](auto& c) { c.arg[a] = {}; }, invalid, {"a:", "no buffer"}},
        {"bf16 v", [](auto& c) { c.arg[v].type = Type::bf16; }, unsupported, {"v:", "bf16"}},
        {"tokens of v", [](auto& c) { c.arg[v].ne[2] = 2; }, invalid, {"r:", "like v"}},
        {"heads of w", [](auto& c) { c.arg[w].ne[1] = 1; }, invalid, {"w:", "like v"}},
        {"width of k", [](auto& c) { c.arg[k].ne[0] = 16; }, invalid, {"k:", "like v"}},
        {"sequences of b", [](auto& c) { c.arg[b].ne[3] = 1; }, invalid, {"b:", "like v"}},
        {"rows of out", [](auto& c) { c.arg[out].ne[2] = 2; }, invalid, {"out:", "like v"}},
        {"state size", [](auto& c) { c.arg[state_out].ne[0] -= 32; }, invalid, {"state_out:", "S S H"}},
        {"one pool row", [](auto& c) { c.arg[state].ne[2] = 1; }, invalid, {"1 pool rows for 2 sequences"}},
    });
    bad_lines("RWKV7_WKV", {{"S=17", unsupported, {"S is", "multiple of 16", "got 17"}},
                            {"S=272", unsupported, {"16..256", "got 272"}}});
}

TEST(Errors, GatedLinearAttention) {
    using namespace ops::gated_linear_attention;
    using namespace arg;
    spoiled("GATED_LINEAR_ATTENTION", "S_k=32 S_v=16 H=2 T=3 K=2 B=2", {
        {"no state_out", [](auto& c) { c.arg[state_out] = {}; }, invalid, {"state_out:", "no buffer"}},
        {"a gate a head", [](auto& c) { c.arg[g].ne[0] = 1; }, invalid, {"g:", "like q"}},
        {"heads of k", [](auto& c) { c.arg[k].ne[1] = 1; }, invalid, {"k:", "like q"}},
        {"tokens of q", [](auto& c) { c.arg[q].ne[2] = 2; }, invalid, {"q:", "[S_k, H, T, B]"}},
        {"rows of out", [](auto& c) { c.arg[out].ne[2] = 2; }, invalid, {"out:", "like v"}},
        {"NaN scale", [](auto& c) { c.attr[attr::scale] = std::nan(""); }, invalid, {"scale:", "finite"}},
        {"state size", [](auto& c) { c.arg[state].ne[0] -= 16; }, invalid, {"state:", "S_k S_v H"}},
        {"one pool row", [](auto& c) { c.arg[state].ne[2] = 1; }, invalid, {"1 pool rows for 2 sequences"}},
    });
    bad_lines("GATED_LINEAR_ATTENTION", {{"S_k=24 S_v=16", unsupported, {"S_k", "multiple of 16", "got 24"}},
                                         {"S_k=16 S_v=8", unsupported, {"S_v", "multiple of 16", "got 8"}}});
}

TEST(Errors, Materialize) {
    using namespace ops::gated_delta_net_materialize;
    using namespace arg;
    spoiled("GATED_DELTA_NET_MATERIALIZE", "S=16 H_k=2 H_v=4 B=2 W=4 pos=3,9 gate=channel seq=1,0", {
        {"no pos", [](auto& c) { c.arg[pos] = {}; }, invalid, {"pos:", "no buffer"}},
        {"one seq", [](auto& c) { c.arg[seq].ne[0] = 1; }, invalid, {"seq:", "[B]"}},
        {"f16 base", [](auto& c) { c.arg[base].type = Type::f16; }, unsupported, {"base:", "f16"}},
        {"one base", [](auto& c) { c.arg[base].ne[1] = 1; }, invalid, {"base:", "n_base", "got 1"}},
        {"rings of two lengths", [](auto& c) { c.arg[ring_d].ne[2] = 4; }, invalid, {"ring_d:", "expected"}},
        {"half a gate", [](auto& c) { c.arg[ring_g].ne[0] = 8; }, invalid, {"ring_g:", "1 or S_k = 16"}},
        {"heads", [](auto& c) { c.arg[ring_d].ne[1] = 3; }, invalid, {"ring_d:", "H_v = 3", "H_k = 2"}},
        {"one state", [](auto& c) { c.arg[state].ne[2] = 1; }, invalid, {"state:", "[S_k S_v H_v, 1, B]"}},
        {"one pool row", [](auto& c) { c.arg[seq] = {}, c.arg[base].ne[2] = 1;
                                       for (int i : {ring_k, ring_d, ring_g}) c.arg[size_t(i)].ne[3] = 1; }, invalid,
         {"base:", "1 pool rows for 2 sequences"}},
        {"state over base", [](auto& c) { c.arg[state].buffer = c.arg[base].buffer, c.arg[state].offset = c.arg[base].offset; },
         invalid, {"state", "share memory"}},
    });
    bad_lines("GATED_DELTA_NET_MATERIALIZE", {{"S=48", unsupported, {"head sizes", "got 48"}},
                                              {"S=16 W=5", invalid, {"ring_k:", "W one of 4", "got 10 rows"}},
                                              {"S=16 n_base=1", invalid, {"base:", "at least 2", "got 1"}},
                                              {"S=16 H_k=2 H_v=3", invalid, {"H_v = 3", "H_k = 2"}}});
}

}  // namespace
}  // namespace rw::test
