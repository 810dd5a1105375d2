// Rows of kernel files whose passes a library multiplies.
#include <gtest/gtest.h>

#include "core/product.h"
#include "tests/driver/inputs.h"

namespace rw::core {
namespace {

constexpr char rows_text[] = R"(
[opencl:late]
last cpu
pass one.cl
[opencl:library]
scratch weights 4 * K * 8
pieces N, 8
pass one.cl KERNEL=expand
grid t1 - t0
gemm R, t1 - t0, K, 20
when N > 1
adds has_add
a x, x_1
b weights, K, 3
c out, o_1, t0
)";

const ops::Op& op() { return ops::find("MUL_MAT"); }

ops::Call call(const std::string& words) { return test::shape_of(op(), op().example(ops::Dims(words))); }

std::string refusal(const std::string& text) {
    try {
        parse_kernel_rows(text, "x.kernels");
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::invalid_argument);
        return e.what();
    }
    return "accepted";
}

TEST(ProductRows, Parse) {
    const auto rows = parse_kernel_rows(rows_text, "x.kernels");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_FALSE(rows[0].has_gemm());
    EXPECT_EQ(rows[0].last.text(), "cpu");
    ASSERT_TRUE(rows[1].has_gemm());
    ASSERT_EQ(rows[1].passes.size(), 2u);
    EXPECT_FALSE(rows[1].passes[0].gemm);
    const Pass& pass = rows[1].passes[1];
    EXPECT_EQ(pass.when.text(), "N > 1");
    EXPECT_EQ(pass.gemm->n.text(), "t1 - t0");
    EXPECT_EQ(pass.gemm->adds.text(), "has_add");
    EXPECT_EQ(pass.gemm->b.name, "weights");
    EXPECT_EQ(pass.gemm->b.start.text(), "3");
    EXPECT_TRUE(pass.gemm->a.start.empty());
}

TEST(ProductRows, AreCutIntoPiecesAndSums) {
    const KernelRow row = parse_kernel_rows(rows_text, "x.kernels")[1];
    const std::map<std::string, int64_t> facts;
    Scope scope(op(), call("K=50 N=20 R=7"), facts, row);
    EXPECT_THROW(scope("t0"), Error);  // not in a piece yet
    std::vector<int64_t> grids;
    std::vector<Product> all;
    for (const Piece& piece : pieces(row, scope)) {
        scope.enter(piece);
        grids.push_back(scope(row.passes[0].grid[0]));
        for (const Product& p : products(op(), row, *row.passes[1].gemm, scope)) all.push_back(p);
    }
    EXPECT_EQ(grids, (std::vector<int64_t>{8, 8, 4}));
    ASSERT_EQ(all.size(), 9u);
    const int64_t parts[] = {20, 20, 10};
    for (size_t i = 0; i < all.size(); ++i) {
        const Product& p = all[i];
        EXPECT_EQ(p.M, 7);
        EXPECT_EQ(p.N, i < 6 ? 8 : 4);
        EXPECT_EQ(p.K, parts[i % 3]);
        EXPECT_EQ(p.adds, i % 3 > 0) << "the first sum of a piece is put down, the others are added";
        EXPECT_EQ(p.a.operand, size_t(op().arg_index("x")));
        EXPECT_EQ(p.a.start, int64_t(i % 3) * 20);
        EXPECT_EQ(p.b.operand, op().args.size());
        EXPECT_EQ(p.b.stride, 50);
        EXPECT_EQ(p.b.start, 3 + int64_t(i % 3) * 20);
        EXPECT_EQ(p.c.start, int64_t(i / 3) * 8);
    }
}

TEST(ProductRows, ARowThatIsNotCutIsOnePiece) {
    const KernelRow row = parse_kernel_rows("[a]\npass one.cl\n", "x.kernels")[0];
    const std::map<std::string, int64_t> facts;
    const auto one = pieces(row, Scope(op(), call("K=50 N=20 R=7"), facts, row));
    ASSERT_EQ(one.size(), 1u);
    EXPECT_EQ(one[0].t0, 0);
}

TEST(ProductRows, ErrorsSayWhatIsWrong) {
    const std::string gemm = "gemm R, N, K\na x, x_1\nb w, w_1\nc out, o_1\n";
    EXPECT_EQ(refusal("[a]\n" + gemm), "accepted");
    for (const auto& [text, words] : std::map<std::string, std::string>{
             {"[a]\ngemm R, N\n", "x.kernels:2: gemm: expected"},
             {"[a]\npass one.cl\na x, x_1\n", "x.kernels:3: a: expected after a gemm"},
             {"[a]\npass one.cl\nadds 1\n", "x.kernels:3: adds: expected after a gemm"},
             {"[a]\n" + gemm + "grid 1\n", "x.kernels:6: grid: not of a gemm"},
             {"[a]\ngemm R, N, K\na x\n", "x.kernels:3: expected `name, elements between rows`"},
             {"[a]\ngemm R, N, K\na x, x_1\n", "[a] gemm: a, b and c have to follow"},
             {"[a]\npieces N\n" + gemm, "x.kernels:2: pieces: expected"},
             {"[a]\npieces N, 8\npass one.cl\n", "[a] pieces: the row has no gemm"},
             {"[a]\npieces N, 8\npass one.cl\nsplit 4\n" + gemm, "[a] split: the row is cut into pieces already"},
             {"[a]\nfar\n" + gemm, "[a] far: a gemm reaches"}})
        EXPECT_NE(refusal(text).find(words), std::string::npos) << refusal(text);
}

TEST(ProductRows, ARowMayComeLast) {
    const auto order = [](int64_t cpu) {
        std::string names;
        for (const KernelRow* row : kernel_rows(op(), "opencl", {{"cpu", cpu}})) names += row->name + " ";
        return names;
    };
    EXPECT_EQ(order(0), "opencl:clblast opencl:row opencl:group ");
    EXPECT_EQ(order(1), "opencl:row opencl:group opencl:clblast ");
    EXPECT_THROW(kernel_rows(op(), "opencl", {}), Error);  // a device that does not say what it is
}

}  // namespace
}  // namespace rw::core
