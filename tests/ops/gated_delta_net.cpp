#include "rewind/ops/gated_delta_net.h"

#include "tests/driver/suite.h"

namespace rw::test::ops_suites {

Suite gated_delta_net() {
    namespace arg = ops::gated_delta_net::arg;
    Suite s;
    s.state_heads = [](const ops::Call& call) { return call.arg[arg::v].ne[1]; };
    return s;
}

}  // namespace rw::test::ops_suites
