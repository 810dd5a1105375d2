// Memory past 4 GiB, as far as each device lets a buffer reach: tensors that begin there, and one tensor that reaches
// there from the start of its buffer. Only a few pages of it are ever touched.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cstdlib>

#include "core/plan.h"
#include "core/sample.h"
#include "rewind/ops/gated_delta_net.h"

namespace rw::core {
namespace {

constexpr uint64_t GiB = 1ull << 30;

struct Far {
    explicit Far(const std::shared_ptr<Device>& d) : device(d), bytes(std::min(14 * GiB, d->info().max_allocation)) {
        if (d->info().id != "cpu:0") {
            buffer = d->allocate(bytes);
            return;
        }
        memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) throw Error(Status::out_of_memory, "no address space");
        buffer = d->wrap_host(memory, bytes);
    }
    ~Far() {
        buffer.reset();
        if (memory && memory != MAP_FAILED) munmap(memory, bytes);
    }
    std::shared_ptr<Device> device;
    uint64_t bytes;
    std::shared_ptr<Buffer> buffer;
    void* memory = nullptr;
};

/// f on every device that has the memory for it.
template <class F>
void everywhere(F f) {
    setenv("REWIND_SELFTEST", "0", 1);  // the calls are compared anyway
    for (const DeviceInfo& info : devices()) {
        SCOPED_TRACE(info.id);
        try {
            Far far(open(info.id));
            f(far);
        } catch (const Error& e) {
            if (e.status != Status::out_of_memory) throw;
            std::printf("%s is left out: %s\n", info.id.c_str(), e.what());
        }
    }
    unsetenv("REWIND_SELFTEST");
}

std::vector<std::byte> bytes_of(const Tensor& t) {
    std::vector<std::byte> image(t.span());
    t.buffer->read(t.offset, image.data(), image.size());
    return image;
}

TEST(Far, TensorsThatBeginPast4GiB) {
    everywhere([](Far& far) {
        for (const ops::Op& op : ops::all()) {
            // Compiling every kernel again takes a software device minutes: there, the ones of a few ops.
            if (far.device->info().is_software && op.id % 4 != 0) continue;
            const ops::Example example = op.example(ops::Dims(op.selftest[0]));
            for (const Implementation* i : far.device->implementations(op.id)) {
                SCOPED_TRACE(i->name());
                const Sample near(*far.device, op, example, 1);
                if (!i->decline(near.call()).empty()) continue;
                ops::Call call = near.call();
                uint64_t at = far.bytes;  // from the end downwards
                for (size_t a = 0; a < call.arg.size(); ++a) {
                    if (!call.arg[a]) continue;
                    at = (at - call.arg[a].span() - 64) / 256 * 256;
                    call.arg[a].buffer = far.buffer.get(), call.arg[a].offset = at;
                    const std::vector<std::byte> image = bytes_of(near.call().arg[a]);
                    far.buffer->write(at, image.data(), image.size());
                }
                EXPECT_GT(at, far.bytes - (64 << 20));
                Plan here(far.device), there(far.device);
                here.add(near.call(), i->name()), here.run();
                there.add(call, i->name()), there.run();
                for (size_t a = 0; a < call.arg.size(); ++a) {
                    if (call.arg[a] && op.args[a].written()) {
                        EXPECT_EQ(bytes_of(call.arg[a]), bytes_of(near.call().arg[a])) << op.args[a].name;
                    }
                }
            }
        }
    });
}

/// The third row of a pool of states, each row of the pool as long as the device allows.
TEST(Far, ATensorThatReachesPast4GiB) {
    namespace arg = ops::gated_delta_net::arg;
    everywhere([](Far& far) {
        const ops::Op& op = ops::find("GATED_DELTA_NET");
        const Sample near(*far.device, op, op.example(ops::Dims("S=64 H_v=2 T=3 K=2 pool=3 seq=2 gates=weak")), 1);
        ops::Call call = near.call();
        const uint64_t half = far.bytes / 2, row = (half - (1 << 20)) / 3 / 256 * 256;
        for (const int a : {arg::state, arg::state_out}) {
            Tensor& t = call.arg[size_t(a)];
            const Tensor& from = near.call().arg[size_t(a)];
            const uint64_t used = uint64_t(from.nb[2]);
            t.buffer = far.buffer.get(), t.offset = a == arg::state ? 0 : half;
            t.nb[2] = int64_t(row);
            std::vector<std::byte> image(used);
            from.buffer->read(2 * used, image.data(), used);
            far.buffer->write(t.offset + 2 * row, image.data(), used);
        }
        Plan here(far.device);
        here.add(near.call()), here.run();
        int ran = 0;
        for (const Implementation* i : far.device->implementations(op.id)) {
            if (!i->decline(call).empty()) continue;
            SCOPED_TRACE(i->name());
            ++ran;
            Plan there(far.device);
            there.add(call, i->name()), there.run();
            const Tensor& want = near.call().arg[arg::state_out];
            std::vector<float> a(size_t(want.nb[2]) / 4), b(a.size());
            want.buffer->read(uint64_t(2 * want.nb[2]), a.data(), 4 * a.size());
            far.buffer->read(half + 2 * row, b.data(), 4 * b.size());
            EXPECT_LE(nmse(std::vector<double>(b.begin(), b.end()), std::vector<double>(a.begin(), a.end())), 1e-7);
        }
        EXPECT_GT(ran, 0) << "nothing takes a tensor of " << call.arg[arg::state].span() << " bytes";
    });
}

TEST(Far, SizesThatOverflowAreRefused) {
    for (const DeviceInfo& info : devices()) {
        SCOPED_TRACE(info.id);
        const auto device = open(info.id);
        for (const uint64_t bytes : {~0ull, ~0ull - 15, ~0ull / 2 + 1, 1ull << 60}) {
            try {
                device->allocate(bytes);
                ADD_FAILURE() << bytes;
            } catch (const Error& e) {
                EXPECT_EQ(e.status, Status::out_of_memory) << e.what();
            }
        }
        const ops::Op& op = ops::find("L2_NORM");
        const Sample sample(*device, op, op.example(ops::Dims("n=4 n1=2")), 1);
        const auto refused = [&](auto spoil) {
            ops::Call call = sample.call();
            spoil(call.arg[0]);
            EXPECT_THROW(Plan(device).add(call), Error);
        };
        refused([](Tensor& t) { t.ne[1] = INT64_MAX, t.nb[1] = INT64_MAX / 4 * 4; });
        refused([](Tensor& t) { t.ne[3] = int64_t(1) << 33, t.nb[3] = int64_t(1) << 31; });
        refused([](Tensor& t) { t.offset = ~0ull - 3; });
        refused([](Tensor& t) { t.offset = (1ull << 63) - 16; });
        refused([](Tensor& t) { t.ne[1] = int64_t(1) << 32, t.nb[1] = 0; });  // broadcast: no memory, but too many rows
    }
}

}  // namespace
}  // namespace rw::core
