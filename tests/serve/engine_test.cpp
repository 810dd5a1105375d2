// Many jobs at once: the same text as alone, in turn, and nothing left behind by those that end early.
#include "tests/runtime/fuse.h"
#include "tests/serve/service_fixture.h"

namespace rw::test {
namespace {

using namespace std::chrono_literals;
using serve::Job;
using serve::News;
using serve::Task;

Task task(const Behind& b, const std::string& prompt, int64_t tokens, int n_max = 3) {
    Task t{.seconds = 60};
    t.request.prompt = b.service.tokenizer.encode(prompt);
    t.request.most_tokens = tokens, t.request.n_max = n_max;
    return t;
}

std::vector<int32_t> text_of(Job& job) {
    News news;
    while (!job.take(news, 100ms)) {
    }
    return news.tokens;
}

void expect_idle(Behind& b) {
    const auto busy = [&] { return b.engine.load().running > 0 || b.engine.load().waiting > 0; };
    for (int i = 0; i < 500 && busy(); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(b.engine.load().running, 0);
    EXPECT_EQ(b.engine.load().waiting, 0);
    EXPECT_EQ(b.engine.ailment(), "");
}

const std::vector<std::string> prompts{"And it came to pass", "def main():", "It is a truth", "The exception is raised",
                                       "4 Tell us, when", "As soon as", "import os"};

TEST(Engine, AnswersAmongOthersAreThoseAlone) {
    Behind b;
    std::vector<std::vector<int32_t>> alone;
    for (const std::string& p : prompts) alone.push_back(text_of(*b.engine.submit(task(b, p, 24, 0))));
    for (int n_max : {3, -1}) {
        std::vector<std::shared_ptr<Job>> jobs;
        for (const std::string& p : prompts) jobs.push_back(b.engine.submit(task(b, p, 24, n_max)));
        for (size_t i = 0; i < jobs.size(); ++i) {
            EXPECT_EQ(text_of(*jobs[i]), alone[i]) << prompts[i];
            EXPECT_FALSE(jobs[i]->outcome().problem);
        }
    }
    expect_idle(b);
    const serve::Totals t = b.engine.totals();
    EXPECT_EQ(t.predicted_tokens, int64_t(24 * 3 * prompts.size()));
    EXPECT_EQ(t.ended.at("length"), int64_t(3 * prompts.size()));
    EXPECT_GT(t.accepted_tokens, 0);
    EXPECT_LE(t.drafts, t.rounds);
}

TEST(Engine, CancelledJobsLeaveTheirSlots) {
    Behind b;
    const auto expected = text_of(*b.engine.submit(task(b, prompts[0], 32)));
    for (int round = 0; round < 4; ++round) {
        std::vector<std::shared_ptr<Job>> jobs;
        for (const std::string& p : prompts) jobs.push_back(b.engine.submit(task(b, p, 400)));
        News news;
        for (int i = 0; i < round; ++i) jobs[0]->take(news, 20ms);
        for (const auto& job : jobs) job->cancel();
        for (const auto& job : jobs) {
            text_of(*job);
            EXPECT_EQ(job->outcome().stop, spec::Stop::cancelled);
        }
    }
    expect_idle(b);
    EXPECT_EQ(text_of(*b.engine.submit(task(b, prompts[0], 32))), expected);
}

TEST(Engine, AStepThatFailsEndsItsJobsAlone) {
    Behind b;
    const auto expected = text_of(*b.engine.submit(task(b, prompts[0], 32)));
    const auto job = b.engine.submit(task(b, prompts[0], 400));
    News news;
    while (news.tokens.empty()) job->take(news, 20ms);
    b.drafter.fails = true;
    text_of(*job);
    ASSERT_TRUE(job->outcome().problem);
    EXPECT_EQ(job->outcome().problem->status, 500);
    EXPECT_NE(std::string(job->outcome().problem->what()).find("told to fail"), std::string::npos);
    EXPECT_EQ(b.engine.totals().faults, 1);
    expect_idle(b);
    EXPECT_EQ(text_of(*b.engine.submit(task(b, prompts[0], 32))), expected);
}

TEST(Engine, AConstraintThatThrowsEndsItsJobAlone) {
    Behind b;
    const auto expected = text_of(*b.engine.submit(task(b, prompts[0], 48)));
    const auto other = b.engine.submit(task(b, prompts[0], 48));
    Task blown = task(b, prompts[1], 48);
    blown.request.constraint = std::make_shared<Fuse>(9);
    const auto job = b.engine.submit(std::move(blown));
    EXPECT_LE(text_of(*job).size(), 9u);
    ASSERT_TRUE(job->outcome().problem);
    EXPECT_EQ(text_of(*other), expected);
    EXPECT_FALSE(other->outcome().problem);
    expect_idle(b);
}

TEST(Engine, RefusesWhatItCannotTake) {
    Behind b({.slots = 1, .waiting = 2});
    std::vector<std::shared_ptr<Job>> jobs;
    EXPECT_THROW(
        for (int i = 0; i < 4; ++i) jobs.push_back(b.engine.submit(task(b, prompts[0], 400))), serve::Problem);
    EXPECT_GE(jobs.size(), 2u);
    for (const auto& job : jobs) job->cancel();
    expect_idle(b);
    Task bad = task(b, prompts[0], 4);
    bad.request.sampling.top_p = 7;
    const auto job = b.engine.submit(bad);
    text_of(*job);
    ASSERT_TRUE(job->outcome().problem);
    EXPECT_EQ(job->outcome().problem->status, 400);
    Task late = task(b, prompts[0], 400);
    late.seconds = 0;
    const auto slow = b.engine.submit(late);
    text_of(*slow);
    ASSERT_TRUE(slow->outcome().problem);
    EXPECT_EQ(slow->outcome().problem->code, "timeout");
}

TEST(Engine, ClosingLetsJobsEnd) {
    Behind b;
    const auto expected = text_of(*b.engine.submit(task(b, prompts[0], 48)));
    const auto job = b.engine.submit(task(b, prompts[0], 48));
    b.engine.close(30);
    EXPECT_EQ(text_of(*job), expected);
    EXPECT_THROW(b.engine.submit(task(b, prompts[0], 4)), serve::Problem);
    EXPECT_THROW(b.engine.between([](serve::Engine::Inside&) {}), serve::Problem);

    Behind other;
    const auto cut = other.engine.submit(task(other, prompts[0], 400));
    other.engine.close(0);
    text_of(*cut);
    ASSERT_TRUE(cut->outcome().problem);
    EXPECT_EQ(cut->outcome().problem->status, 503);
}

TEST(Engine, ErrandsWithoutEndLeaveRoomForSteps) {
    Behind b;
    std::atomic<bool> over = false;
    std::vector<std::thread> askers;  // so that another errand is always there when one is done
    for (int i = 0; i < 3; ++i)
        askers.emplace_back([&] {
            while (!over) b.engine.between([](serve::Engine::Inside&) { std::this_thread::sleep_for(5ms); });
        });
    EXPECT_EQ(text_of(*b.engine.submit(task(b, prompts[0], 4))).size(), 4u);
    over = true;
    for (std::thread& asker : askers) asker.join();
}

TEST(Engine, NoProgressIsAnAilment) {
    Behind b({.slots = 1, .waiting = 8, .stall = 0.05});
    EXPECT_EQ(b.engine.ailment(), "");
    std::promise<void> begun, go;
    std::thread errand([&] {
        b.engine.between([&](serve::Engine::Inside&) {
            begun.set_value();
            go.get_future().wait();
        });
    });
    begun.get_future().wait();
    const auto job = b.engine.submit(task(b, prompts[0], 4));
    EXPECT_EQ(b.engine.load().waiting, 1);
    for (int i = 0; i < 500 && b.engine.ailment().empty(); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_NE(b.engine.ailment(), "");
    go.set_value();
    errand.join();
    text_of(*job);
    expect_idle(b);
}

}  // namespace
}  // namespace rw::test
