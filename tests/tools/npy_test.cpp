// .npy files: what goes in comes out, and what is wrong with a file is said, whatever is wrong with it.
#include "tools/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

namespace rw::tools {
namespace {

namespace fs = std::filesystem;

class NpyFile : public ::testing::Test {
protected:
    NpyFile() : path_(fs::temp_directory_path() / ("rewind_npy_" + std::to_string(getpid()) + ".npy")) {}
    ~NpyFile() override { fs::remove(path_); }

    void put(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
    /// A file of some version with this header and this many bytes of data.
    void put(int version, const std::string& header, size_t data) {
        std::string bytes = "\x93NUMPY" + std::string{char(version), 0};
        for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += char(header.size() >> (8 * i) & 255);
        put(bytes + header + std::string(data, 'x'));
    }
    void refused(const std::string& words, Status status = Status::invalid_argument) {
        try {
            read_npy(path_);
            FAIL() << "accepted; expected: " << words;
        } catch (const Error& e) {
            EXPECT_EQ(e.status, status) << e.what();
            EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
        }
    }
    fs::path path_;
};

std::string header(const std::string& shape, const std::string& descr = "<f4", const std::string& order = "False") {
    return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

TEST_F(NpyFile, RoundTrip) {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {3}, {2, 3}, {1, 2, 3, 4, 5}, {0, 4}}) {
        for (const char* descr : {"<f4", "<f2", "<u2", "<i4", "<f8", "<i8"}) {
            size_t bytes = size_t(descr[2] - '0');
            for (const int64_t extent : shape) bytes *= size_t(extent);
            Npy array{descr, shape, std::vector<std::byte>(bytes)};
            for (size_t i = 0; i < bytes; ++i) array.data[i] = std::byte(i * 37);
            write_npy(path_, array);
            EXPECT_EQ(fs::file_size(path_) % 64, bytes % 64) << "the data of a file starts at a multiple of 64 bytes";
            const Npy back = read_npy(path_);
            EXPECT_EQ(back.descr, descr);
            EXPECT_EQ(back.shape, shape);
            EXPECT_EQ(back.data, array.data);
        }
    }
}

TEST_F(NpyFile, Versions) {
    for (const int version : {1, 2, 3}) {
        put(version, header("(2, 3)"), 24);
        EXPECT_EQ(read_npy(path_).shape, (std::vector<int64_t>{2, 3})) << version;
    }
    put(1, "{\"shape\":(6,),\"fortran_order\":False,\"descr\":\"<f2\"}", 12);  // any order, any quotes, no padding
    EXPECT_EQ(read_npy(path_).descr, "<f2");
    put(4, header("(2, 3)"), 24), refused("version 4.0");
    put(0, header("(2, 3)"), 24), refused("version 0.0");
}

TEST_F(NpyFile, WrongContents) {
    put(1, header("(2, 3)", "<f4", "True"), 24), refused("Fortran order");
    put(1, header("(2, 3)", ">f4"), 24), refused("big-endian");
    put(1, header("(2, 3)", "|O"), 24), refused("'|O'");
    put(1, header("(2, 3)", "<U4"), 24), refused("'<U4'");
    put(1, header("(2, 3)", "<c8"), 24), refused("'<c8'");
    put(1, header("(2, 3)", "<f9"), 24), refused("'<f9'");
    put(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8), refused("records");
    put(1, header("(2, 3)"), 23), refused("needs 24 bytes after the header, the file has 23 (truncated)");
    put(1, header("(2, 3)"), 25), refused("the file has 25");
    put(1, header("(2, 3)"), 0), refused("truncated");
}

TEST_F(NpyFile, HostileHeaders) {
    put(1, header("(-1, 3)"), 12), refused("negative");
    put(1, header("(4611686018427387904, 4)"), 16), refused("overflows");
    put(1, header("(99999999999999999999,)"), 16), refused("whole numbers");
    put(1, header("(1000000000000,)"), 16), refused("truncated");
    put(1, header("(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), 4), refused("more than 16 dimensions");
    put(1, header("(2"), 8), refused("damaged");
    put(1, header("2"), 8), refused("damaged");
    put(1, header("(a,)"), 8), refused("whole numbers");
    put(1, header("(2,)", "<f4", "Maybe"), 8), refused("neither True nor False");
    put(1, "{'descr': '<f4', 'fortran_order': False, }", 8), refused("lacks one of");
    put(1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8), refused("twice");
    put(1, "{'descr': '<f4', 'evil': 1, 'fortran_order': False, 'shape': (2,)}", 8), refused("evil");
    put(1, header("(2,)") + "more", 8), refused("after the closing brace");
    put(1, "{'descr", 0), refused("does not end");
    put(1, "", 0), refused("damaged");
    put(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)), refused("truncated within its header");
    put(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{", 13)), refused("truncated within its header");
    put(std::string("\x93NUMPY\x02\x00\x01", 9)), refused("not an .npy file");
}

TEST_F(NpyFile, NotAFile) {
    refused("no such file", Status::io);
    put(""), refused("not an .npy file");
    put("PK\x03\x04 a zip of arrays"), refused("not an .npy file");
    path_ = fs::temp_directory_path();
    refused("it is a folder", Status::io);
    path_ /= "rewind_no_such_folder/x.npy";
    EXPECT_THROW(write_npy(path_, {"<f4", {}, std::vector<std::byte>(4)}), Error);
}

TEST_F(NpyFile, EveryCutOfAGoodFileIsRefused) {
    put(1, header("(2, 3)"), 24);
    std::ifstream in(path_, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), {});
    for (size_t n = 0; n < whole.size(); ++n) {
        put(whole.substr(0, n));
        EXPECT_THROW(read_npy(path_), Error) << n;
    }
}

}  // namespace
}  // namespace rw::tools
