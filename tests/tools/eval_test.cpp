// evaluate(): forms of arrays, bytes that stay, and the words of every refusal. The definition is the judge.
#include "tools/eval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/convert.h"
#include "core/fill.h"
#include "core/sample.h"

namespace rw::tools {
namespace {

constexpr int64_t S = 16, H_k = 2, H_v = 4, T = 3, B = 2, K = 2, D = S * S * H_v;
using Shape = std::vector<int64_t>;

Npy array(const Shape& shape, double lo, double hi, Type type = Type::f32) {
    static constexpr const char* descr[] = {"<f4", "<f2", "<u2", "<i4"};
    size_t n = 1;
    for (const int64_t extent : shape) n *= size_t(extent);
    Npy a{descr[size_t(type)], shape, std::vector<std::byte>(n * size_of(type))};
    for (size_t i = 0; i < n; ++i)
        core::store(a.data.data() + i * size_of(type), type, lo + (hi - lo) * core::uniform(7, n, i));
    return a;
}

Npy list(const std::vector<int32_t>& values) {
    Npy a{"<i4", {int64_t(values.size())}, std::vector<std::byte>(4 * values.size())};
    std::memcpy(a.data.data(), values.data(), a.data.size());
    return a;
}

std::vector<double> numbers(const Npy& a) {
    std::vector<double> x;
    for (size_t i = 0; i < a.data.size(); i += 4) x.push_back(core::load(a.data.data() + i, Type::f32));
    return x;
}

Evaluation classic(const std::string& backend = "cpu", Type type = Type::f32) {
    Evaluation e{"GATED_DELTA_NET", backend, "", {}, {}};
    e.input["q"] = array({B, T, H_k, S}, -0.3, 0.3, type), e.input["k"] = array({B, T, H_k, S}, -0.3, 0.3, type);
    e.input["v"] = array({B, T, H_v, S}, -1, 1, type);
    e.input["g"] = array({B, T, H_v, 1}, -0.1, 0), e.input["beta"] = array({B, T, H_v, 1}, 0, 1);
    e.input["state"] = array({B, K, D}, -0.1, 0.1);
    return e;
}

Evaluation ring(const std::string& backend = "cpu") {
    Evaluation e = classic(backend);
    e.op = "GATED_DELTA_NET_RING", e.input.erase("state");
    e.input["base"] = array({B, 2, D}, -0.1, 0.1), e.input["pos"] = list({5, 0});
    e.input["ring_k"] = array({B, 8, H_k, S}, -0.3, 0.3), e.input["ring_d"] = array({B, 8, H_v, S}, -1, 1);
    e.input["ring_g"] = array({B, 8, H_v, 1}, -0.1, 0);
    return e;
}

const Npy& output(const Evaluated& result, const std::string& name) {
    for (const auto& [n, a] : result.output)
        if (n == name) return a;
    throw std::runtime_error("no output " + name);
}

void same_as_reference(Evaluation e) {
    const Evaluated got = evaluate(e);
    e.backend = "reference", e.impl = "";
    const Evaluated want = evaluate(e);
    EXPECT_EQ(want.implementation, "reference");
    ASSERT_EQ(got.output.size(), want.output.size());
    for (size_t i = 0; i < got.output.size(); ++i) {
        EXPECT_EQ(got.output[i].first, want.output[i].first);
        EXPECT_EQ(got.output[i].second.shape, want.output[i].second.shape);
        EXPECT_LE(core::nmse(numbers(got.output[i].second), numbers(want.output[i].second)), 1e-10) << got.output[i].first;
    }
}

void refused(const Evaluation& e, const std::vector<std::string>& words) {
    try {
        evaluate(e);
        FAIL() << "accepted; expected: " << words[0];
    } catch (const Error& error) {
        for (const std::string& w : words)
            EXPECT_NE(std::string(error.what()).find(w), std::string::npos) << "no '" << w << "' in: " << error.what();
    }
}

TEST(Eval, AgreesWithTheDefinition) {
    same_as_reference(classic());
    same_as_reference(ring());
    for (const Type type : {Type::f16, Type::bf16}) same_as_reference(classic("cpu", type));
    Evaluation attrs = classic();
    attrs.attr = {"order=recent_first", "heads=interleaved", "l2norm_eps=1e-6", "scale=0.5", "path=exact"};
    same_as_reference(attrs);
}

TEST(Eval, PackedBatchesAreAsLongAsMaxLenSays) {
    Evaluation e = ring();
    constexpr int64_t N = 20;
    e.input["q"] = array({1, N, H_k, S}, -0.3, 0.3), e.input["k"] = array({1, N, H_k, S}, -0.3, 0.3);
    e.input["v"] = array({1, N, H_v, S}, -1, 1);
    e.input["g"] = array({1, N, H_v, 1}, -0.1, 0), e.input["beta"] = array({1, N, H_v, 1}, 0, 1);
    e.input["first"] = list({9, 2}), e.input["seq_len"] = list({4, 3});
    e.attr = {"path=exact"};
    refused(e, {"T = 20", "max_len"});
    e.attr = {"path=exact", "max_len=4"};
    same_as_reference(e);
    e.attr = {"max_len=3"};
    refused(e, {"seq_len"});  // met on the device
}

TEST(Eval, OutputsKeepTheFormOfTheState) {
    EXPECT_EQ(output(evaluate(classic()), "state_out").shape, (Shape{B, K, D}));
    Evaluation e = classic();
    const Npy flat = output(evaluate(e), "state_out");
    e.input["state"].shape = {B, K, H_v, S, S};
    const Npy spelled = output(evaluate(e), "state_out");
    EXPECT_EQ(spelled.shape, (Shape{B, K, H_v, S, S}));
    EXPECT_EQ(spelled.data, flat.data);
    Evaluation r = ring();
    r.input["base"].shape = {B, 2, H_v, S, S};
    const Evaluated result = evaluate(r);
    EXPECT_EQ(output(result, "base").shape, (Shape{B, 2, H_v, S, S}));
    for (const char* name : {"out", "ring_k", "ring_d", "ring_g"}) EXPECT_FALSE(output(result, name).data.empty());
    EXPECT_EQ(result.output.size(), 5u);
}

TEST(Eval, MaterializeTakesItsShapeFromTheBase) {
    Evaluation e{"GATED_DELTA_NET_MATERIALIZE", "cpu", "", {}, {}};
    const Evaluation from = ring();
    for (const char* name : {"base", "ring_k", "ring_d", "ring_g", "pos"}) e.input[name] = from.input.at(name);
    EXPECT_EQ(output(evaluate(e), "state").shape, (Shape{B, 1, D}));
    same_as_reference(e);
    e.input["base"].shape = {B, 2, H_v, S, S};
    EXPECT_EQ(output(evaluate(e), "state").shape, (Shape{B, 1, H_v, S, S}));
}

TEST(Eval, CountOfSlots) {
    Evaluation e = classic();
    e.attr = {"K=5"};
    EXPECT_EQ(output(evaluate(e), "state_out").shape, (Shape{B, 5, D}));
    same_as_reference(e);
    e.input["state_out"] = array({B, 4, D}, 0, 1);
    refused(e, {"state_out", "4 slots", "K=5"});
    e.attr.clear();
    EXPECT_EQ(output(evaluate(e), "state_out").shape, (Shape{B, 4, D}));
    for (const char* bad : {"K=0", "K=-1", "K=two", "K=", "K=1.5"}) e.attr = {bad}, refused(e, {bad, "whole number"});
    Evaluation huge = classic();
    huge.attr = {"K=1000000000000000"}, refused(huge, {"state_out", "memory"});
    huge.attr = {"K=4000000000000000000"}, refused(huge, {"state_out"});
    Evaluation no_slots = ring();
    no_slots.attr = {"K=2"}, refused(no_slots, {"no attribute 'K'"});
}

TEST(Eval, UntouchedBytesStay) {
    for (const char* backend : {"cpu", "reference"}) {
        Evaluation e = classic(backend);
        e.attr = {"K=5"};
        const size_t slot = D * 4;
        Npy zeros = output(evaluate(e), "state_out");  // T = 3 of K = 5: slots 0 and 1 are not written
        for (size_t i = 0; i < 2 * slot; ++i) ASSERT_EQ(zeros.data[i], std::byte{0}) << backend;
        Npy before{"<f4", {B, 5, D}, std::vector<std::byte>(size_t(B) * 5 * slot, std::byte{0xfb})};  // NaNs with a payload
        e.attr.clear(), e.input["state_out"] = before;
        const Npy after = output(evaluate(e), "state_out");
        for (size_t i = 0; i < 2 * slot; ++i) ASSERT_EQ(after.data[i], std::byte{0xfb}) << backend;
        EXPECT_EQ(std::memcmp(after.data.data() + 2 * slot, zeros.data.data() + 2 * slot, 3 * slot), 0);
    }
}

TEST(Eval, RowsPastTheLengthAreZero) {
    for (const char* backend : {"cpu", "reference"}) {
        Evaluation e = classic(backend);
        e.input["seq_len"] = list({1, 0});
        const std::vector<double> out = numbers(output(evaluate(e), "out"));
        for (size_t i = 0; i < out.size(); ++i) {
            if (i < size_t(H_v * S)) EXPECT_NE(out[i], 0);
            else EXPECT_EQ(out[i], 0);
        }
    }
}

TEST(Eval, Missing) {
    for (const char* name : {"q", "k", "v", "g", "beta", "state"}) {
        Evaluation e = classic();
        e.input.erase(name);
        refused(e, {std::string(name) + ": missing", std::string("--in ") + name});
    }
    Evaluation e = ring();
    e.input.erase("ring_d"), refused(e, {"ring_d: missing"});
}

TEST(Eval, WrongTypes) {
    const auto retyped = [](const char* name, const char* descr) {
        Evaluation e = classic();
        e.input["in_slot"] = list({0, 0});
        e.input[name].descr = descr;
        return e;
    };
    refused(retyped("q", "<f8"), {"q:", "expected float32 (<f4)", "got float64 (<f8)"});
    refused(retyped("g", "<f2"), {"g:", "expected float32 (<f4)", "got float16 (<f2)"});
    refused(retyped("state", "<i4"), {"state:", "expected float32", "got int32"});
    refused(retyped("in_slot", "<i8"), {"in_slot:", "expected int32 (<i4)", "got int64 (<i8)"});
    refused(retyped("in_slot", "<f4"), {"in_slot:", "expected int32", "got float32"});
    Evaluation mixed = classic();
    mixed.input["v"] = array({B, T, H_v, S}, -1, 1, Type::f16);
    refused(mixed, {"one type for all three", "f16"});
}

TEST(Eval, WrongShapes) {
    const auto reshaped = [](const char* name, const Shape& shape) {
        Evaluation e = classic();
        e.input[name] = array(shape, 0, 0.1);
        return e;
    };
    refused(reshaped("q", {T, H_k, S}), {"q:", "4 dimensions", "(3, 2, 16)"});
    refused(reshaped("q", {1, B, T, H_k, S}), {"q:", "4 dimensions", "(1, 2, 3, 2, 16)"});
    refused(reshaped("k", {B, T + 1, H_k, S}), {"k:", "expected [16, 2, 3", "got [16, 2, 4, 2]"});
    refused(reshaped("g", {B, T, H_v, 3}), {"g:", "got 3"});
    refused(reshaped("beta", {B, T, H_v, 2}), {"beta:"});
    refused(reshaped("v", {B, T, 3, S}), {"H_v = 3"});
    refused(reshaped("q", {B, T, 0, S}), {"q:", "no elements"});
    refused(reshaped("state", {B, D}), {"state:", "(2, 1024)", "(rows, slots, elements)"});
    refused(reshaped("state", {B, K, D + 1}), {"state:"});
    refused(reshaped("state", {1, K, D}), {"1 pool rows for 2 sequences"});
    refused(reshaped("state", {B, K, S, S, H_v}), {"state:", "(rows, slots, H_v, S_v, S_k) = (2, 2, 4, 16, 16)", "got (2, 2, 16, 16, 4)"});
    refused(reshaped("state", {B, K, H_v, S * S}), {"state:", "got (2, 2, 4, 256)"});
    Evaluation e = classic();
    e.input["in_slot"] = list({0, 0, 0}), refused(e, {"in_slot:", "[2", "got [3"});
    e.input["in_slot"] = {"<i4", {2, 1}, std::vector<std::byte>(8)}, refused(e, {"in_slot:", "1 dimensions", "(2, 1)"});
}

TEST(Eval, WrongWords) {
    Evaluation e = classic();
    e.input["sate"] = list({0}), refused(e, {"no argument 'sate'", "state_out"});
    e = classic(), e.attr = {"order"}, refused(e, {"--attr order", "name=value"});
    e.attr = {"order=backwards"}, refused(e, {"order", "trailing|recent_first"});
    e.attr = {"ordre=trailing"}, refused(e, {"no attribute 'ordre'", "order"});
    e.attr = {"scale=big"}, refused(e, {"scale", "a number"});
    e = classic(), e.op = "GATED_DELTA", refused(e, {"no op 'GATED_DELTA'", "GATED_DELTA_NET"});
    e = classic("abacus"), refused(e, {"abacus", "cpu"});
    e = classic("cpu:7"), refused(e, {"cpu:7"});
    e = classic(), e.impl = "cpu:none", refused(e, {"no implementation 'cpu:none'", "cpu:plain"});
    e = classic("reference"), e.impl = "cpu:plain", refused(e, {"reference has no implementation"});
}

TEST(Eval, WrongValues) {
    for (const char* backend : {"cpu", "reference"}) {
        for (const int32_t slot : {-1, int32_t(K)}) {
            Evaluation e = classic(backend);
            e.input["in_slot"] = list({0, slot}), refused(e, {"in_slot"});
        }
        Evaluation e = classic(backend);
        e.input["seq"] = list({0, 2}), refused(e, {"seq (expected"});
        e.input["seq"] = list({0, -1});
        EXPECT_NO_THROW(evaluate(e));
        e.input["seq_len"] = list({0, 0}), e.input["seq_len"] = list({T + 1, 0}), refused(e, {"seq_len"});
    }
}

TEST(Eval, ForcedImplementationRuns) {
    Evaluation e = classic();
    e.impl = "cpu:plain";
    EXPECT_EQ(evaluate(e).implementation, "cpu:plain");
    same_as_reference(e);
}

}  // namespace
}  // namespace rw::tools
