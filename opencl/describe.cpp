#include "opencl/describe.h"

#include <algorithm>

namespace rw::opencl {
namespace {

constexpr cl_int no_platform = -1001;  // CL_PLATFORM_NOT_FOUND_KHR: the loader found no driver

template <class T>
T fact(cl_device_id device, cl_device_info what) {
    T value{};
    clGetDeviceInfo(device, what, sizeof value, &value, nullptr);
    return value;
}

template <class Get, class Object, class What>
std::string text(Get get, Object object, What what) {
    size_t bytes = 0;
    if (get(object, what, 0, nullptr, &bytes) != CL_SUCCESS || bytes == 0) return "";
    std::string s(bytes, '\0');
    if (get(object, what, bytes, s.data(), nullptr) != CL_SUCCESS) return "";
    s.resize(s.find('\0') == s.npos ? bytes : s.find('\0'));
    const size_t from = s.find_first_not_of(' ');
    return from == s.npos ? "" : s.substr(from, s.find_last_not_of(' ') - from + 1);
}

std::string lower(std::string s) {
    std::transform(s.begin(), s.end(), s.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return s;
}

}  // namespace

std::vector<cl_device_id> list_devices(std::string& note) {
    cl_uint count = 0;
    const cl_int status = clGetPlatformIDs(0, nullptr, &count);
    if (status == no_platform || (status == CL_SUCCESS && count == 0)) {
        note = "no OpenCL driver is installed (a GPU's driver brings one; PoCL runs OpenCL on any CPU)";
        return {};
    }
    if (status != CL_SUCCESS) {
        note = "the OpenCL loader failed with status " + std::to_string(status);
        return {};
    }
    std::vector<cl_platform_id> platforms(count);
    clGetPlatformIDs(count, platforms.data(), nullptr);
    std::vector<cl_device_id> found;
    for (cl_platform_id platform : platforms) {
        cl_uint n = 0;
        if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &n) != CL_SUCCESS || n == 0) continue;
        std::vector<cl_device_id> devices(n);
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, devices.data(), nullptr);
        for (cl_device_id device : devices)
            if (fact<cl_bool>(device, CL_DEVICE_AVAILABLE) && fact<cl_bool>(device, CL_DEVICE_COMPILER_AVAILABLE))
                found.push_back(device);
    }
    if (found.empty())
        note = "an OpenCL driver is installed, but it has no device that is available and can compile kernels";
    return found;
}

core::DeviceInfo describe(cl_device_id device, const std::string& id) {
    const auto platform = fact<cl_platform_id>(device, CL_DEVICE_PLATFORM);
    const std::string platform_name = text(clGetPlatformInfo, platform, CL_PLATFORM_NAME);
    const std::string extensions = " " + text(clGetDeviceInfo, device, CL_DEVICE_EXTENSIONS) + " ";
    const std::string vendor = lower(text(clGetDeviceInfo, device, CL_DEVICE_VENDOR) + " " + platform_name);
    const auto has = [&](const std::string& extension) { return extensions.find(" " + extension + " ") != extensions.npos; };
    const auto from = [&](const char* name) { return vendor.find(name) != vendor.npos; };
    const auto type = fact<cl_device_type>(device, CL_DEVICE_TYPE);

    core::DeviceInfo info;
    info.id = id;
    info.name = text(clGetDeviceInfo, device, CL_DEVICE_NAME);
    info.driver = platform_name + " " + text(clGetDeviceInfo, device, CL_DRIVER_VERSION);
    info.memory = fact<cl_ulong>(device, CL_DEVICE_GLOBAL_MEM_SIZE);
    info.max_allocation = fact<cl_ulong>(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    const bool cpu = type & CL_DEVICE_TYPE_CPU;
    info.is_software = cpu || from("portable computing language") || from("llvmpipe");
    info.facts = {
        {"cpu", cpu},
        {"gpu", bool(type & CL_DEVICE_TYPE_GPU)},
        {"software", info.is_software},
        {"subgroups", has("cl_khr_subgroups")},
        {"shuffle", has("cl_khr_subgroup_shuffle")},
        {"f16", has("cl_khr_fp16")},
        {"int64", text(clGetDeviceInfo, device, CL_DEVICE_PROFILE) == "FULL_PROFILE" || has("cles_khr_int64")},
        {"local_bytes", int64_t(fact<cl_ulong>(device, CL_DEVICE_LOCAL_MEM_SIZE))},
        {"max_local", int64_t(fact<size_t>(device, CL_DEVICE_MAX_WORK_GROUP_SIZE))},
        {"units", int64_t(fact<cl_uint>(device, CL_DEVICE_MAX_COMPUTE_UNITS))},
        {"unified", fact<cl_bool>(device, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0},
        {"nvidia", from("nvidia")},
        {"amd", !cpu && (from("advanced micro devices") || from("amd"))},
        {"intel", !cpu && from("intel")},
        {"arm", from("arm ")},
        {"qualcomm", from("qualcomm")},
    };
    return info;
}

}  // namespace rw::opencl
