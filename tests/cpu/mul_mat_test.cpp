// What takes MUL_MAT on the CPU, and that oneDNN works on the library's threads, not on a team of its own.
#include <gtest/gtest.h>
#include <omp.h>

#include <filesystem>

#include "core/messages.h"
#include "core/plan.h"
#include "core/sample.h"
#include "core/select.h"

namespace rw::cpu {
namespace {

/// A call on the CPU, and what takes it.
struct Product {
    explicit Product(const std::string& words)
        : sample(*device, ops::find("MUL_MAT"), ops::find("MUL_MAT").example(ops::Dims(words)), 1), plan(device) {
        plan.add(sample.call());
    }
    std::string taken() const { return plan.implementation(0); }

    std::shared_ptr<core::Device> device = core::open("cpu");
    core::Sample sample;
    core::Plan plan;
};

bool built_without() {
    const auto device = core::open("cpu");
    const ops::Op& op = ops::find("MUL_MAT");
    const core::Sample sample(*device, op, op.example(ops::Dims("R=64 path=prefill")), 1);
    return core::walk(*device, op, sample.call(), "").lines.front().reason == core::why::no_onednn;
}

TEST(MulMat, OnlyPromptsGoToOneDnn) {
    EXPECT_NE(Product("R=64").taken(), "cpu:onednn");
    EXPECT_NE(Product("R=64 path=exact").taken(), "cpu:onednn");
    EXPECT_NE(Product("R=47 path=prefill").taken(), "cpu:onednn");
    if (built_without()) GTEST_SKIP() << "this build is without oneDNN";
    EXPECT_EQ(Product("R=48 path=prefill").taken(), "cpu:onednn");
}

size_t threads_of_process() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return size_t(std::distance(begin(tasks), end(tasks)));
}

TEST(MulMat, OneDnnMakesNoTeam) {
    if (built_without()) GTEST_SKIP() << "this build is without oneDNN";
    if (!std::filesystem::exists("/proc/self/task")) GTEST_SKIP() << "the system does not list threads";
    const int before = omp_get_max_threads();
    omp_set_num_threads(std::max(before, 4));  // so many a team would have
    Product exact("K=512 N=1024 R=64"), prompt("K=512 N=1024 R=64 path=prefill");
    ASSERT_EQ(prompt.taken(), "cpu:onednn");
    exact.plan.run();  // starts the library's own
    const size_t own = threads_of_process();
    prompt.plan.run();
    EXPECT_EQ(threads_of_process(), own);
    EXPECT_EQ(omp_get_max_threads(), std::max(before, 4)) << "the caller's number of threads is back";
    omp_set_num_threads(before);
}

}  // namespace
}  // namespace rw::cpu
