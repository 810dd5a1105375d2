// Version of the library, and of everything cached on disk that depends on its kernels.
#pragma once

namespace rw::core {

/// "0.1.0+<hash of all kernel sources>": a changed kernel is a changed version.
const char* version();

}  // namespace rw::core
