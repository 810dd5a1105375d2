// Logits of small models of every architecture, trunk and MTP block, against those of an independent implementation in
// double precision: goldens/models/README.md says whose and how they were made.
#include <cstring>

#include "tests/runtime/runtime_fixture.h"
#include "tools/npy.h"

namespace rw::test {
namespace {

const std::string folder = std::string(REWIND_GOLDENS) + "/models/";

template <class T>
std::vector<T> values(const std::string& file) {
    const tools::Npy array = tools::read_npy(folder + file);
    std::vector<T> out(array.data.size() / sizeof(T));
    std::memcpy(out.data(), array.data.data(), array.data.size());
    return out;
}

struct Case {
    const char* logits;           // NAME.logits.npy ...
    const char* model;
    const char* mtp_model = "";   // in a file of its own
    bool positions = false;       // 3-D ones, of a picture
};
constexpr Case cases[] = {
    {"qwen35", "qwen35"}, {"qwen35", "qwen35-trunk", "mtp-qwen35"}, {"qwen35-picture", "qwen35", "", true},
    {"qwen35-q8_0", "qwen35-q8_0"}, {"qwen35-q8_0-long", "qwen35-q8_0"}, {"qwen35-q4_k", "qwen35-q4_k"}, {"qwen35-mtp_own", "qwen35-mtp_own"}, {"qwen35moe", "qwen35moe"},
    {"qwen3next", "qwen3next"}, {"qwen3next-ssm_in", "qwen3next-ssm_in"},
};

/// NMSE of the worst row.
double worst(const std::vector<float>& found, const std::vector<float>& expected, size_t vocab) {
    double greatest = 0;
    for (size_t row = 0; row < expected.size(); row += vocab)
        greatest = std::max(greatest, nmse(std::span(found).subspan(row, vocab), std::span(expected).subspan(row, vocab)));
    return greatest;
}

class Golden : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(Golden, LogitsOfEveryRow) {
    const Case& which = cases[std::get<1>(GetParam())];
    const auto path = [](const char* name) { return *name ? folder + name + ".gguf" : std::string(); };
    const auto model = std::make_shared<model::Model>(path(which.model), path(which.mtp_model));
    const auto tokens = values<int32_t>(std::string(which.logits) + ".tokens.npy");
    std::vector<int32_t> positions;
    if (which.positions) positions = values<int32_t>(std::string(which.logits) + ".positions.npy");

    model::Options options;
    options.pools.context = 64, options.pools.kv = Type::f32, options.chunk = options.logit_rows = 64;
    model::Context context(model, core::open(std::get<0>(GetParam())), options);
    for (const bool mtp : {false, true}) {
        sequence::SequenceState state(context);
        model::Wanted wanted{.prefill = true, .mtp_logits = mtp};
        for (size_t i = 0; i < tokens.size(); ++i) wanted.rows.push_back(int32_t(i));
        model::Part part = state.part(tokens);
        part.rope = positions;
        context.run({part}, wanted);
        std::vector<float> found;
        for (size_t i = 0; i < tokens.size(); ++i) {
            const auto row = context.logits(i);
            found.insert(found.end(), row.begin(), row.end());
        }
        const auto expected = values<float>(std::string(which.logits) + (mtp ? ".mtp.npy" : ".logits.npy"));
        ASSERT_EQ(found.size(), expected.size());
        const double error = worst(found, expected, model->geometry().vocab);
        EXPECT_LE(error, 1e-6) << (mtp ? "MTP block" : "trunk");
        std::printf("%s %s %s: NMSE %.2g\n", std::get<0>(GetParam()).c_str(), which.model, mtp ? "MTP" : "trunk", error);
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Golden, testing::Combine(testing::ValuesIn(device_ids()), testing::Range(0, int(std::size(cases)))));

}  // namespace
}  // namespace rw::test
