#include "runtime/grammar/grammar.h"

#include "rewind/ops/contract.h"
#include "runtime/grammar/gbnf.h"
#include "runtime/grammar/stacks.h"

namespace rw::grammar {

Grammar Grammar::gbnf(std::string_view text) { return Grammar(parse_gbnf(text)); }

bool Grammar::accepts(std::string_view text) const try {
    Stacks stacks(program_, uint64_t(256) << 20);
    Places places = stacks.start();
    for (const char byte : text) {
        places = stacks.step(places, uint8_t(byte));
        if (places.none()) return false;
    }
    return places.complete;
} catch (const Stacks::Full&) {
    throw Error(Status::out_of_memory, "the grammar is too ambiguous to follow so long a text");
}

}  // namespace rw::grammar
