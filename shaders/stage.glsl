// Token rows of one head in shared memory, a few tokens at a time, for kernels without subgroup operations. After
// stage(): normalised k and q, exp of the gates, beta and k.q of each token. Fixed trees: the bits of a token's values
// depend on that token alone. Needs gdn.glsl; every invocation of the work-group has to call stage().
#ifndef REWIND_STAGE_GLSL
#define REWIND_STAGE_GLSL

#define STAGE_LOCAL 64
const int STAGE_TOKENS = 4;
const int STAGE_PARTS = STAGE_LOCAL / STAGE_TOKENS;  // invocations that share the sums of one token

shared vec4 stage_k[STAGE_TOKENS][S_k / 4], stage_q[STAGE_TOKENS][S_k / 4];
shared vec4 stage_e[STAGE_TOKENS][CHANNEL != 0 ? S_k / 4 : 1];  // decay a channel
shared float stage_decay[STAGE_TOKENS];                         // decay of a scalar gate
shared float stage_beta[STAGE_TOKENS], stage_kq[STAGE_TOKENS];
shared vec3 stage_sums[STAGE_TOKENS][STAGE_PARTS];  // |k|^2, |q|^2, k.q

void stage(Sequence s, int b, int h, int first_token, int tokens) {
    const int local = int(gl_LocalInvocationIndex), x = local / STAGE_PARTS, part = local % STAGE_PARTS;
    const bool mine = x < tokens;
    const int t = first_token + x;
    barrier();  // the tokens before are done with
    precise vec3 sums = vec3(0.0);
    if (mine) {
        const Place kr = k_row(s, b, h, t), qr = q_row(s, b, h, t);
        [[dont_unroll]] for (int i = part; i < S_k / 4; i += STAGE_PARTS) {
            const uint at = 4u * uint(i);
            precise vec4 k = vec4(k_get(kr, at), k_get(kr, at + 1u), k_get(kr, at + 2u), k_get(kr, at + 3u));
            precise vec4 q = vec4(q_get(qr, at), q_get(qr, at + 1u), q_get(qr, at + 2u), q_get(qr, at + 3u));
            for (int j = 0; j < 4; ++j) sums = fma(vec3(k[j], q[j], k[j]), vec3(k[j], q[j], q[j]), sums);
            stage_k[x][i] = k, stage_q[x][i] = q;
            if (CHANNEL != 0)
                for (int j = 0; j < 4; ++j) stage_e[x][i][j] = exp_(log_decay(s, h, t, at + uint(j)));
        }
        stage_sums[x][part] = sums;
    }
    barrier();
    if (mine) {  // every part adds up the same numbers in the same order
        sums = vec3(0.0);
        [[dont_unroll]] for (int i = 0; i < STAGE_PARTS; ++i) sums = sums + stage_sums[x][i];
        const float kf = p.l2norm_eps > 0.0 ? unit_factor(sums.x, p.l2norm_eps) : 1.0;
        const float qf = p.l2norm_eps > 0.0 ? unit_factor(sums.y, p.l2norm_eps) : 1.0;
        if (p.l2norm_eps > 0.0)
            [[dont_unroll]] for (int i = part; i < S_k / 4; i += STAGE_PARTS) stage_k[x][i] *= kf, stage_q[x][i] *= qf;
        if (part == 0) {
            precise float kq = sums.z * kf * qf;
            stage_kq[x] = kq, stage_beta[x] = step_size(s, h, t);
            stage_decay[x] = CHANNEL != 0 ? 1.0 : exp_(log_decay(s, h, t, 0));
        }
    }
    barrier();
}

#endif
