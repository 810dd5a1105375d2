// What the drafters that look tokens up guess, and what they learn from it.
#include <gtest/gtest.h>

#include "runtime/spec/chain_drafter.h"
#include "runtime/spec/make_drafter.h"
#include "runtime/spec/ngram_map.h"
#include "runtime/spec/ngram_mod.h"
#include "runtime/spec/ngram_simple.h"

namespace rw::test {
namespace {

using Tokens = std::vector<int32_t>;

/// A sequence of one's own making.
struct Story {
    uint64_t id;
    Tokens prompt, text{};
    spec::Known known() const { return {id, prompt, text}; }
};

Tokens guess(spec::Drafter& drafter, const Story& story, int most, std::vector<float>* shares = nullptr) {
    std::vector<spec::DraftJob> jobs{{story.known(), most}};
    drafter.draft(jobs);
    Tokens tokens;
    for (const model::Candidate& c : jobs[0].chain) {
        tokens.push_back(c.token);
        if (shares) shares->push_back(c.probability);
    }
    return tokens;
}

/// The guess after hearing the story.
Tokens guess_of(spec::Drafter& drafter, Tokens prompt, int most, std::vector<float>* shares = nullptr) {
    const Story story{1, std::move(prompt)};
    drafter.begin(story.known());
    const Tokens tokens = guess(drafter, story, most, shares);
    drafter.end(story.id);
    return tokens;
}

TEST(NgramSimple, GoesOnAsItWentOnBefore) {
    spec::NgramSimple drafter(3);
    EXPECT_EQ(guess_of(drafter, {1, 2, 3, 4, 5, 6, 1, 2, 3}, 4), (Tokens{4, 5, 6, 1}));
    EXPECT_EQ(guess_of(drafter, {1, 2, 3, 4, 5, 6, 1, 2, 3}, 2), (Tokens{4, 5}));
    EXPECT_EQ(guess_of(drafter, {9, 2, 3, 4, 5, 6, 1, 2, 3}, 4), Tokens{});
    EXPECT_EQ(guess_of(drafter, {1, 2, 3}, 4), Tokens{});
    EXPECT_EQ(guess_of(drafter, {2, 3}, 4), Tokens{});
    EXPECT_EQ(guess_of(drafter, {}, 4), Tokens{});
}

TEST(NgramSimple, TakesTheNewestPlace) {
    spec::NgramSimple drafter(2);
    EXPECT_EQ(guess_of(drafter, {1, 2, 3, 0, 1, 2, 7, 8, 1, 2}, 2), (Tokens{7, 8}));
}

TEST(NgramSimple, ContinuesWhatRepeatsItself) {
    spec::NgramSimple drafter(2);
    EXPECT_EQ(guess_of(drafter, {5, 6, 7, 5, 6, 7, 5}, 8), (Tokens{6, 7, 5, 6, 7, 5, 6, 7}));
    EXPECT_EQ(guess_of(drafter, {4, 4, 4}, 3), (Tokens{4, 4, 4}));
}

TEST(NgramSimple, HearsWhatIsAdded) {
    spec::NgramSimple drafter(2);
    Story story{1, {1, 2, 3, 4}};
    drafter.begin(story.known());
    EXPECT_EQ(guess(drafter, story, 3), Tokens{});
    story.text = {1, 2};
    drafter.observe(story.known());
    EXPECT_EQ(guess(drafter, story, 3), (Tokens{3, 4, 1}));
    EXPECT_GT(drafter.bytes(), 0u);
    drafter.end(1);
    EXPECT_EQ(drafter.bytes(), 0u);
    EXPECT_EQ(guess(drafter, story, 3), Tokens{});
}

TEST(NgramMap, GuessesWhatCameMostOften) {
    spec::NgramMap drafter({.n = 1});
    std::vector<float> shares;
    EXPECT_EQ(guess_of(drafter, {1, 2, 1, 3, 1, 2, 1}, 1, &shares), (Tokens{2}));  // not what came last
    EXPECT_FLOAT_EQ(shares.at(0), 2.0f / 3);
    EXPECT_EQ(guess_of(drafter, {1, 2, 1, 3, 1}, 1), Tokens{});  // half is no majority
}

TEST(NgramMap, HonoursMinHits) {
    spec::NgramMap drafter({.n = 1, .min_hits = 2});
    EXPECT_EQ(guess_of(drafter, {1, 2, 1}, 1), Tokens{});
    EXPECT_EQ(guess_of(drafter, {1, 2, 1, 2, 1}, 1), (Tokens{2}));
}

TEST(NgramMap, KeepsFourFollowersAndMakesRoom) {
    spec::NgramMap drafter({.n = 1});
    // Five different ones, then the sixth takes the place of a rarest one and is in the majority in the end.
    Tokens tokens;
    for (const int32_t next : {2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6}) tokens.insert(tokens.end(), {1, next});
    tokens.push_back(1);
    EXPECT_EQ(guess_of(drafter, tokens, 1), (Tokens{6}));
}

TEST(NgramMap, ShortensAndRecovers) {
    spec::NgramMap drafter({.n = 1});
    Tokens circle;
    for (int i = 0; i < 40; ++i) circle.push_back(i % 10);
    const Story story{1, circle};
    drafter.begin(story.known());
    EXPECT_EQ(guess(drafter, story, 16).size(), 16u);
    drafter.accept(story.known(), 16, 2);
    EXPECT_EQ(guess(drafter, story, 16).size(), 3u);
    drafter.accept(story.known(), 3, 0);
    EXPECT_EQ(guess(drafter, story, 16).size(), 1u);  // never none
    size_t length = 1;
    for (int i = 0; i < 8; ++i) {
        drafter.accept(story.known(), int(length), int(length));
        const size_t next = guess(drafter, story, 16).size();
        EXPECT_TRUE(next > length || next == 16) << next;
        length = next;
    }
    EXPECT_EQ(length, 16u);
}

TEST(NgramMod, IsSharedBySequences) {
    spec::NgramMod drafter({.n = 2, .entries = 1 << 10});
    const Story first{1, {1, 2, 3, 4, 5}}, second{2, {9, 1, 2}};
    drafter.begin(first.known());
    drafter.end(1);
    drafter.begin(second.known());
    EXPECT_EQ(guess(drafter, second, 5), (Tokens{3, 4, 5}));
    EXPECT_EQ(drafter.bytes(), 8u << 10);
}

TEST(NgramMod, TellsKeysApartThatShareAPlaceUnlessToldNotTo) {
    for (const bool checked : {true, false}) {
        spec::NgramMod drafter({.n = 2, .entries = 1, .checked = checked});  // all share it
        Tokens tokens;
        for (int i = 0; i < 200; ++i) tokens.push_back(i);
        const Story story{1, tokens};
        drafter.begin(story.known());
        int wrong = 0;
        for (int i = 0; i < 100; ++i) wrong += !guess(drafter, {1, {1000 + i, 2000 + i}}, 1).empty();
        EXPECT_EQ(wrong, checked ? 0 : 100);
    }
}

TEST(NgramMod, ForgetsWhatIsStaleAndKeepsItsOwn) {
    spec::NgramMod drafter({.n = 2, .entries = 1 << 12});
    const Story old{1, {1, 2, 3, 4, 5, 6, 7}}, asks{3, {1, 2}};
    drafter.begin(old.known());
    drafter.begin(asks.known());
    EXPECT_EQ(guess(drafter, asks, 3), (Tokens{3, 4, 5}));
    const Story now{2, {11, 12, 13, 14, 11, 12}};
    drafter.begin(now.known());
    for (int streak = 0; streak < 4; ++streak) {
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(guess(drafter, now, 2), (Tokens{13, 14})) << streak;  // it knows its own context all along
            drafter.accept(now.known(), 2, 0);
            drafter.observe(now.known());
        }
    }
    EXPECT_EQ(guess(drafter, asks, 3), Tokens{});
    EXPECT_EQ(guess(drafter, now, 2), (Tokens{13, 14}));
    EXPECT_EQ(guess(drafter, {4, {11, 12}}, 2), Tokens{});  // a sequence that never began gets nothing
}

TEST(NgramMod, KeepsWhatStands) {
    spec::NgramMod drafter({.n = 2, .entries = 1 << 12});
    const Story old{1, {1, 2, 3, 4, 5, 6, 7}}, asks{3, {1, 2}}, now{2, {11, 12, 13, 14, 11, 12}};
    for (const Story* story : {&old, &asks, &now}) drafter.begin(story->known());
    for (int streak = 0; streak < 6; ++streak) {
        EXPECT_EQ(guess(drafter, asks, 2), (Tokens{3, 4})) << streak;
        drafter.accept(asks.known(), 2, 2);
        for (int i = 0; i < 3; ++i) {
            guess(drafter, now, 2);
            drafter.accept(now.known(), 2, 0);
            drafter.observe(now.known());
        }
    }
    EXPECT_EQ(guess(drafter, asks, 5), (Tokens{3, 4}));  // and what was not drafted is gone
}

/// Says what it is told, and remembers what became of it.
class Parrot : public spec::Drafter {
public:
    explicit Parrot(Tokens says, int* heard = nullptr, bool extends = false)
        : says_(std::move(says)), heard_(heard), extends_(extends) {}
    bool extends() const override { return extends_; }
    void draft(std::span<spec::DraftJob> jobs) override {
        for (auto& job : jobs)
            for (const int32_t t : says_)
                if (int(job.chain.size()) < job.most) job.chain.push_back({t, 1});
    }
    void accept(const spec::Known&, int drafted, int accepted) override { *heard_ += 100 * drafted + accepted; }

private:
    Tokens says_;
    int* heard_;
    bool extends_;
};

TEST(ChainDrafter, AsksInOrderAndTellsWhoGuessed) {
    int first = 0, second = 0;
    std::vector<spec::ChainDrafter::Link> links;
    links.push_back({std::make_unique<Parrot>(Tokens{7}, &first), 2});
    links.push_back({std::make_unique<Parrot>(Tokens{8, 9}, &second), 1});
    spec::ChainDrafter chain(std::move(links));
    const Story story{1, {1}};
    EXPECT_EQ(guess(chain, story, 3), (Tokens{8, 9}));  // one token is too few of the first
    chain.accept(story.known(), 2, 1);
    EXPECT_EQ(guess(chain, story, 1), (Tokens{7}));  // but not where there is room for no more
    chain.accept(story.known(), 1, 1);
    EXPECT_EQ(first, 101);
    EXPECT_EQ(second, 201);
    EXPECT_THROW(spec::ChainDrafter({}), Error);
}

TEST(ChainDrafter, ExtendsGuesses) {
    int first = 0, second = 0;
    std::vector<spec::ChainDrafter::Link> links;
    links.push_back({std::make_unique<Parrot>(Tokens{7, 6}, &first), 1, true});
    links.push_back({std::make_unique<Parrot>(Tokens{5}, &second), 1, false});  // cannot
    links.push_back({std::make_unique<Parrot>(Tokens{8, 9, 4}, &second, true), 1, false});
    spec::ChainDrafter chain(std::move(links));
    const Story story{1, {1}};
    EXPECT_EQ(guess(chain, story, 2), (Tokens{7, 6}));
    EXPECT_EQ(guess(chain, story, 4), (Tokens{7, 6, 8, 9}));
    chain.accept(story.known(), 4, 3);
    EXPECT_EQ(first, 202);  // of its own two
    EXPECT_EQ(second, 0);
}

TEST(DrafterText, SaysWhatIsWrong) {
    EXPECT_TRUE(spec::DrafterText("none").none());
    EXPECT_TRUE(spec::DrafterText("ngram-mod,mtp").needs_mtp());
    const spec::DrafterText text("ngram-map:n=4:min-hits=2:fewest=3,ngram-mod:entries=1024");
    EXPECT_EQ(text.links.at(0).n, 4);
    EXPECT_EQ(text.links.at(0).min_hits, 2);
    EXPECT_EQ(text.links.at(0).fewest, 3);
    EXPECT_EQ(text.links.at(1).n, 16);
    EXPECT_EQ(text.links.at(1).entries, 1024);
    const auto message = [](const char* words) -> std::string {
        try {
            const spec::DrafterText parsed(words);
        } catch (const Error& e) {
            return e.what();
        }
        return "";
    };
    EXPECT_NE(message("mpt").find("\"mpt\": expected none, mtp, draft, ngram-simple"), std::string::npos) << message("mpt");
    EXPECT_NE(message("").find("expected none"), std::string::npos);
    EXPECT_NE(message("mtp,mtp").find("twice"), std::string::npos);
    EXPECT_TRUE(spec::DrafterText("ngram-map:n=3:extend,mtp").links.at(0).extend);
    EXPECT_NE(message("ngram-map:extend").find("nobody behind"), std::string::npos);
    EXPECT_NE(message("mtp,ngram-map:extend").find("nobody behind"), std::string::npos);
    EXPECT_NE(message("mtp:extend").find("has no setting"), std::string::npos);
    EXPECT_NE(message("ngram-map:extend=1,mtp").find("has no setting"), std::string::npos);
    EXPECT_NE(message("mtp:n=3").find("has no setting"), std::string::npos);
    EXPECT_NE(message("ngram-map:n=0").find("from 1 to 256"), std::string::npos);
    EXPECT_NE(message("ngram-map:n=x").find("\"x\""), std::string::npos);
    EXPECT_NE(message("ngram-map:n").find("from 1 to 256"), std::string::npos);
    EXPECT_NE(message("ngram-map:n=99999999999999999999").find("from 1 to 256"), std::string::npos);
    EXPECT_NE(message("ngram-simple:entries=4").find("has no setting"), std::string::npos);
}

}  // namespace
}  // namespace rw::test
