#include "opencl/program.h"

#include "core/version.h"
#include "opencl/binaries.h"

namespace rw::opencl {
namespace {

std::string build_log(cl_program program, cl_device_id device) {
    size_t bytes = 0;
    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &bytes);
    std::string log(bytes, '\0');
    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, bytes, log.data(), nullptr);
    log.resize(std::min(log.find('\0'), log.size()));
    return log;
}

std::string binary_of(cl_program program) {
    size_t bytes = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, nullptr) != CL_SUCCESS) return "";
    std::string binary(bytes, '\0');
    auto* data = reinterpret_cast<unsigned char*>(binary.data());
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof data, &data, nullptr) != CL_SUCCESS) return "";
    return binary;
}

ProgramHandle from_binary(const Context& context, const std::string& binary, const std::string& options) {
    const auto* data = reinterpret_cast<const unsigned char*>(binary.data());
    const size_t bytes = binary.size();
    cl_device_id device = context.device();
    cl_int loaded = CL_SUCCESS, status = CL_SUCCESS;
    ProgramHandle program(clCreateProgramWithBinary(context.get(), 1, &device, &bytes, &data, &loaded, &status));
    if (status != CL_SUCCESS || loaded != CL_SUCCESS ||
        clBuildProgram(program.get(), 1, &device, options.c_str(), nullptr, nullptr) != CL_SUCCESS)
        return {};
    return program;
}

std::string define(const core::Pass& pass, const char* name, const std::string& fallback) {
    for (const auto& [known, value] : pass.defines)
        if (known == name) return value;
    return fallback;
}

}  // namespace

ProgramSource::ProgramSource(const core::Pass& pass, const std::vector<std::pair<std::string, int64_t>>& specialisation)
    : text(core::with_includes(pass.source)),
      // -w: the shared headers hold more than a kernel uses. Subnormals are slow on CPUs, and zero is within every
      // tolerance. No flag that relaxes arithmetic: bits count.
      options("-w -cl-denorms-are-zero -cl-std=" + define(pass, "STD", "CL1.2")) {
    for (const auto& [name, value] : pass.defines)
        if (name != "KERNEL" && name != "STD") options += " -D" + name + "=" + value;
    for (const auto& [name, value] : specialisation) options += " -D" + name + "=" + std::to_string(value);
}

Program::Program(const Context& context, const ProgramSource& source, const std::string& file) {
    const core::DeviceInfo& info = context.info();
    const std::string key = std::string(core::version()) + "\n" + info.name + "\n" + info.driver + "\n" + source.options +
                            "\n" + source.text;
    if (const auto binary = load_binary(key)) program_ = from_binary(context, *binary, source.options);
    if (program_) return;

    const char* text = source.text.c_str();
    cl_int status = CL_SUCCESS;
    program_ = ProgramHandle(clCreateProgramWithSource(context.get(), 1, &text, nullptr, &status));
    context.check(status, "reading " + file);
    cl_device_id device = context.device();
    status = clBuildProgram(program_.get(), 1, &device, source.options.c_str(), nullptr, nullptr);
    if (status == CL_BUILD_PROGRAM_FAILURE)
        throw Error(Status::internal, info.id + ": compiling " + file + " with " + source.options + " failed:\n" +
                                          build_log(program_.get(), device));
    context.check(status, "compiling " + file);
    store_binary(key, binary_of(program_.get()));
}

KernelHandle Program::kernel(const Context& context, const std::string& name) const {
    cl_int status = CL_SUCCESS;
    KernelHandle kernel(clCreateKernel(program_.get(), name.c_str(), &status));
    context.check(status, "finding the kernel '" + name + "'");
    return kernel;
}

std::string kernel_name(const core::Pass& pass) {
    return define(pass, "KERNEL", pass.source.substr(0, pass.source.find('.')));
}

}  // namespace rw::opencl
