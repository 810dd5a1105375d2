// Rows of tensors [n, n1, n2, n3]. Needs block.glsl and load.glsl, and the fields n1, n2, n3 of the op.
//
//   row_count()                      rows of the call
//   ROW(x, r, s1, s2, s3)            where row r of a tensor of f32 begins, s1 .. s3 being its strides
//   ROW_TYPED(x, r, s1, s2, s3)      the same for the tensor that QKV_TYPE speaks of
#ifndef REWIND_ROWS_GLSL
#define REWIND_ROWS_GLSL

int row_count() { return p.n1 * p.n2 * p.n3; }

#define ROW(x, r, s1, s2, s3) \
    skip(skip(skip(start(RW_ARG_##x), (r) / (p.n1 * p.n2), s3), (r) / p.n1 % p.n2, s2), (r) % p.n1, s1)
#define ROW_TYPED(x, r, s1, s2, s3)                                                                               \
    skip_typed(skip_typed(skip_typed(start(RW_ARG_##x), (r) / (p.n1 * p.n2), s3), (r) / p.n1 % p.n2, s2), (r) % p.n1, \
               s1)

#endif
