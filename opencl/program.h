// One compiled kernel source. How sources, defines and kernel names relate is written in shaders/rw.clh.
#pragma once

#include "core/kernel_rows.h"
#include "opencl/context.h"

namespace rw::opencl {

/// The text that a pass compiles and its options: the pass's defines and the row's specialisation as -D.
struct ProgramSource {
    std::string text, options;
    ProgramSource(const core::Pass& pass, const std::vector<std::pair<std::string, int64_t>>& specialisation);
};

class Program {
public:
    /// Compiles, or takes the binary of an earlier process. Throws Error with the compiler's log.
    Program(const Context& context, const ProgramSource& source, const std::string& file);
    /// A kernel object of its own: arguments are set on it by one thread.
    KernelHandle kernel(const Context& context, const std::string& name) const;

private:
    ProgramHandle program_;
};

/// The kernel a pass runs: its define KERNEL, else the stem of its file.
std::string kernel_name(const core::Pass& pass);

}  // namespace rw::opencl
