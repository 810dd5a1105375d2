// ops_test: the driver as a program; the same words as `rewind ops test`.
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
        if (target) *target = argv[i];
        else if (word == "--seed") o.seed = std::stoull(argv[i]);
        else o.seconds = std::stod(argv[i]);
    }
    return rw::test::run_ops_test(o);
}
