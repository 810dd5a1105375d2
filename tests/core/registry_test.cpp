// The registry against its own rows.
#include <gtest/gtest.h>

#include <set>

#include "core/device.h"
#include "reference/reference.h"
#include "rewind/ops/slots.h"
#include "tests/driver/inputs.h"

namespace rw::ops {
namespace {

TEST(Registry, RowsAreConsistent) {
    std::set<std::string> names;
    for (const Op& op : all()) {
        SCOPED_TRACE(op.name);
        EXPECT_EQ(&all()[size_t(op.id)], &op);
        EXPECT_TRUE(names.insert(op.name).second);
        EXPECT_LE(op.args.size(), size_t(RW_MAX_ARGS));
        EXPECT_EQ(op.params_size, 4 * op.fields.size());
        for (size_t i = 0; i < op.fields.size(); ++i) EXPECT_EQ(op.fields[i].offset, 4 * i);
        bool written = false;
        for (const ArgRow& a : op.args) {
            written = written || a.written();
            EXPECT_NE(a.types, 0u) << a.name;
            EXPECT_TRUE(a.rank >= 1 && a.rank <= 4) << a.name;
            EXPECT_TRUE(!a.over || op.arg_index(a.over) >= 0) << a.name;
        }
        EXPECT_TRUE(written);
        EXPECT_NE(op.selftest[0], nullptr);
    }
}

TEST(Registry, FindsByNameAndStem) {
    for (const Op& op : all()) {
        EXPECT_EQ(&find(op.name), &op);
        EXPECT_EQ(&find(op.stem), &op);
        for (size_t i = 0; i < op.args.size(); ++i) EXPECT_EQ(op.arg_index(op.args[i].name), int(i));
        EXPECT_EQ(op.arg_index("no_such"), -1);
        EXPECT_EQ(op.attr_index("no_such"), -1);
    }
    EXPECT_THROW(find("gated_delta"), Error);
}

TEST(Registry, AttributesRoundTrip) {
    for (const Op& op : all()) {
        Call call = make_call(op);
        for (size_t i = 0; i < op.attrs.size(); ++i) {
            const AttrRow& a = op.attrs[i];
            if (a.kind != AttrRow::choice) continue;
            std::string rest = a.choices;
            for (int c = 0; !rest.empty(); ++c) {
                const std::string word = rest.substr(0, rest.find('|'));
                set_attr(op, call, a.name, word);
                EXPECT_EQ(call.attr[i], c);
                EXPECT_EQ(attr_text(op, call, int(i)), word);
                rest.erase(0, std::min(rest.size(), word.size() + 1));
            }
        }
    }
}

/// Every line an op lists for the self-test is a valid call that its definition computes, with a cost and tolerances.
TEST(Registry, SelfTestLinesAreValid) {
    for (const Op& op : all())
        for (const char* const* line = op.selftest; *line; ++line) {
            SCOPED_TRACE(std::string(op.name) + ": " + *line);
            const Dims dims(*line);
            const test::Inputs in(op, op.example(dims), 1);
            EXPECT_NO_THROW(dims.all_read());
            EXPECT_NO_THROW(validate(op, in.shape()));
            const Cost cost = op.cost(in.shape());
            EXPECT_GT(cost.bytes, 0);
            EXPECT_GT(cost.flops, 0);
            const test::Expected want = test::expected(in);
            EXPECT_EQ(want.fault, 0u);
            for (size_t i = 0; i < op.args.size(); ++i) {
                if (!op.args[i].written() || !in.has(int(i))) continue;
                const double t = op.tolerance(in.shape(), int(i));
                EXPECT_TRUE(t >= 0 && t < 1e-3) << t;  // 0: a copy
            }
        }
}

TEST(Slots, KeptSlot) {
    EXPECT_EQ(kept_slot(4, 5, 1, RW_ORDER_TRAILING), 0);
    EXPECT_EQ(kept_slot(3, 5, 1, RW_ORDER_TRAILING), -1);
    EXPECT_EQ(kept_slot(0, 2, 4, RW_ORDER_TRAILING), 2);  // T < K: the first slots are not touched
    EXPECT_EQ(kept_slot(1, 2, 4, RW_ORDER_TRAILING), 3);
    EXPECT_EQ(kept_slot(1, 2, 4, RW_ORDER_RECENT_FIRST), 0);
    EXPECT_EQ(kept_slot(0, 2, 4, RW_ORDER_RECENT_FIRST), 1);
    EXPECT_EQ(kept_slot(0, 6, 4, RW_ORDER_RECENT_FIRST), -1);
}

}  // namespace
}  // namespace rw::ops
