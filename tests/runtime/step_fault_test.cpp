// What goes wrong in a step is about those whom it was about.
#include <algorithm>

#include "runtime/spec/generator.h"
#include "tests/runtime/failing_device.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

constexpr int64_t chunk = 16;

/// Two that decode, one of them with guesses of which some hold, and a prompt of three calls.
struct Scene {
    explicit Scene(model::StateForm form, bool joint = true) : device(std::make_shared<FailingDevice>()) {
        model::Options o;
        o.joint = joint;
        o.pools.form = form, o.pools.sequences = 3, o.pools.most_exact = 4, o.pools.context = 128, o.chunk = chunk;
        context = std::make_unique<model::Context>(random_model(), device, o);
        generator = std::make_unique<spec::Generator>(*context, &drafter);
        for (const uint64_t seed : {2, 4})
            all.push_back(&generator->add(
                {.prompt = some_tokens(9, seed), .most_tokens = 10, .n_max = seed == 2 ? 0 : 3}));
        all.push_back(&generator->submit({.prompt = some_tokens(3 * chunk, 6), .most_tokens = 10, .n_max = 3}));
    }
    spec::Generation& prompt() { return *all[2]; }
    void finish() {
        device->good = device->good_runs = -1;
        while (generator->step()) {
        }
    }
    std::vector<std::vector<int32_t>> texts() const {
        std::vector<std::vector<int32_t>> texts;
        for (const spec::Generation* g : all) texts.push_back(g->text);
        return texts;
    }

    /// Guesses tokens that the sequence has had.
    struct : spec::Drafter {
        bool throws = false;
        void draft(std::span<spec::DraftJob> jobs) override {
            if (throws) throw Error(Status::internal, "no guess");
            for (spec::DraftJob& job : jobs)
                for (size_t i = 0; i < size_t(job.most); ++i)
                    job.chain.push_back({job.known.text[i % job.known.text.size()], 1});
        }
    } drafter;
    std::shared_ptr<FailingDevice> device;
    std::unique_ptr<model::Context> context;
    std::unique_ptr<spec::Generator> generator;
    std::vector<spec::Generation*> all;
};

constexpr model::StateForm forms[] = {model::StateForm::ring, model::StateForm::snapshots,
                                      model::StateForm::checkpoint};

TEST(StepFaults, AStepIsOnePlanOnceItsShapesHaveMet) {
    Scene s(model::StateForm::ring);
    s.generator->cancel(*s.all[1]);
    constexpr int plans[] = {2, 1, 2};  // the prompt's last call is one of a kind: its logits are wanted
    for (int step = 0; step < 3; ++step) {
        const int before = s.device->runs;
        s.generator->step();
        EXPECT_EQ(s.device->runs, before + plans[step]);
        EXPECT_EQ(s.prompt().state.pos(), chunk * (step + 1));
        EXPECT_EQ(s.all[0]->text.size(), size_t(step) + 2);
    }
    EXPECT_EQ(s.prompt().text.size(), 1u);
}

TEST(StepFaults, ACallThatBreaksOffEndsAllWhomItWasAbout) {
    for (const int met : {0, 1})
        for (int good = 0; good < 2 - met; ++good) {
            Scene s(model::StateForm::ring);
            s.generator->cancel(*s.all[1]);
            for (int step = 0; step < met; ++step) s.generator->step();
            s.device->good_runs = good;
            EXPECT_THROW(s.generator->step(), Error);
            EXPECT_EQ(s.all[0]->stopped, spec::Stop::failed);
            EXPECT_EQ(s.prompt().stopped, spec::Stop::failed);
            s.finish();
            EXPECT_FALSE(s.generator->step());
        }
}

/// Whichever recording of the steps it is.
TEST(StepFaults, APlanThatCannotBeRecordedEndsThePromptAlone) {
    Scene well(model::StateForm::ring);
    well.finish();
    int thrown = 0;
    for (int good = 0; good < 3; ++good) {
        Scene s(model::StateForm::ring);
        s.device->good_records = good;
        bool threw = false;
        for (int step = 0; step < 3 && !threw; ++step) {
            const int before = s.device->runs;
            try {
                s.generator->step();
            } catch (const Error& e) {
                EXPECT_EQ(e.status, Status::out_of_memory);
                EXPECT_EQ(s.device->runs, before) << "nothing has run";
                threw = true;
            }
        }
        thrown += threw;
        s.device->good_records = -1;
        EXPECT_EQ(s.prompt().stopped == spec::Stop::failed, threw);
        s.finish();
        EXPECT_EQ(s.all[0]->text, well.all[0]->text);
        EXPECT_EQ(s.all[1]->text, well.all[1]->text);
    }
    EXPECT_GT(thrown, 1);
}

