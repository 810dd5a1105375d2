// ops_test: the driver as a program; the same words as `rewind ops test`.
#include <charconv>
#include <cstring>
#include <iostream>
#include <string_view>

#include "tests/driver/driver.h"

int main(int argc, char** argv) {
    rw::test::Options o;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--verbose") {
            o.verbose = true;
            continue;
        }
        std::string* target = word == "--op"        ? &o.op
                              : word == "--backend" ? &o.backend
                              : word == "--impl"    ? &o.impl
                              : word == "--cases"   ? &o.cases
                              : word == "--case"    ? &o.one
                              : word == "--tier"    ? &o.tier
                              : word == "--check"   ? &o.check
                                                    : nullptr;
        if (++i == argc || (!target && word != "--seed" && word != "--seconds")) {
            std::cerr << "usage: ops_test [--op O] [--backend B] [--impl I] [--cases FILE | --case \"...\"] "
                         "[--tier smoke|ci|all] [--check C] [--seed N] [--seconds N] [--verbose]\n";
            return 2;
        }
        const char* const end = argv[i] + std::strlen(argv[i]);
        std::from_chars_result read{end, std::errc()};
        if (target) *target = argv[i];
        else if (word == "--seed") read = std::from_chars(argv[i], end, o.seed);
        else read = std::from_chars(argv[i], end, o.seconds);
        if (read.ec != std::errc() || read.ptr != end) {
            std::cerr << "ops_test: " << word << " " << argv[i] << ": expected a number\n";
            return 2;
        }
    }
    return rw::test::run_ops_test(o);
}
