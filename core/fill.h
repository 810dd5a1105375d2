// Deterministic inputs. Every value depends on (seed, argument, element index) only, so a case gives the same data on
// every machine and in any order of generation. What the kinds are for: docs/numerics.md, "Filled to hurt".
//
//   zero | normal | uniform (lo, hi) | unit_rows (normal rows scaled to length 1)
//   keys    style iid | corr (cos ~ 0.9) | same | onehot | zero | mixed      rows of length 1, or 0
//   gates   style strong U(-20,-1e-4) | weak -1e-4 - U(0,.01) | zero | tiny -1e-6 | reset (-1e4 now and then)
//           | inf (-inf now and then) | up (slightly positive) | dead (kills channels) | mixed (all of these by head)
//   decays  style as gates: exp of them, so exact zeros and ones too
//   removal -u x with u in [0, 1) an entry and x the unit_rows of the argument values[0], same shape
//   betas   style uniform | one | zero | tiny | high U(.98,1) | over U(1,2) | mixed
//   states  style normal | zero | huge (1e4) | mixed (all of these by slot)
//   list    the given values (i32)
#pragma once

#include <span>

#include "rewind/ops/contract.h"

namespace rw::core {

/// The example's argument as packed values in ne order (fastest first), as double; 16-bit types are rounded already,
/// quantised ones are not: as_stored() of core/convert.h says what the device will see.
std::vector<double> filled(const ops::Example::Arg& arg, uint64_t seed, int index);

/// The one random source of the project: a counter-based hash, uniform in [0, 1).
double uniform(uint64_t seed, uint64_t stream, uint64_t counter);
double normal(uint64_t seed, uint64_t stream, uint64_t counter);

}  // namespace rw::core