TEST(StepFaults, ARoundThatBreaksOffLeavesPromptsThatWereNotInIt) {
    Scene s(model::StateForm::ring), well(model::StateForm::ring);
    well.finish();
    s.device->good_runs = 0;
    EXPECT_THROW(s.generator->round(), Error);
    EXPECT_EQ(s.all[0]->stopped, spec::Stop::failed);
    EXPECT_EQ(s.all[1]->stopped, spec::Stop::failed);
    s.finish();
    EXPECT_EQ(s.prompt().text, well.prompt().text);
}

/// Copies that fail, one after the other: of inputs, of results, of what is kept to go back to.
TEST(StepFaults, WhoHasNotFailedHasTheTextThatItHasAnyway) {
    for (const auto form : forms) {
        Scene well(form);
        well.finish();
        const auto expected = well.texts();
        int thrown = 0, prompt_alone = 0, other_alone = 0;
        for (int good = 0;; ++good) {
            Scene s(form);
            s.generator->step(), s.generator->step();
            s.device->good = good;
            bool threw = false;
            try {
                s.generator->step();  // the last of the prompt's
            } catch (const Error&) {
                threw = true;
            }
            std::vector<bool> failed;
            for (const spec::Generation* g : s.all) failed.push_back(g->stopped == spec::Stop::failed);
            s.finish();
            for (size_t i = 0; i < s.all.size(); ++i)
                EXPECT_TRUE(failed[i] || s.all[i]->text == expected[i]) << "copy " << good << ", sequence " << i;
            const auto count = std::count(failed.begin(), failed.end(), true);
            EXPECT_EQ(threw, count > 0);
            if (!threw) break;
            ++thrown, prompt_alone += count == 1 && failed[2], other_alone += count == 1 && !failed[2];
            ASSERT_LT(good, 200);
        }
        EXPECT_GE(thrown, 5);
        EXPECT_GT(prompt_alone, 0);
        EXPECT_GT(other_alone, 0);
    }
}

TEST(StepFaults, AConstraintThatThrowsIsAboutItsOwnSequence) {
    class Throwing : public sample::Constraint {
    public:
        bool allows(int32_t) const override { throw Error(Status::internal, "no such thing"); }
        void mask(std::span<float>) const override { throw Error(Status::internal, "no such thing"); }
        std::shared_ptr<const Constraint> after(int32_t) const override { return nullptr; }
    };
    Scene well(model::StateForm::ring);
    well.finish();
    for (const bool joint : {true, false}) {
        Scene s(model::StateForm::ring, joint);
        s.generator->cancel(s.prompt());
        s.generator->drop(s.prompt());
        s.all[2] = &s.generator->submit({.prompt = some_tokens(5, 6), .constraint = std::make_shared<Throwing>()});
        const size_t had = s.all[0]->text.size();
        EXPECT_THROW(s.generator->step(), Error);
        EXPECT_EQ(s.prompt().stopped, spec::Stop::failed);
        EXPECT_GT(s.all[0]->text.size(), had) << "the others have had their round";
        s.finish();
        EXPECT_EQ(s.all[0]->text, well.all[0]->text);
        EXPECT_EQ(s.all[1]->text, well.all[1]->text);
    }
}

TEST(StepFaults, ADrafterHearsOfTheEndWhenProgressThrows) {
    struct Hearing : spec::Drafter {
        int known = 0;
        void begin(const spec::Known&) override { ++known; }
        void end(uint64_t) override { --known; }
        void draft(std::span<spec::DraftJob>) override {}
    } drafter;
    Scene s(model::StateForm::ring);
    s.generator->drop(s.prompt());
    const auto stops = [](uint64_t done, uint64_t all) -> bool {
        if (done == all) throw Error(Status::internal, "nobody looks");
        return true;
    };
    EXPECT_THROW(s.generator->add({.prompt = some_tokens(2 * chunk, 6), .n_max = 3, .drafter = &drafter}, stops), Error);
    EXPECT_EQ(drafter.known, 0);
}

TEST(StepFaults, ADrafterThatThrowsLeavesThePromptWhereItIs) {
    Scene well(model::StateForm::ring), s(model::StateForm::ring);
    well.finish();
    s.drafter.throws = true;
    EXPECT_THROW(s.generator->step(), Error);
    EXPECT_EQ(s.prompt().state.pos(), 0);
    s.drafter.throws = false;
    s.finish();
    EXPECT_EQ(s.texts(), well.texts());
}

}  // namespace
}  // namespace rw::test
