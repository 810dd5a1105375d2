// Slots in files: what they keep goes on elsewhere; the engine waits for no disk; what fails changes nothing.
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/runtime/failing_device.h"
#include "tests/serve/service_fixture.h"

namespace {
std::atomic<long> watched = 0;  // a thread, by the system's number
std::atomic<int> reads = 0, reads_watched = 0;
}

/// The system's, which counts.
extern "C" ssize_t read(int file, void* to, size_t bytes) {
    ++reads;
    if (::syscall(SYS_gettid) == watched) ++reads_watched;
    return ::syscall(SYS_read, file, to, bytes);
}

namespace rw::test {
namespace {

using serve::Json;

/// For saved slots, until the end of the block.
struct Folder {
    Folder() { std::filesystem::create_directory(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("rewind-slots-" + std::to_string(getpid()));
};

/// Text in a slot, so that it keeps something.
void fill(Behind& b, int slot, const char* prompt, int tokens) {
    b.json("/completion",
           {{"prompt", prompt}, {"n_predict", tokens}, {"temperature", 0}, {"ignore_eos", true}, {"id_slot", slot}});
}

std::string content(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Slots, AreSavedAndRestored) {
    const Folder of;
    const std::filesystem::path& folder = of.path;
    Behind b({.slots = 2, .waiting = 8}, {.slot_path = folder.string()});
    const Json prompt = b.json("/tokenize", {{"content", "And it came to pass in those days"}})["tokens"];
    const Json all = b.json("/completion", {{"prompt", prompt},
                                            {"n_predict", 20},
                                            {"temperature", 0},
                                            {"return_tokens", true},
                                            {"ignore_eos", true},
                                            {"id_slot", 1}});
    EXPECT_EQ(all["id_slot"], 1);
    const Json saved = b.json("/slots/1", {{"filename", "talk.bin"}}, 200, "save");
    EXPECT_EQ(saved["n_saved"], int64_t(prompt.size()) + 19);
    EXPECT_EQ(b.json("/slots/1", Json::object(), 200, "erase")["n_erased"], saved["n_saved"]);
    b.json("/slots/1", {{"filename", "talk.bin"}}, 404, "save");
    EXPECT_EQ(b.json("/slots/0", {{"filename", "talk.bin"}}, 200, "restore")["n_restored"], saved["n_saved"]);
    // What was generated is a prompt now, and only its last token is run.
    Json longer = prompt;
    for (const Json& token : all["tokens"]) longer.push_back(token);
    const Json on = b.json("/completion", {{"prompt", longer}, {"n_predict", 4}, {"temperature", 0}, {"id_slot", 0}});
    EXPECT_EQ(on["timings"]["cache_n"], saved["n_saved"]);
    EXPECT_EQ(on["timings"]["prompt_n"], 1);
    for (const char* bad : {"", "../talk.bin", "a/b", ".hidden", "a\\b", "a\nb"})
        b.json("/slots/0", {{"filename", bad}}, 400, "restore");
    b.json("/slots/0", {{"filename", "none.bin"}}, 404, "restore");
    b.json("/slots/7", Json::object(), 404, "erase");
    // Who saves to one name at the same time: the file is one of them, whole.
    std::vector<std::thread> savers;
    for (int i = 0; i < 4; ++i)
        savers.emplace_back([&] { b.json("/slots/0", {{"filename", "talk.bin"}}, 200, "save"); });
    for (std::thread& saver : savers) saver.join();
    EXPECT_GT(b.json("/slots/1", {{"filename", "talk.bin"}}, 200, "restore")["n_restored"], saved["n_saved"]);
    // A file that is damaged leaves what the slot keeps.
    std::filesystem::resize_file(folder / "talk.bin", std::filesystem::file_size(folder / "talk.bin") - 5);
    b.json("/slots/0", {{"filename", "talk.bin"}}, 400, "restore");
    EXPECT_GT(b.json("/slots/0", Json::object(), 200, "erase")["n_erased"], saved["n_saved"]);
    b.json("/slots/0", Json::object(), 400, "jump");
    Behind closed;
    closed.json("/slots/0", {{"filename", "talk.bin"}}, 403, "save");
}

TEST(Slots, TheEngineReadsNoFile) {
    const Folder folder;
    Behind b({.slots = 2, .waiting = 8}, {.slot_path = folder.path.string()});
    fill(b, 0, "And it came to pass", 20);
    b.json("/slots/0", {{"filename", "talk.bin"}}, 200, "save");
    b.engine.between([](serve::Engine::Inside&) { watched = ::syscall(SYS_gettid); });
    reads = reads_watched = 0;
    b.json("/slots/1", {{"filename", "talk.bin"}}, 200, "restore");
    watched = 0;
    EXPECT_GT(reads, 0);
    EXPECT_EQ(reads_watched, 0);
}

/// With a row that is free for the new sequence, and with none.
TEST(Slots, ADeviceThatFailsLeavesWhatASlotKeeps) {
    for (const bool full : {false, true}) {
        const Folder folder;
        const auto device = std::make_shared<FailingDevice>();
        Behind b({.slots = 2, .waiting = 8}, {.slot_path = folder.path.string()}, device);
        fill(b, 0, "And it came to pass", 20);
        b.json("/slots/0", {{"filename", "talk.bin"}}, 200, "save");
        fill(b, 0, "Who is Isabella?", 9);
        b.json("/slots/0", {{"filename", "before.bin"}}, 200, "save");
        if (full) fill(b, 1, "def main", 5);
        int failures = 0;
        for (;; ++failures) {
            b.engine.between([&](serve::Engine::Inside&) { device->good = failures, device->bad = 1; });
            const serve::Answer answer = b.ask("/slots/0", {{"filename", "talk.bin"}}, "restore");
            const bool failed = device->bad == 0;
            b.engine.between([&](serve::Engine::Inside&) { device->good = -1; });
            EXPECT_EQ(answer.status, failed ? 500 : 200) << answer.body;
            b.json("/slots/0", {{"filename", "after.bin"}}, 200, "save");
            const std::string expected = content(folder.path / (failed ? "before.bin" : "talk.bin"));
            EXPECT_EQ(content(folder.path / "after.bin") == expected, true) << "behind " << failures << " calls";
            if (!failed) break;
            ASSERT_LT(failures, 1000);
        }
        EXPECT_GT(failures, 2);
    }
}

}  // namespace
}  // namespace rw::test
