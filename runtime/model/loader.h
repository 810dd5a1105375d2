// Tensors from a model file to a device: whole, or some of their rows in another order.
#pragma once

#include <vector>

#include "runtime/model/weights.h"

namespace rw::model {

/// The type that kernels call a file's by; throws Error(unsupported) for one that no kernel takes.
Type device_type(const gguf::TensorInfo& tensor);

class Loader {
public:
    Loader(Memory& memory, const Progress& progress, uint64_t bytes) : memory_(memory), progress_(progress), total_(bytes) {}

    Tensor whole(const gguf::File& file, const gguf::TensorInfo& tensor);
    /// Rows `rows` of a matrix, in that order.
    Tensor rows(const gguf::File& file, const gguf::TensorInfo& tensor, const std::vector<int64_t>& rows);
    Tensor values(Extent ne, const std::vector<float>& values);
    /// Of what is left in the files nothing is needed.
    void finish() { advance(total_ - done_); }

private:
    void advance(uint64_t bytes);

    Memory& memory_;
    const Progress& progress_;
    uint64_t total_, done_ = 0;
};

}  // namespace rw::model
