// Expressions, kernel rows and case words: the small languages.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "core/fill.h"
#include "core/kernel_rows.h"

namespace rw::core {
namespace {

int64_t value(const std::string& text) {
    return Expr(text)([](const std::string& name) -> int64_t {
        if (name == "S_k") return 128;
        if (name == "T") return 5;
        if (name == "zero") return 0;
        throw Error(Status::internal, "nobody knows " + name);
    });
}

TEST(Expressions, Arithmetic) {
    EXPECT_EQ(value("2 + 3 * 4"), 14);
    EXPECT_EQ(value("(2 + 3) * 4"), 20);
    EXPECT_EQ(value("10 - 3 - 2"), 5);
    EXPECT_EQ(value("7 / 2 * 2 + 7 % 2"), 7);
    EXPECT_EQ(value("-T + 6"), 1);
    EXPECT_EQ(value("S_k / 4"), 32);
}
TEST(Expressions, LogicAndComparison) {
    EXPECT_EQ(value("T > 4 && T <= 5"), 1);
    EXPECT_EQ(value("T != 5 || !zero"), 1);
    EXPECT_EQ(value("zero && T / zero"), 0);  // the right side is not looked at
    EXPECT_EQ(value("T == 5 ? 10 : 20"), 10);
    EXPECT_EQ(value("T < 1 ? 1 : T < 9 ? 2 : 3"), 2);
    EXPECT_EQ(value("!(T >= 5)"), 0);
}
TEST(Expressions, Functions) {
    EXPECT_EQ(value("min(T, 3) + max(T, 9)"), 12);
    EXPECT_EQ(value("ceil_div(S_k, 48)"), 3);
    EXPECT_EQ(value("ceil_div(zero, 48)"), 0);
}
TEST(Expressions, Nonsense) {
    for (const char* bad : {"", "1 +", "(1", "1)", "sqrt(2)", "min(1)", "1 ? 2", "a b", "2 $ 3", "9223372036854775808", "12ab"})
        EXPECT_THROW(Expr{std::string(bad)}, Error) << bad;
    EXPECT_THROW(value("T / zero"), Error);
    EXPECT_THROW(value("T % zero"), Error);
    EXPECT_THROW(value("unknown + 1"), Error);
    EXPECT_THROW(Expr()([](const std::string&) -> int64_t { return 0; }), Error);
}

TEST(KernelRows, Parse) {
    const auto rows = parse_kernel_rows(R"(
# a comment
[vulkan:lanes]
need subgroup >= 8 ? needs subgroups of 8
need T > 1 ? 1 : 0 ? more than one token
tune COLS T > 4 ? 4 : 2 : 1 2 4 8
constant S_K S_k
scratch carry 4 * S_k
pass one.comp SHUFFLE=1 N=2
local 64
grid H_v, max(B, 1), S_v / COLS
split 256
when T > 1
pass two.comp
[opencl:plain]
pass one.cl
)", "x.kernels");
    ASSERT_EQ(rows.size(), 2u);
    const KernelRow& r = rows[0];
    EXPECT_EQ(r.name, "vulkan:lanes");
    ASSERT_EQ(r.needs.size(), 2u);
    EXPECT_EQ(r.needs[0].condition.text(), "subgroup >= 8");
    EXPECT_EQ(r.needs[0].reason, "needs subgroups of 8");
    EXPECT_EQ(r.needs[1].condition.text(), "T > 1 ? 1 : 0");
    EXPECT_EQ(r.needs[1].reason, "more than one token");
    ASSERT_EQ(r.tunes.size(), 1u);
    EXPECT_EQ(r.tunes[0].fallback.text(), "T > 4 ? 4 : 2");
    EXPECT_EQ(r.tunes[0].candidates, (std::vector<int64_t>{1, 2, 4, 8}));
    ASSERT_EQ(r.passes.size(), 2u);
    EXPECT_EQ(r.passes[0].key, "one.comp SHUFFLE=1 N=2");
    EXPECT_EQ(r.passes[0].defines.size(), 2u);
    ASSERT_EQ(r.passes[0].grid.size(), 3u);
    EXPECT_EQ(r.passes[0].grid[1].text(), "max(B, 1)");
    EXPECT_FALSE(r.passes[0].split.empty());
    EXPECT_TRUE(r.passes[1].split.empty());
    EXPECT_EQ(r.passes[1].local.size(), 1u);
    EXPECT_EQ(rows[1].name, "opencl:plain");
}

TEST(KernelRows, ErrorsNameFileAndLine) {
    const auto message = [](const std::string& text) {
        try {
            parse_kernel_rows(text, "x.kernels");
        } catch (const Error& e) {
            return std::string(e.what());
        }
        return std::string("accepted");
    };
    EXPECT_NE(message("need 1 ? x\n").find("x.kernels:1:"), std::string::npos);
    EXPECT_NE(message("[a]\nlocal 64\n").find("x.kernels:2: local: expected after a pass"), std::string::npos);
    EXPECT_NE(message("[a]\npass f.comp\ngrids 1\n").find("unknown word 'grids'"), std::string::npos);
    EXPECT_NE(message("[a]\nneed T > 1\npass f\n").find("condition ? reason"), std::string::npos);
    EXPECT_NE(message("[a]\nneed T > 99999999999999999999 ? x\npass f\n").find("x.kernels:2: expression"), std::string::npos);
    EXPECT_NE(message("[a]\npass f X\n").find("NAME=VALUE"), std::string::npos);
    EXPECT_NE(message("[a]\n[b]\npass f\n").find("[a] has no pass"), std::string::npos);
}

TEST(KernelRows, AnErrorIsNotRememberedAsAnEmptyFile) {
    const auto folder = std::filesystem::temp_directory_path() / ("rewind-rows-test-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const auto write = [&](const char* text) { std::ofstream(folder / "l2_norm.kernels") << text; };
    setenv("REWIND_KERNEL_DIR", folder.c_str(), 1);
    const ops::Op& op = ops::find("L2_NORM");
    write("[abacus:one]\ngarbage\n");
    for (int i = 0; i < 2; ++i) EXPECT_THROW(kernel_rows(op, "abacus"), Error) << "time " << i;
    write("[abacus:one]\npass l2_norm.cl\n");
    EXPECT_EQ(kernel_rows(op, "abacus").size(), 1u);
    unsetenv("REWIND_KERNEL_DIR");
    std::filesystem::remove_all(folder);
}

TEST(KernelRows, AFolderThatIsNoneIsRefused) {
    setenv("REWIND_KERNEL_DIR", "/no/such/folder", 1);
    try {
        kernel_source("l2_norm.cl");
        ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.status, Status::io);
        EXPECT_NE(std::string(e.what()).find("REWIND_KERNEL_DIR=/no/such/folder: is not a folder"), std::string::npos);
    }
    unsetenv("REWIND_KERNEL_DIR");
    EXPECT_NO_THROW(kernel_source("l2_norm.cl"));
}

TEST(KernelRows, OneTextNamesEveryFilesOwnLines) {
    const auto folder = std::filesystem::temp_directory_path() / ("rewind-lines-test-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "a.cl") << "first\n#if X\n#include \"b.clh\"\n#else\nfive\n#endif\n#include \"b.clh\"\neight\n";
    std::ofstream(folder / "b.clh") << "one\ntwo\n";
    setenv("REWIND_KERNEL_DIR", folder.c_str(), 1);
    EXPECT_EQ(with_includes("a.cl"), "first\n#if X\n#line 1 \"b.clh\"\none\ntwo\n#line 4 \"a.cl\"\n#else\n#line 5 \"a.cl\"\n"
                                     "five\n#endif\n#line 7 \"a.cl\"\n#line 8 \"a.cl\"\neight\n");
    unsetenv("REWIND_KERNEL_DIR");
    std::filesystem::remove_all(folder);
}

TEST(KernelRows, TunesOfTheEnvironmentAreHeldAgainstTheRows) {
    const KernelRow& row = kernel_rows(ops::find("GATED_DELTA_NET"), "vulkan").front();
    ASSERT_FALSE(row.tunes.empty());
    const KernelRow::Tune& tune = row.tunes.front();
    const std::string good = row.name + "." + tune.name + "=" + std::to_string(tune.candidates.front());
    const auto said = [&row](const std::string& text) {
        setenv("REWIND_TUNE", text.c_str(), 1);
        try {
            tuned_values(row.name);
        } catch (const Error& e) {
            unsetenv("REWIND_TUNE");
            return std::string(e.what());
        }
        unsetenv("REWIND_TUNE");
        return std::string("accepted");
    };
    EXPECT_TRUE(tuned_values(row.name).empty());
    setenv("REWIND_TUNE", good.c_str(), 1);
    EXPECT_EQ(tuned_values(row.name), (std::map<std::string, int64_t>{{tune.name, tune.candidates.front()}}));
    EXPECT_TRUE(tuned_values("vulkan:other").empty());
    unsetenv("REWIND_TUNE");
    const std::string start = row.name + "." + tune.name + "=";
    for (const auto& [text, words] : std::map<std::string, std::string>{
             {"garbage", "'garbage': expected ROW.NAME=VALUE"},
             {good + ",garbage", "'garbage'"},
             {"vulkan:nosuch.COLS=4", "no op has a row [vulkan:nosuch]"},
             {row.name + ".NOSUCH=3", "has no tune NOSUCH; it has " + tune.name},
             {start + "banana", tune.name + " is one of " + std::to_string(tune.candidates.front())},
             {start + "-1", tune.name + " is one of "},
             {start, tune.name + " is one of "},
             {start + "4x", tune.name + " is one of "}})
        EXPECT_NE(said(text).find(words), std::string::npos) << text << ": " << said(text);
}

TEST(KernelRows, EveryEmbeddedFileParsesAndEvaluates) {
    const std::map<std::string, int64_t> none;
    for (const ops::Op& op : ops::all())
        for (const char* backend : {"vulkan", "opencl"}) {
            std::vector<KernelRow> rows;
            EXPECT_NO_THROW(rows = kernel_rows(op, backend)) << op.stem;
            for (const KernelRow& row : rows)
                for (const Pass& pass : row.passes) {
                    if (pass.gemm) continue;
                    EXPECT_NO_THROW(with_includes(pass.source)) << row.name;
                }
        }
}

TEST(Dims, AWordOfAListHasToBeOneOfIt) {
    for (const char* op : {"GATED_DELTA_NET", "GATED_DELTA_NET_RING", "CAUSAL_CONV1D"}) {
        EXPECT_NO_THROW(ops::find(op).example(ops::Dims("type=bf16 pos=1")));
        EXPECT_THROW(ops::find(op).example(ops::Dims("type=fp16 pos=1")), Error) << op;
    }
    ops::Example example = ops::find("SSM_SCAN").example(ops::Dims("state=enormous"));
    const auto fill = [&] { for (size_t i = 0; i < example.arg.size(); ++i) filled(example.arg[i], 1, int(i)); };
    EXPECT_THROW(fill(), Error);
}

TEST(KernelRows, AConstantThatNoKernelHasIsAnError) {
    const ops::Op& op = ops::find("L2_NORM");
    const auto row = [](const std::string& line) {
        return parse_kernel_rows("[opencl:x]\n" + line + "\npass one.cl\npass two.cl A=1\n", "x.kernels")[0];
    };
    const Takes takes = [](const Pass& pass, const std::string& name) { return pass.source == "two.cl" && name == "COLS"; };
    EXPECT_NO_THROW(check_constants(op, row("tune COLS 4 : 2 4"), takes));
    for (const char* line : {"tune CLOS 4 : 2 4", "constant CLOS 4"}) {
        try {
            check_constants(op, row(line), takes);
            ADD_FAILURE() << line;
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::invalid_argument);
            for (const char* word : {"l2_norm.kernels", "[opencl:x]", "CLOS", "one.cl, two.cl A=1"})
                EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
        }
    }
}

TEST(KernelRows, WordsOutsideComments) {
    const std::string text = "// COLS\n#if ROWS /* LANES\n LANES */ > 1\nint x = MY_COLS + WIDTH;";
    EXPECT_TRUE(has_word(text, "ROWS"));
    EXPECT_TRUE(has_word(text, "WIDTH"));
    for (const char* absent : {"COLS", "LANES", "ROW", "MY", ""}) EXPECT_FALSE(has_word(text, absent)) << absent;
    EXPECT_FALSE(has_word("/* LANES", "LANES"));
    EXPECT_FALSE(has_word("/", "LANES"));
}

TEST(Dims, WordsNumbersLists) {
    const ops::Dims d("S=64 eps=1e-6 order=trailing len=3,0,-2");
    EXPECT_EQ(d.integer("S", 0), 64);
    EXPECT_EQ(d.integer("T", 7), 7);
    EXPECT_EQ(d.number("eps", 0), 1e-6);
    EXPECT_EQ(d.word("order", ""), "trailing");
    EXPECT_EQ(d.list("len"), (std::vector<int64_t>{3, 0, -2}));
    EXPECT_TRUE(d.list("seq").empty());
    EXPECT_NO_THROW(d.all_read());
}
TEST(Dims, Nonsense) {
    EXPECT_THROW(ops::Dims("S"), Error);
    EXPECT_THROW(ops::Dims("=3"), Error);
    EXPECT_THROW(ops::Dims("T=4 S=16 T=5"), Error);
    EXPECT_THROW(ops::Dims("S=x").integer("S", 0), Error);
    EXPECT_THROW(ops::Dims("S=1.5").integer("S", 0), Error);
    EXPECT_THROW(ops::Dims("l=1,,2").list("l"), Error);
    EXPECT_THROW(ops::Dims("l=1;2").list("l"), Error);
    const ops::Dims misspelt("S=64 gaet=channel");
    misspelt.integer("S", 0);
    EXPECT_THROW(misspelt.all_read(), Error);
}

}  // namespace
}  // namespace rw::core
