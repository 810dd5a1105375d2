// Eight neighbouring lanes of a subgroup work on one state column: lane l holds its vec4s l, l + 8, ... . Reductions
// are butterflies with one fixed tree (xor 4, 2, 1), so that bits depend on nothing but the values.
#ifndef REWIND_LANES_GLSL
#define REWIND_LANES_GLSL

#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

const int LANES = 8;

int lane_invocation() { return int(gl_SubgroupID * gl_SubgroupSize + gl_SubgroupInvocationID); }

/* The sum over the eight lanes, in all of them. */
float lanes_sum(float x) {
    precise float s = x;
    s = s + subgroupShuffleXor(s, 4);
    s = s + subgroupShuffleXor(s, 2);
    s = s + subgroupShuffleXor(s, 1);
    return s;
}

/* Eight sums over the eight lanes, one left in each lane: lane l gets that of low[l] for l < 4, of high[l - 4] above. */
float lanes_transposed_sum(int lane, vec4 low, vec4 high) {
    const bool up4 = (lane & 4) != 0, up2 = (lane & 2) != 0, up1 = (lane & 1) != 0;
    precise vec4 four = (up4 ? high : low) + subgroupShuffleXor(up4 ? low : high, 4);
    precise vec2 two = (up2 ? four.zw : four.xy) + subgroupShuffleXor(up2 ? four.xy : four.zw, 2);
    precise float one = (up1 ? two.y : two.x) + subgroupShuffleXor(up1 ? two.x : two.y, 1);
    return one;
}

/* The values that lanes 0 .. 3 of the cluster hold. */
vec4 lanes_gather(float x) {
    const uint base = gl_SubgroupInvocationID & ~7u;
    return vec4(subgroupShuffle(x, base), subgroupShuffle(x, base + 1u), subgroupShuffle(x, base + 2u),
                subgroupShuffle(x, base + 3u));
}

#endif
