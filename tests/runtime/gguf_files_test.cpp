// Files on a disk: split models, things that are not files, and files that change while they are open.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/gguf/file.h"
#include "tests/runtime/gguf_image.h"

namespace rw::test {
namespace {

namespace fs = std::filesystem;
using gguf::Draft;
using gguf::File;

class GgufFiles : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "rewind-gguf-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string save(const std::string& name, const std::string& bytes) const {
        std::ofstream(path(name), std::ios::binary) << bytes;
        return path(name);
    }
    /// Part `number` of `count` with one tensor of 8 floats.
    std::string part(int number, int count, const std::string& tensor, int total) const {
        Draft d;
        d.set("split.no", uint16_t(number));
        d.set("split.count", uint16_t(count));
        d.set("split.tensors.count", int32_t(total));
        d.add(tensor, gguf::TensorType::f32, {8, 1, 1, 1}, 1);
        std::string image = image_of(d);
        image[image.size() - 32] = char('0' + number);  // the data's first byte
        return image;
    }
    std::string failure(const std::string& file) const {
        try {
            File{file};
        } catch (const Error& e) {
            return e.what();
        }
        return "no error";
    }
    fs::path folder_;
};
#define EXPECT_SAYS(text, words) EXPECT_NE((text).find(words), std::string::npos) << text

TEST_F(GgufFiles, PartsAreOneModel) {
    const std::string first = save("m-00001-of-00003.gguf", part(0, 3, "a", 3));
    save("m-00002-of-00003.gguf", part(1, 3, "b", 3));
    save("m-00003-of-00003.gguf", part(2, 3, "c", 3));
    const File file(first);
    EXPECT_EQ(file.parts(), 3u);
    ASSERT_EQ(file.tensors().size(), 3u);
    EXPECT_EQ(file.bytes(file.tensor("b")).front(), std::byte('1'));
    std::vector<std::byte> data(32);
    file.read(file.tensor("c"), 0, data);
    EXPECT_EQ(data.front(), std::byte('2'));
    EXPECT_SAYS(failure(path("m-00002-of-00003.gguf")), "part 2 of 3; open the first one, ...-00001-of-00003.gguf");
}

TEST_F(GgufFiles, PartsThatDoNotFit) {
    const std::string first = save("m-00001-of-00002.gguf", part(0, 2, "a", 2));
    EXPECT_SAYS(failure(first), "m-00002-of-00002.gguf: cannot open");
    save("m-00002-of-00002.gguf", part(0, 2, "b", 2));
    EXPECT_SAYS(failure(first), "should be part 2 of 2 but says part 1 of 2");
    save("m-00002-of-00002.gguf", part(1, 3, "b", 2));
    EXPECT_SAYS(failure(first), "should be part 2 of 2 but says part 2 of 3");
    save("m-00002-of-00002.gguf", part(1, 2, "a", 2));
    EXPECT_SAYS(failure(first), "tensor 'a' occurs twice");
    save("m-00002-of-00002.gguf", part(1, 2, "b", 3));
    save("m-00001-of-00002.gguf", part(0, 2, "a", 3));
    EXPECT_SAYS(failure(first), "'split.tensors.count' says 3 tensors, the parts have 2");
    save("m-00002-of-00002.gguf", "GGUF");
    EXPECT_SAYS(failure(first), "m-00002-of-00002.gguf: the version needs 4 bytes");
    EXPECT_SAYS(failure(save("m.gguf", part(0, 2, "a", 2))), "'split.count' says 2 parts, the file's name 1");
    EXPECT_SAYS(failure(save("x-00001-of-00009.gguf", part(0, 2, "a", 2))), "'split.count' says 2 parts, the file's name 9");
    Draft wrong;
    wrong.set("split.count", "../../etc/passwd");
    EXPECT_SAYS(failure(save("y.gguf", image_of(wrong))), "key 'split.count': expected an integer");
}

TEST_F(GgufFiles, NotAFile) {
    EXPECT_SAYS(failure(path("nothing.gguf")), "cannot open: No such file");
    EXPECT_SAYS(failure(folder_.string()), "is a directory; a model is a regular file");
    EXPECT_SAYS(failure("/dev/zero"), "is a device");
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    EXPECT_SAYS(failure(path("pipe")), "is a pipe");
    EXPECT_SAYS(failure(save("empty.gguf", "")), "the file is empty");
}

TEST_F(GgufFiles, ShrinksWhileOpen) {
    Draft d;
    d.add("x", gguf::TensorType::f32, {1 << 14, 1, 1, 1}, 1);
    const std::string name = save("m.gguf", image_of(d));
    const File file(name);
    const auto& x = file.tensor("x");
    std::vector<std::byte> data(x.bytes);
    EXPECT_EQ(file.bytes(x).size(), x.bytes);
    file.read(x, 0, data);
    fs::resize_file(name, 4096);
    const auto says = [&](const auto& f) -> std::string {
        try {
            f();
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::io);
            return e.what();
        }
        return "no error";
    };
    EXPECT_SAYS(says([&] { file.bytes(x); }), "shrank from");
    EXPECT_SAYS(says([&] { file.read(x, 0, data); }), "it shrank while it was open");
}

TEST_F(GgufFiles, WriterLeavesNothingHalfDone) {
    Draft d;
    d.add("x", gguf::TensorType::f32, {8, 1, 1, 1}, 1);
    const std::vector<std::byte> data(32);
    {
        gguf::Output out(path("m.gguf"), d);
        out.append(std::span(data).first(4));
        EXPECT_THROW(out.append(data), Error);  // more than is left
        EXPECT_THROW(out.finish(), Error);
    }
    EXPECT_TRUE(fs::is_empty(folder_));
    gguf::Output out(path("m.gguf"), d);
    out.append(data);
    EXPECT_FALSE(fs::exists(path("m.gguf")));
    out.finish();
    EXPECT_EQ(fs::file_size(path("m.gguf")), d.size());
    EXPECT_FALSE(fs::exists(path("m.gguf.part")));
    EXPECT_EQ(File(path("m.gguf")).tensors().size(), 1u);
    EXPECT_THROW(gguf::Output(path("no/such/folder/m.gguf"), d), Error);
}

TEST_F(GgufFiles, FullDisk) {
    if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
    fs::create_symlink("/dev/full", path("m.gguf.part"));
    Draft d;
    d.add("x", gguf::TensorType::f32, {1 << 16, 1, 1, 1}, 1);
    const std::vector<std::byte> data(1 << 18);
    std::string said;
    try {
        gguf::Output out(path("m.gguf"), d);
        out.append(data);
        out.finish();
    } catch (const Error& e) {
        said = e.what();
    }
    EXPECT_SAYS(said, "No space left");
    EXPECT_FALSE(fs::exists(path("m.gguf")));
}

}  // namespace
}  // namespace rw::test
