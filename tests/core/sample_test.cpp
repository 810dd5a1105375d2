// Example calls bound to memory.
#include <gtest/gtest.h>

#include "core/sample.h"
#include "rewind/ops/gated_delta_net.h"
#include "tests/support/fake_device.h"

namespace rw::core {
namespace {

namespace gdn = ops::gated_delta_net;

Sample sample(const std::string& words) {
    static test::FakeDevice device("sample");
    const ops::Op& op = ops::find("GATED_DELTA_NET");
    const ops::Dims dims(words);
    const ops::Example example = op.example(dims);
    dims.all_read();
    return Sample(device, op, example, 1);
}

TEST(Sample, SharedMemoryIsAsLargeAsTheLargerOfTheTwo) {
    for (const char* words : {"S=16 K=4 K_in=1 alias=1", "S=16 K=4 K_in=2 B=3 alias=1", "S=16 K=1 K_in=4 B=2 alias=1"}) {
        const Sample s = sample(words);
        const ops::Call& call = s.call();
        const Tensor &state = call.arg[gdn::arg::state], &out = call.arg[gdn::arg::state_out];
        EXPECT_EQ(state.buffer, out.buffer) << words;
        EXPECT_GE(state.buffer->size(), std::max(state.span(), out.span())) << words;
        EXPECT_NO_THROW(ops::validate(ops::all()[size_t(call.op)], call)) << words;
        EXPECT_EQ(s.read(gdn::arg::state).size(), size_t(state.elements())) << words;
        EXPECT_EQ(s.read(gdn::arg::state_out).size(), size_t(out.elements())) << words;
    }
}

TEST(Sample, WordsThatMakeNoDataAreRefused) {
    const auto refused = [](const char* words, Status status, const char* text) {
        try {
            sample(words);
            ADD_FAILURE() << words;
        } catch (const Error& e) {
            EXPECT_EQ(e.status, status) << e.what();
            EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
        }
    };
    refused("S=16 T=-1", Status::invalid_argument, "q: dimension 2 has -1 elements");
    refused("S=16 K=0", Status::invalid_argument, "state_out: dimension 1 has 0 elements");
    refused("S=16 T=1000000000 B=1000000000", Status::out_of_memory, "q: the example takes more than");
    refused("S=16 T=1000000000000", Status::out_of_memory, "make it smaller");
}

}  // namespace
}  // namespace rw::core
