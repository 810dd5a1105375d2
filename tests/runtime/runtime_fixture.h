// Tiny random models on every device of the machine, for the tests of the runtime.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/gguf/make.h"
#include "runtime/sequence/sequence_state.h"

namespace rw::test {

/// A model of the recipe in a folder that goes when the program ends; made once for a name.
std::shared_ptr<const model::Model> random_model(const gguf::Recipe& recipe = {}, const std::string& name = "model");

/// Tests that run once for each device present: TEST_P(Runtime, ...).
class Runtime : public testing::TestWithParam<std::string> {
protected:
    std::shared_ptr<core::Device> device() const { return core::open(GetParam()); }
    std::unique_ptr<model::Context> context(model::Options options = {}, const gguf::Recipe& recipe = {}, const std::string& name = "model") const;
};
std::vector<std::string> device_ids();
std::string device_name(const testing::TestParamInfo<std::string>& info);

/// `n` tokens of the vocabulary that jump about.
std::vector<int32_t> some_tokens(size_t n, uint64_t seed, uint32_t vocab = 512);

/// Of one row: sum of squared differences over sum of squares.
double nmse(std::span<const float> found, std::span<const float> expected);

/// Runs tokens[at, at + n) as one exact call and returns the logits of every row.
std::vector<std::vector<float>> run_exact(sequence::SequenceState& state, std::span<const int32_t> tokens, bool mtp = false);

}  // namespace rw::test
