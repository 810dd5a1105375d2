// The checks that ops get without asking.
#pragma once

#include "tests/driver/suite.h"

namespace rw::test {

void add_common_checks(Suite& suite);  // reference is the driver's own; here: threads, nan
bool has_slots(const ops::Op& op);
void add_slot_checks(Suite& suite);

}  // namespace rw::test
