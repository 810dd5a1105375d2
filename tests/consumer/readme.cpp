// The README's example: verify three drafted tokens, reject two, go on from the right state without a copy.
// BEGIN
#include <rewind/rewind.hpp>
#include <cstdio>

int main() {
    const int64_t S = 64, H = 4, T = 3, K = 3, D = S * S * H;
    rw::Context context;
    rw::Device device = context.open("cpu");
    auto token = [&](int64_t width, float x) { return device.upload(std::vector<float>(size_t(width * H * T), x)); };
    rw::Buffer q = token(S, .1f), k = token(S, .1f), v = token(S, 1), g = token(1, -.01f), beta = token(1, .5f);
    rw::Buffer out = device.allocate(S * H * T * 4), slot = device.upload(std::vector<int32_t>{0});
    rw::Buffer state = device.upload(std::vector<float>(size_t(D * K), 0));  // K slots, updated in place
    using enum rw::Type;
    rw::Plan plan = device.plan();
    plan.add("GATED_DELTA_NET", {rw::arg("q", f32, {S, H, T}, q), rw::arg("k", f32, {S, H, T}, k),
                                 rw::arg("v", f32, {S, H, T}, v), rw::arg("g", f32, {1, H, T}, g),
                                 rw::arg("beta", f32, {1, H, T}, beta), rw::arg("state", f32, {D, K}, state),
                                 rw::arg("in_slot", i32, {1}, slot), rw::arg("out", f32, {S, H, T}, out),
                                 rw::arg("state_out", f32, {D, K}, state)});
    plan.run();                            // slot t now holds the state after token t
    slot.write(std::vector<int32_t>{0});   // tokens 1 and 2 were rejected: the next call starts from slot 0
    plan.run();
    std::printf("%s: out[0] = %f\n", plan.implementation(0).c_str(), out.read<float>(1)[0]);
}
// END
