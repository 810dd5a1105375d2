// Functions whose bits must not depend on the driver's library or on the kernel they are used in: exp and what gates
// are made of. Everything is `precise`, products that feed sums are explicit fmas.
#ifndef REWIND_MATH_GLSL
#define REWIND_MATH_GLSL

/* e^x to about 1 ulp: x = n ln 2 + r with |r| <= ln 2 / 2, Taylor to r^7 (the rest is below 2^-27), scaled by 2^n.
   0 below -87.3 (subnormal results are flushed), so also for -inf; inf above 88.7; NaN stays NaN. */
float exp_(float x) {
    precise float n = roundEven(x * 1.4426950408889634);
    // Exact: 9 significant bits times a small integer. No fma: nothing forbids a driver to make one of two on the same n,
    // and then the two parts of ln 2 are one that has lost the digits they were split for.
    precise float whole = n * 0.693359375;
    precise float r = x - whole;
    r = fma(n, 2.12194440054690583e-4, r);
    precise float e = 1.0 / 5040.0;
    e = fma(e, r, 1.0 / 720.0);
    e = fma(e, r, 1.0 / 120.0);
    e = fma(e, r, 1.0 / 24.0);
    e = fma(e, r, 1.0 / 6.0);
    e = fma(e, r, 0.5);
    e = fma(e, r, 1.0);
    e = fma(e, r, 1.0);
    // Two factors: 2^128 is not a float, but e * 2^127 * 2 may be.
    const int i = clamp(int(n), -126, 128), half_i = i / 2;
    precise float scaled = e * uintBitsToFloat(uint(half_i + 127) << 23);
    scaled = scaled * uintBitsToFloat(uint(i - half_i + 127) << 23);
    if (x < -87.3) return 0.0;
    if (x > 88.72284) return uintBitsToFloat(0x7f800000u);
    return scaled;
}

/* log(1 + e^x), accurate in the relative sense also where it is tiny. */
float softplus_(float x) {
    precise float e = exp_(-abs(x));
    // log(1 + e) = 2 artanh(y), y = e / (2 + e) <= 1/3
    precise float y = e / (2.0 + e);
    precise float z = y * y;
    precise float s = 1.0 / 17.0;
    s = fma(s, z, 1.0 / 15.0);
    s = fma(s, z, 1.0 / 13.0);
    s = fma(s, z, 1.0 / 11.0);
    s = fma(s, z, 1.0 / 9.0);
    s = fma(s, z, 1.0 / 7.0);
    s = fma(s, z, 1.0 / 5.0);
    s = fma(s, z, 1.0 / 3.0);
    s = fma(s, z, 1.0);
    precise float result = fma(2.0 * y, s, x > 0.0 ? x : 0.0);
    return result;
}

float sigmoid_(float x) {
    precise float result = 1.0 / (1.0 + exp_(-x));
    return result;
}

/* The factor that gives a row with this sum of squares length 1: 1 / max(|x|, eps). */
float unit_factor(float sum_of_squares, float eps) {
    precise float result = 1.0 / max(sqrt(sum_of_squares), eps);
    return result;
}

/* Sums with one fixed tree. */
float sum4(vec4 x) {
    precise float result = (x.x + x.y) + (x.z + x.w);
    return result;
}

#endif
