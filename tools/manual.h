// The part of --help behind the options: what the verb is about, examples, files, exit status.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace rw::tools {

struct Manual {
    struct Entry {
        std::string what, text;
    };
    std::string about{};               // what the options do not say; lines of the page, as they are
    std::vector<Entry> examples{};     // a command, and what it does
    std::vector<Entry> files{};
    std::vector<Entry> environment{};  // beside what the pages of `rewind --help` name
    std::vector<Entry> status{};       // beside 0 for success, 1 for an error and 2 for a command line that makes no sense
    std::string more{};                // pages to read
};

/// Behind the verb's options. Every verb has at least one example, which names its own options only.
void add_manual(CLI::App& verb, const Manual& manual);

}  // namespace rw::tools
