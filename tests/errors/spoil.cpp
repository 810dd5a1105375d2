#include "tests/errors/spoil.h"

#include <algorithm>

namespace rw::test {

const std::vector<std::shared_ptr<core::Device>>& devices() {
    static const auto list = [] {
        std::vector<std::shared_ptr<core::Device>> all;
        for (const core::DeviceInfo& info : core::devices()) all.push_back(core::open(info.id));
        return all;
    }();
    return list;
}

void refused(Status status, const std::vector<std::string>& words, const std::function<void()>& f) {
    try {
        f();
        ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(name_of(e.status), std::string(name_of(status))) << e.what();
        for (const std::string& w : words)
            EXPECT_NE(std::string(e.what()).find(w), std::string::npos) << "no '" << w << "' in: " << e.what();
    }
}

void spoiled(const char* op_name, const char* line, const std::vector<Bad>& list) {
    const ops::Op& op = ops::find(op_name);
    for (const auto& device : devices()) {
        if (device->implementations(op.id).empty()) continue;
        for (const Bad& bad : list) {
            SCOPED_TRACE(device->info().id + ": " + bad.what);
            const Bound bound(*device, Inputs(op, op.example(ops::Dims(line)), 3));
            ops::Call call = bound.call();
            bad.spoil(call);
            core::Plan plan(device);
            refused(bad.status, bad.words, [&] { plan.add(call), plan.run(); });
            const Outcome after = bound.read();
            EXPECT_TRUE(after.damage.empty());
            for (const auto& touched : after.touched)
                EXPECT_EQ(std::count(touched.begin(), touched.end(), 1), 0) << "outputs were changed";
        }
    }
}

void bad_lines(const char* op, const std::vector<BadLine>& list) {
    for (const BadLine& bad : list) spoiled(op, bad.line, {{bad.line, [](ops::Call&) {}, bad.status, bad.words}});
}

}  // namespace rw::test
