// The largest of numbers that the invocations of a work-group hold, for TOP_K and MOE_ROUTE. Needs math.glsl and a
// work-group whose size is a power of two.
//
//   rank_of(x)         numbers in the order of unsigned integers, NaN as -infinity, -0 as 0; 0 is below all: NO_RANK
//   number_of(rank)    the number again
//   base_of(x)         what exponents are taken relative to, where x is the largest: 0 for -infinity
//   largest(a, b)      whichever comes first: that of the larger rank, or of two equal ones that of the lower id
//   group_largest(c)   the first of all invocations' choices         both: to be called by all of them
//   group_sum(x)       the sum of all, in a fixed tree
#ifndef REWIND_LARGEST_GLSL
#define REWIND_LARGEST_GLSL

struct Choice { uint rank; int id; };
const uint NO_RANK = 0u;

uint rank_of(float x) {
    uint bits = floatBitsToUint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) bits = 0xff800000u;
    if (bits == 0x80000000u) bits = 0u;
    return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}
float number_of(uint rank) { return uintBitsToFloat((rank & 0x80000000u) != 0u ? rank & 0x7fffffffu : ~rank); }
float base_of(float x) { return floatBitsToUint(x) == 0xff800000u ? 0.0 : x; }

bool comes_after(Choice a, Choice b) { return a.rank < b.rank || (a.rank == b.rank && a.id > b.id); }
Choice largest(Choice a, Choice b) {
    if (comes_after(a, b)) return b;
    return a;
}

shared Choice group_choice[gl_WorkGroupSize.x];
shared float group_part[gl_WorkGroupSize.x];

Choice group_largest(Choice mine) {
    const int me = int(gl_LocalInvocationIndex);
    barrier();
    group_choice[me] = mine;
    barrier();
    for (int half_ = int(gl_WorkGroupSize.x) / 2; half_ > 0; half_ /= 2) {
        if (me < half_) group_choice[me] = largest(group_choice[me], group_choice[me + half_]);
        barrier();
    }
    return group_choice[0];
}

float group_sum(float mine) {
    const int me = int(gl_LocalInvocationIndex);
    barrier();
    group_part[me] = mine;
    barrier();
    for (int half_ = int(gl_WorkGroupSize.x) / 2; half_ > 0; half_ /= 2) {
        precise float both = 0.0;
        if (me < half_) both = group_part[me] + group_part[me + half_];
        if (me < half_) group_part[me] = both;
        barrier();
    }
    return group_part[0];
}

#endif
