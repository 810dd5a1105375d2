// MUL_MAT for the rows of a prompt, by oneDNN's single-precision product. Equation and shapes: rewind/ops/mul_mat.h.
//
// A unit of work is a panel of kPanel rows of w and up to kMostRows of x. It goes through k in chunks: the panel's part is
// expanded to f32, with the values that the exact kernels use, and multiplied on the thread that the unit is on. An f32
// panel is multiplied where it lies.
//
// How a call is cut depends on its shapes alone, and oneDNN is given one thread, so neither the number of threads nor
// which of them takes a unit reaches the bits. How oneDNN cuts a product depends on its number of rows, so that does.
#include "cpu/mul_mat_onednn.h"

#include <algorithm>

#include "core/messages.h"
#include "cpu/parallel.h"
#include "cpu/read_row.h"
#include "rewind/ops/mul_mat.h"

#if REWIND_ONEDNN
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#if DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_OMP && DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_SEQ
#error "oneDNN has threads that it cannot be kept from starting; take one with OpenMP or without threads"
#endif
#endif

namespace rw::cpu {

#if REWIND_ONEDNN
namespace {

namespace arg = ops::mul_mat::arg;
using Params = ops::mul_mat::Params;

constexpr int64_t kFewestRows = 48;  // from which oneDNN is faster than the exact kernels
constexpr int64_t kPanel = 128;      // rows of w of a unit
constexpr int64_t kMostRows = 512;   // rows of x of a unit
constexpr int64_t kChunk = 512;      // elements of k that are expanded at once: whole blocks of every type

/// OpenMP teams that the current thread would make have one member.
class OneThread {
public:
    OneThread() : saved_(omp_get_max_threads()) { omp_set_num_threads(1); }
    ~OneThread() { omp_set_num_threads(saved_); }

private:
    int saved_;
};

std::string decline(const ops::Call& call) {
    const Tensor &w = call.arg[arg::w], &x = call.arg[arg::x];
    if (call.attr[ops::mul_mat::attr::path] == 0) return core::why::prefill_only;
    if (x.ne[1] < kFewestRows) return core::why::few_rows;
    const auto overlap = [&](const Tensor& t) { return t.ne[1] > 1 && t.stride(1) < t.steps(0); };
    return overlap(x) || overlap(w) ? core::why::rows_overlap : "";
}

/// Floats of one expanded part of a panel.
int64_t expanded_size(const Params& p) { return p.w_type == RW_F32 ? 0 : kPanel * std::min<int64_t>(p.K, kChunk); }

size_t scratch(const void* params) {
    return size_t(workers() * expanded_size(*static_cast<const Params*>(params))) * sizeof(float);
}

/// The panel of rows [n, n + panel) of w times the rows [r, r + rows) of x.
struct Unit {
    const Launch& launch;
    const Params& p;
    int64_t n, panel, r, rows;

    float* out() const { return launch.at<float>(arg::out) + r * p.o_1 + n; }

    /// Puts down what the products are added to.
    void begin() const {
        const float* add = launch.at<const float>(arg::add) + r * p.a_1 + n;
        for (int64_t i = 0; i < rows && add != out(); ++i) std::copy_n(add + i * p.a_1, panel, out() + i * p.o_1);
    }

    /// Adds the products of elements [k, k + count), or with `first` begins with them.
    dnnl_status_t product(const float* w, int64_t w_row, int64_t k, int64_t count, bool first) const {
        const float* x = launch.at<const float>(arg::x) + r * p.x_1 + k;
        return dnnl_sgemm('N', 'T', rows, panel, count, 1, x, std::max<int64_t>(p.x_1, p.K), w, w_row,
                          first ? 0 : 1, out(), std::max<int64_t>(p.o_1, p.N));
    }

    dnnl_status_t run(float* expanded) const {
        if (p.has_add) begin();
        const TypeInfo& type = info(Type(p.w_type));
        const std::byte* w = launch.at<const std::byte>(arg::w) + n * p.w_1 * int64_t(type.bytes);
        if (p.w_type == RW_F32)
            return product(reinterpret_cast<const float*>(w), std::max<int64_t>(p.w_1, p.K), 0, p.K, !p.has_add);
        static const ReadRow read = best_read_row();
        for (int64_t k = 0; k < p.K; k += kChunk) {
            const int64_t count = std::min<int64_t>(kChunk, p.K - k);
            for (int64_t i = 0; i < panel; ++i)
                read(w + (i * p.w_1 + k / type.block) * int64_t(type.bytes), p.w_type, expanded + i * count, count);
            if (const auto status = product(expanded, count, k, count, k == 0 && !p.has_add); status != dnnl_success)
                return status;
        }
        return dnnl_success;
    }
};

void run(const Launch& launch) {
    const Params& p = launch.as<Params>();
    const int64_t panels = (p.N + kPanel - 1) / kPanel, row_blocks = (p.R + kMostRows - 1) / kMostRows;
    std::atomic<int> failed{dnnl_success};
    for_units(
        panels * row_blocks,
        [&](int64_t unit, int64_t worker) {
            const OneThread one;
            const int64_t n = unit % panels * kPanel, r = unit / panels * kMostRows;
            const Unit part{launch, p, n, std::min<int64_t>(kPanel, p.N - n), r, std::min<int64_t>(kMostRows, p.R - r)};
            float* expanded = reinterpret_cast<float*>(launch.scratch) + worker * expanded_size(p);
            if (const auto status = part.run(expanded); status != dnnl_success) failed = status;
        },
        int64_t(p.K) * p.N * p.R);
    if (failed == dnnl_out_of_memory) throw Error(Status::out_of_memory, "cpu:onednn: oneDNN got no memory");
    if (failed != dnnl_success)
        throw Error(Status::internal, "cpu:onednn: oneDNN refused a product, status " + std::to_string(failed));
}

}  // namespace

Kernel onednn_mul_mat() { return {"cpu:onednn", decline, run, scratch}; }

#else

Kernel onednn_mul_mat() {
    return {"cpu:onednn", [](const ops::Call&) -> std::string { return core::why::no_onednn; }, [](const Launch&) {}};
}

#endif

}  // namespace rw::cpu
