// The checks that ops get without asking.
#pragma once

#include "tests/driver/suite.h"

namespace rw::test {

void add_common_checks(Suite& suite);  // threads, repeat, nan
void add_view_check(Suite& suite);    // views
bool has_slots(const ops::Op& op);
void add_slot_checks(Suite& suite);   // serial, partition, sequences, slots, pool
void add_chain_check(Suite& suite);   // chain
bool has_ring(const ops::Op& op);
void add_ring_checks(Suite& suite);        // grouping, rollback, edge, life
void add_ring_batch_checks(Suite& suite);  // sequences, pool

}  // namespace rw::test
