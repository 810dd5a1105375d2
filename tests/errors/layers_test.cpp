// Bad calls of the ops around recurrent layers.
#include "rewind/ops/attention.h"
#include "rewind/ops/copy.h"
#include "rewind/ops/get_rows.h"
#include "rewind/ops/kv_store.h"
#include "rewind/ops/moe_route.h"
#include "rewind/ops/mul_mat.h"
#include "rewind/ops/mul_mat_id.h"
#include "rewind/ops/rms_norm.h"
#include "rewind/ops/rope.h"
#include "rewind/ops/swiglu.h"
#include "rewind/ops/top_k.h"
#include "tests/errors/spoil.h"

namespace rw::test {
namespace {

TEST(Errors, AroundTheLayers) {
    spoiled("RMS_NORM", "n=64 n1=3 residual=1 weight=1", {
        {"sum of nothing", [](auto& c) { c.arg[ops::rms_norm::arg::residual] = {}; }, invalid, {"sum:", "residual"}},
        {"sum over out", [](auto& c) { c.arg[ops::rms_norm::arg::sum] = c.arg[ops::rms_norm::arg::out]; }, invalid,
         {"share memory"}},
        {"short weight", [](auto& c) { c.arg[ops::rms_norm::arg::weight].ne[0] = 63; }, invalid, {"weight:", "[n]"}},
        {"eps < 0", [](auto& c) { c.attr[ops::rms_norm::attr::eps] = -1; }, invalid, {"eps:"}},
    });
    spoiled("SWIGLU", "n=64 n1=3 gate=halves", {
        {"half of a gate", [](auto& c) { c.arg[ops::swiglu::arg::gate].ne[0] = 64; }, invalid, {"gate:", "up is absent"}},
    });
    spoiled("ROPE", "D=64 T=3", {
        {"odd dims", [](auto& c) { c.attr[ops::rope::attr::dims] = 33; }, invalid, {"dims:", "even"}},
        {"too many dims", [](auto& c) { c.attr[ops::rope::attr::dims] = 66; }, invalid, {"dims:", "64"}},
        {"freq_base 1", [](auto& c) { c.attr[ops::rope::attr::freq_base] = 1; }, invalid, {"freq_base:"}},
        {"too few positions", [](auto& c) { c.arg[ops::rope::arg::pos].ne[0] = 2; }, invalid, {"pos:", "[T, P, B]"}},
    });
    spoiled("ROPE", "D=64 T=3 planes=3", {
        {"two planes", [](auto& c) { c.arg[ops::rope::arg::pos].ne[1] = 2; }, invalid, {"pos:", "1, 3 or 4"}},
    });
    spoiled("KV_STORE", "D=64 T=3 B=2 type=f16", {
        {"half a word", [](auto& c) { c.arg[ops::kv_store::arg::cache_k].offset += 2; }, invalid, {"cache_k:", "4 bytes"}},
        {"heads", [](auto& c) { c.arg[ops::kv_store::arg::v].ne[1] = 1; }, invalid, {"v:"}},
        {"one pool row", [](auto& c) { c.arg[ops::kv_store::arg::cache_k].ne[3] = c.arg[ops::kv_store::arg::cache_v].ne[3] = 1; },
         invalid, {"1 pool rows for 2 sequences"}},
    });
    spoiled("ATTENTION", "D=64 T=3 B=2 type=f16 gate=1", {
        {"heads", [](auto& c) { c.arg[ops::attention::arg::cache_k].ne[1] = c.arg[ops::attention::arg::cache_v].ne[1] = 3; },
         invalid, {"q:", "4 heads"}},
        {"a short gate", [](auto& c) { c.arg[ops::attention::arg::gate].ne[2] = 2; }, invalid, {"gate:"}},
        {"one pool row", [](auto& c) { c.arg[ops::attention::arg::cache_k].ne[3] = c.arg[ops::attention::arg::cache_v].ne[3] = 1; },
         invalid, {"1 pool rows for 2 sequences"}},
    });
    spoiled("TOP_K", "V=8 k=3", {
        {"more than there are", [](auto& c) { c.arg[ops::top_k::arg::logits].ne[0] = 2; }, invalid, {"ids:", "3 of the 2"}},
    });
    spoiled("MOE_ROUTE", "E=8 U=3", {
        {"more than there are", [](auto& c) { c.arg[ops::moe_route::arg::logits].ne[0] = 2; }, invalid, {"ids:", "3 of 2"}},
    });
    spoiled("MUL_MAT_ID", "K=64 N=4 U=3 R=2 weight=1 add=apart", {
        {"rows of a token", [](auto& c) { c.arg[ops::mul_mat_id::arg::x].ne[1] = 2; }, invalid, {"x:", "1 or the 3"}},
        {"add without weight", [](auto& c) { c.arg[ops::mul_mat_id::arg::weight] = {}; }, invalid, {"add:"}},
    });
    spoiled("GET_ROWS", "n=64 N=4", {
        {"too few ids", [](auto& c) { c.arg[ops::get_rows::arg::ids].ne[0] = 3; }, invalid, {"out:", "[n, N]"}},
    });
    spoiled("COPY", "n=64 n1=4", {
        {"another shape", [](auto& c) { c.arg[ops::copy::arg::out].ne[1] = 3; }, invalid, {"out:", "shape of x"}},
        {"whole numbers", [](auto& c) { c.arg[ops::copy::arg::out].type = Type::i32; }, unsupported, {"out:", "i32"}},
    });
}

TEST(Errors, MulMat) {
    using namespace ops::mul_mat::arg;
    spoiled("MUL_MAT", "K=64 N=8 R=2 add=apart", {
        {"no x", [](auto& c) { c.arg[x] = {}; }, invalid, {"x:", "no buffer"}},
        {"i32 w", [](auto& c) { c.arg[w].type = Type::i32; }, unsupported, {"w:", "i32"}},
        {"f16 x", [](auto& c) { c.arg[x].type = Type::f16; }, unsupported, {"x:", "f16"}},
        {"half of x", [](auto& c) { c.arg[x].ne[0] = 32; }, invalid, {"x:", "[K, R]"}},
        {"short out", [](auto& c) { c.arg[out].ne[0] = 7; }, invalid, {"out:", "[N, R]"}},
        {"one row to add", [](auto& c) { c.arg[add].ne[1] = 1; }, invalid, {"add:", "[N, R]"}},
        {"w with gaps", [](auto& c) { c.arg[w].nb[0] = 8, c.arg[w].ne[1] = 1; }, invalid, {"w:", "neighbours"}},
        {"out over x", [](auto& c) { c.arg[out].buffer = c.arg[x].buffer, c.arg[out].offset = c.arg[x].offset; }, invalid,
         {"out", "share memory"}},
    });
    spoiled("MUL_MAT", "K=64 N=8 R=2 type=q8_0", {
        {"half a block", [](auto& c) { c.arg[w].ne[0] = c.arg[x].ne[0] = 48; }, invalid, {"w:", "32"}},
        {"odd offset", [](auto& c) { c.arg[w].offset += 1; }, invalid, {"w:", "not a multiple of 2"}},
        {"a stride inside a block", [](auto& c) { c.arg[w].nb[1] = 67; }, invalid, {"w:", "67"}},
    });
    const ops::Op& op = ops::find("MUL_MAT");
    ops::Call call = ops::make_call(op);
    refused(invalid, {"path", "exact|prefill"}, [&] { ops::set_attr(op, call, "path", "fast"); });
}

}  // namespace
}  // namespace rw::test
