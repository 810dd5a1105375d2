// Devices that are not there, memory that runs out, bounds of buffers, plans after a failed call.
#include "rewind/ops/gated_delta_net.h"
#include "tests/errors/spoil.h"

namespace rw::test {
namespace {

namespace gdn = ops::gated_delta_net;

TEST(Errors, AbsentDevices) {
    refused(Status::not_found, {"cuda", "cpu"}, [] { core::open("cuda"); });
    refused(Status::not_found, {"cpu:7"}, [] { core::open("cpu:7"); });
    refused(invalid, {"cpu:x"}, [] { core::open("cpu:x"); });
    refused(invalid, {"cpu:-1"}, [] { core::open("cpu:-1"); });
    for (const auto& backend : core::backends())
        refused(Status::not_found, {std::string(backend->name())},
                [&] { core::open(std::string(backend->name()) + ":99"); });
    refused(Status::not_found, {"no op 'ATTENTIONS'"}, [] { ops::find("ATTENTIONS"); });
}

TEST(Errors, OutOfMemoryLeavesTheDeviceUsable) {
    const ops::Op& op = ops::find("gated_delta_net");
    for (const auto& device : devices()) {
        SCOPED_TRACE(device->info().id);
        refused(Status::out_of_memory, {}, [&] { device->allocate(1ull << 60); });
        if (device->implementations(op.id).empty()) continue;
        const Bound bound(*device, Inputs(op, op.example(ops::Dims("S=16 T=2")), 3));
        core::Plan plan(device);
        plan.add(bound.call());
        EXPECT_NO_THROW(plan.run());
        EXPECT_EQ(bound.read().touched[gdn::arg::out][0], 1);
    }
}

TEST(Errors, BufferBounds) {
    for (const auto& device : devices()) {
        SCOPED_TRACE(device->info().id);
        const auto buffer = device->allocate(64);
        char data[80] = {};
        refused(invalid, {"64"}, [&] { buffer->write(8, data, 64); });
        refused(invalid, {"64"}, [&] { buffer->read(65, data, 0); });
        refused(invalid, {"64"}, [&] { buffer->read(~0ull, data, 2); });
        EXPECT_NO_THROW(buffer->write(0, data, 64));
    }
}

TEST(Errors, AFailedCallChangesNothingInAPlan) {
    const ops::Op& op = ops::find("gated_delta_net");
    for (const auto& device : devices()) {
        if (device->implementations(op.id).empty()) continue;
        SCOPED_TRACE(device->info().id);
        const Bound bound(*device, Inputs(op, op.example(ops::Dims("S=16 T=2")), 3));
        core::Plan plan(device);
        refused(invalid, {"nothing to run"}, [&] { plan.run(); });
        ops::Call bad = bound.call();
        bad.arg[gdn::arg::k].ne[2] = 1;
        plan.add(bound.call());
        refused(invalid, {"k:"}, [&] { plan.add(bad); });
        refused(invalid, {"k:"}, [&] { plan.update(0, bad); });
        refused(Status::not_found, {"no implementation 'cpu:imaginary'", plan.implementation(0)},
                [&] { plan.add(bound.call(), "cpu:imaginary"); });
        EXPECT_NO_THROW(plan.run());
        EXPECT_EQ(bound.read().touched[gdn::arg::out][0], 1);
    }
}

}  // namespace
}  // namespace rw::test
