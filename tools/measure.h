// Measuring one call on one device: the check against the definition that comes first, the time, the peak it is
// compared with. Shared by the demo, `rewind ops bench` and the benches; nothing here decides a test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/plan.h"
#include "core/sample.h"

namespace rw::tools {

/// A case line of an op, e.g. {GATED_DELTA_NET, "S=128 T=4 K=4"}.
struct Job {
    const ops::Op* op;
    std::string words;
    ops::Example example() const;  // throws on words that nobody knows
};

/// What the definition says about a job's outputs. Device-independent: computed once, compared with every device.
struct Truth {
    std::vector<std::vector<double>> value;
    std::vector<std::vector<uint8_t>> written;
};
Truth truth(const Job& job);
/// Flops of the definition above which computing it takes longer than anyone wants to wait.
inline constexpr double truth_limit = 4e9;

/// Runs the job once; the largest NMSE of its outputs over the elements that the op has to write.
double error_of(core::Device& device, const Job& job, const std::string& implementation, const Truth& truth);

struct Effort {
    bool cold = false;       // rotate over copies of all buffers that together exceed any cache
    double seconds = 0.3;    // measure at least this long
    int least = 5, most = 2000;
};

struct Timing {
    double median = 0, min = 0;  // seconds on the device's clock
    double wall = 0;             // median from submit to the end of wait
    int runs = 0;
};

/// A job ready to run again and again: one plan, or with `cold` one for each copy of the buffers.
class Bench {
public:
    Bench(core::Device& device, const Job& job, const std::string& implementation, bool cold);
    ~Bench();
    const std::string& implementation() const;
    ops::Cost cost() const;
    int copies() const;
    /// Runs the next copy; device seconds.
    double run();
    Timing measure(const Effort& effort);

private:
    struct Copy;
    std::unique_ptr<core::Sample> sample_;
    std::vector<std::unique_ptr<Copy>> copies_;
    size_t next_ = 0;
};

/// Bytes a second, read and written counted, of the best of several large copies within the device's memory.
double copy_peak(core::Device& device);

}  // namespace rw::tools
