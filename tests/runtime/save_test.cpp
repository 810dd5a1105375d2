// Sequences in files: they go on with the same token; what is damaged or strange is refused.
#include <sys/resource.h>
#include <csignal>
#include <fstream>

#include "runtime/sequence/save.h"
#include "tests/runtime/failing_device.h"
#include "tests/runtime/sequence_fixture.h"

namespace rw::test {
namespace {

class Saved : public Runtime {
protected:
    std::string path_ =
        (std::filesystem::temp_directory_path() / ("rewind-sequence-" + std::to_string(getpid()))).string();
    void TearDown() override { std::filesystem::remove(path_); }
};

TEST_P(Saved, GoesOnWithTheSameToken) {
    const auto tokens = some_tokens(40, 10);
    for (const auto& [form, kv] : forms_and_caches) {
        const auto c = context(options(form, 1, 4, kv));
        const Rows expected = serial(*c, tokens);
        uint64_t hash = 0;
        {
            SequenceState state(*c);
            for (size_t at = 0; at < 36; at += 4) run_exact(state, std::span(tokens).subspan(at, 4));
            state.rollback(35);  // in a ring of 34 inputs
            hash = state.hash();
            sequence::save(state, std::span(tokens).subspan(0, 36), path_);
        }
        const auto other = context(options(form, 2, 20, kv));  // whose rings are longer, so that they wrap elsewhere
        auto loaded = sequence::load(*other, path_);
        EXPECT_EQ(loaded.tokens.size(), 36u);
        EXPECT_EQ(loaded.state.pos(), 35);
        EXPECT_EQ(loaded.state.hash(), hash);
        expect_right(loaded.state, tokens, expected, "loaded");
    }
}

/// The chain's first guess is what the MTP block says of the same token when it is fed serially, however the state came
/// about: the pairing with the hidden row before, its cache and its positions.
TEST_P(Saved, DraftsFollowFromTheTrueHiddenRows) {
    const auto c = context(options(StateForm::ring, 4, 5));
    const auto tokens = some_tokens(60, 14);
    std::vector<int32_t> expected;
    {
        SequenceState state(*c);
        for (size_t i = 0; i < 50; ++i) {
            c->run({state.part(std::span(tokens).subspan(i, 1))}, {.rows = {0}, .mtp_logits = true});
            expected.push_back(c->candidates(0).front().token);
            state.advance(1, true);
        }
    }
    const auto first = [&](const SequenceState& state) {
        return c->draft({state.part(std::span(tokens).subspan(size_t(state.pos()), 1))}, {3})[0][0].token;
    };
    const auto run = [&](SequenceState& state, size_t n) {
        c->run({state.part(std::span(tokens).subspan(size_t(state.pos()), n))}, {.mtp = true});
        state.advance(int64_t(n), true);
    };
    SequenceState state(*c);
    for (const size_t n : {1, 4, 5, 2, 5, 5, 3}) {
        run(state, n);
        EXPECT_EQ(first(state), expected[size_t(state.pos())]) << "after calls up to " << state.pos();
    }
    for (const int64_t pos : {24, 17, 16}) {
        state.rollback(pos);
        EXPECT_EQ(first(state), expected[size_t(pos)]) << "back at " << pos;
    }
    run(state, 5), run(state, 5);
    SequenceState fork = state.fork();
    EXPECT_EQ(first(fork), expected[26]);
    sequence::save(state, tokens, path_);
    const auto loaded = sequence::load(*c, path_);
    EXPECT_EQ(first(loaded.state), expected[26]);
    run(fork, 4), state.rollback(20);
    const auto at = [&](const SequenceState& s) { return s.part(std::span(tokens).subspan(size_t(s.pos()), 1)); };
    const auto chains = c->draft({at(fork), at(state), at(loaded.state)}, {1, 3, 2});
    EXPECT_EQ(chains.size(), 3u);
    EXPECT_EQ(chains[0][0].token, expected[30]);
    EXPECT_EQ(chains[0][1].token, expected[20]);
    EXPECT_EQ(chains[0][2].token, expected[26]);
    const auto alone = c->draft({at(state)}, {3});
    for (size_t step = 0; step < 3; ++step) EXPECT_EQ(chains[step][1].token, alone[step][0].token) << "step " << step;
    SequenceState blind(*c);
    run_exact(blind, std::span(tokens).subspan(0, 4));
    EXPECT_FALSE(blind.mtp_ready());  // nothing was filled for it
}

TEST_P(Saved, InTwoStepsItIsTheSameFile) {
    const auto c = context(options(StateForm::ring, 2));
    const auto tokens = some_tokens(20, 12);
    SequenceState state(*c);
    for (size_t at = 0; at < 20; at += 4) run_exact(state, std::span(tokens).subspan(at, 4));
    const auto content = [&] {
        std::ifstream in(path_, std::ios::binary);
        return std::string((std::istreambuf_iterator<char>(in)), {});
    };
    sequence::save(state, tokens, path_);
    const std::string whole = content();
    const auto image = sequence::image_of(state, tokens);
    state.reset();
    sequence::write_image(image, path_);
    EXPECT_EQ(content(), whole);
    const uint64_t hash = sequence::load(*c, path_).state.hash();
    EXPECT_THROW(sequence::write_image(image, path_ + "/none"), Error);
    const auto read = sequence::read_image(*c, path_);
    EXPECT_EQ(read, image);
    const auto loaded = sequence::load_image(*c, read);
    EXPECT_EQ(loaded.state.pos(), 20);
    EXPECT_EQ(loaded.state.hash(), hash);
    EXPECT_EQ(loaded.tokens, tokens);
    EXPECT_THROW(sequence::load_image(*c, read), Error);  // two sequences are all that there are
    { const SequenceState ended = std::move(state); }
    EXPECT_THROW(sequence::load_image(*c, std::span(read).first(read.size() - 1)), Error);
    EXPECT_NO_THROW(sequence::load_image(*c, read));
}

TEST_P(Saved, DamageAndStrangersAreRefused) {
    const auto c = context(options(StateForm::ring, 2));
    const auto tokens = some_tokens(20, 11);
    SequenceState state(*c);
    for (size_t at = 0; at < 20; at += 4) run_exact(state, std::span(tokens).subspan(at, 4));
    sequence::save(state, tokens, path_);
    std::ifstream in(path_, std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(in)), {});
    const auto write = [&](const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; };
    const auto refused = [&](const std::string& bytes, model::Context& into, const char* part) {
        write(bytes);
        for (const bool at_once : {true, false}) try {
                if (at_once) sequence::load(into, path_);
                else sequence::read_image(into, path_);
                ADD_FAILURE() << "loaded: " << part;
            } catch (const Error& e) {
                EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
            }
    };
    std::string bad = good;
    bad[good.size() / 2] = char(bad[good.size() / 2] ^ 1);
    refused(bad, *c, "checksum");
    bad = good;
    bad[4] = 1;  // the version
    refused(bad, *c, "saved in form 1");
    refused(good.substr(0, good.size() - 9), *c, "not whole");
    refused(good.substr(0, 20), *c, "not whole");
    refused("not a state at all, but long enough to hold a header of one, or so it seems to me", *c,
            "not a saved sequence");
    gguf::Recipe recipe;
    recipe.seed = 2;
    refused(good, *context(options(), recipe, "stranger"), "another model");
    refused(good, *context(options(StateForm::snapshots)), "another rollback mode");
    refused(good, *context(options(StateForm::ring, 2, 4, Type::q8_0)), "KV cache type");
    write(good);
    EXPECT_NO_THROW(sequence::read_image(*c, path_));
    EXPECT_NO_THROW(sequence::load(*c, path_));  // the rows that failed loads took are free again
}

TEST_P(Saved, AFullDiskLeavesTheOldFile) {
    const auto c = context(options());
    const auto tokens = some_tokens(8, 12);
    SequenceState state(*c);
    run_exact(state, std::span(tokens).subspan(0, 4));
    sequence::save(state, tokens, path_);
    run_exact(state, std::span(tokens).subspan(4, 4));
    rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    rlimit small{1000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(sequence::save(state, tokens, path_), Error);
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
    const auto c2 = context(options());
    EXPECT_EQ(sequence::load(*c2, path_).state.pos(), 4);
    sequence::save(state, tokens, path_);  // and the state is still good
    EXPECT_EQ(sequence::load(*c2, path_).state.pos(), 8);
}

TEST(SavedFailures, AStateThatCannotBeReadLeavesNothing) {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("rewind-unread-" + std::to_string(getpid()))).string();
    const auto device = std::make_shared<FailingDevice>();
    model::Options o;
    o.pools.context = 64;
    model::Context c(random_model(), device, o);
    const auto tokens = some_tokens(8, 12);
    SequenceState state(c);
    c.run({state.part(tokens)}, {.prefill = true});
    state.advance(8);
    int failures = 0;
    for (device->good = 0;; device->good = ++failures) {
        try {
            sequence::save(state, tokens, path);
            break;
        } catch (const Error&) {
            EXPECT_FALSE(std::filesystem::exists(path));
            EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
        }
        ASSERT_LT(failures, 1000);
    }
    EXPECT_GT(failures, 2);
    EXPECT_TRUE(std::filesystem::exists(path));
    std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Device, Saved, testing::ValuesIn(device_ids()), device_name);

}  // namespace
}  // namespace rw::test
