/* The C interface from C: the ring form, a rollback, and what an error looks like. */
#include <rewind/rewind.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                        \
    do {                                                                   \
        if ((call) != RW_OK) {                                             \
            fprintf(stderr, "%s: %s\n", #call, rw_message());              \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

enum { S = 32, H = 2, T = 4, W = 16, N_BASE = 2 };

static rw_device* device;

static rw_arg floats(const char* name, int64_t a, int64_t b, int64_t c, float value) {
    rw_arg arg = {name, {sizeof(rw_tensor), RW_TYPE_F32, {a, b, c, 1}, {0, 0, 0, 0}, NULL, 0}};
    const size_t n = (size_t)(a * b * c);
    float* x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; ++i) x[i] = value * (float)(1 + i % 7);
    CHECK(rw_buffer_create(device, n * sizeof *x, &arg.tensor.buffer));
    CHECK(rw_buffer_write(arg.tensor.buffer, 0, x, n * sizeof *x));
    free(x);
    return arg;
}

int main(int argc, char** argv) {
    rw_context* context;
    rw_plan* plan;
    size_t step;
    CHECK(rw_context_create(&context));
    CHECK(rw_device_open(context, argc > 1 ? argv[1] : "cpu", &device));

    rw_arg args[] = {floats("q", S, H, T, .05f),        floats("k", S, H, T, .05f),
                     floats("v", S, H, T, .3f),         floats("g", 1, H, T, -.01f),
                     floats("beta", 1, H, T, .1f),      floats("out", S, H, T, 0),
                     floats("base", S * S * H, N_BASE, 1, 0), floats("ring_k", S, H, W * N_BASE, 0),
                     floats("ring_d", S, H, W * N_BASE, 0),   floats("ring_g", 1, H, W * N_BASE, 0),
                     {"pos", {sizeof(rw_tensor), RW_TYPE_I32, {1, 1, 1, 1}, {0, 0, 0, 0}, NULL, 0}}};
    const size_t n_args = sizeof args / sizeof *args;
    rw_buffer** pos = &args[n_args - 1].tensor.buffer;
    CHECK(rw_buffer_create(device, 4, pos));
    rw_call call = {sizeof call, "GATED_DELTA_NET_RING", args, n_args, NULL, 0, NULL};
    CHECK(rw_plan_create(device, &plan));
    CHECK(rw_plan_add(plan, &call, &step));

    /* Verify 4 tokens at position 0, then again at position 2 as if 2 had been rejected: the same rows, the same bits. */
    float first[S * H * T], again[S * H * T];
    int32_t at = 0;
    CHECK(rw_buffer_write(*pos, 0, &at, 4));
    CHECK(rw_plan_submit(plan));
    CHECK(rw_plan_wait(plan));
    CHECK(rw_buffer_read(args[5].tensor.buffer, 0, first, sizeof first));
    at = 2;
    CHECK(rw_buffer_write(*pos, 0, &at, 4));
    CHECK(rw_plan_submit(plan));
    CHECK(rw_plan_wait(plan));
    at = 0; /* roll everything back: one number */
    CHECK(rw_buffer_write(*pos, 0, &at, 4));
    CHECK(rw_plan_submit(plan));
    CHECK(rw_plan_wait(plan));
    CHECK(rw_buffer_read(args[5].tensor.buffer, 0, again, sizeof again));
    if (memcmp(first, again, sizeof first) != 0) return fprintf(stderr, "rollback changed the result\n"), 1;

    /* An error names the argument and changes nothing. */
    rw_call bad = call;
    args[2].tensor.ne[0] = 48;
    if (rw_plan_add(plan, &bad, NULL) == RW_OK) return fprintf(stderr, "a bad head size was taken\n"), 1;
    printf("%s\n%s on %s: ok\n", rw_message(), rw_version(), rw_plan_implementation(plan, step));

    rw_plan_destroy(plan);
    for (size_t i = 0; i < n_args; ++i) rw_buffer_destroy(args[i].tensor.buffer);
    rw_device_close(device);
    rw_context_destroy(context);
    return 0;
}
