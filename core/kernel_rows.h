// GPU implementations as data: shaders/<op>.kernels, one block an implementation, best first. This is all that a GPU
// backend knows about an op, so that it needs no code per op.
//
//   [vulkan:lanes]                              name; the part before the colon is the backend
//   far                                         also as vulkan:lanes_far, built with FAR=1: tensors are reached by
//                                               address, for calls with one that is larger than a binding can show
//   wide  q k state                             arguments that are fetched 16 bytes at a time (absent: all)
//   need  subgroup >= 8 ? needs subgroups of 8  condition ? reason given when it does not hold
//   tune  COLS 4 : 1 2 4 8                      constant with a default expression, and the values worth trying
//   constant S_K S_k                            specialisation constant (Vulkan) or macro (OpenCL) := expression; at
//                                               first use, one that no kernel of the row has is an error, as with tunes
//   scratch carry 4 * S_k * S_v * H_v * B       device memory in bytes, bound after the op's own arguments
//   pass  gated_delta_net.comp SHUFFLE=1        a kernel: source file and compile-time defines; the lines below it,
//   local 64                                    up to the next pass, are its work-group size (1 to 3 expressions)
//   grid  H_v, B, S_v / COLS                    and its work-groups (1 to 3 expressions)
//   split 256                                   most tokens of one dispatch; the pass is dispatched once for each piece
//                                               [t0, t1) of 0..T in order (absent: all at once)
//   when  n > 0                                 the pass is skipped when this does not hold
//   gemm  R, N, K                               a pass too: the backend's library (core/product.h) sets or, where
//   adds  has_add                               `adds` holds, increases c[i, j] by the sum over k of a[i, k] b[j, k],
//   a     x, x_1                                i < R, j < N, k < K, in f32. A matrix is an argument or scratch of the
//   b     w, K, 0                               row, the elements between its rows, and the element that it begins at
//   c     out, o_1                              (absent: the first). A fourth number of the gemm is the most of k that
//                                               is summed up at once. when goes with a gemm, a kernel's lines do not
//   pieces N, 4096                              of a row with a gemm: all its passes are run for each piece [t0, t1) of
//                                               0..N, at most that long, in order; t0 and t1 are names in their lines
//   last  cpu                                   where this holds, of the device's facts alone, the row comes after all
//                                               others: it runs when it is asked for by name
//
// Expressions (core/expr.h) know the fields of the op's parameter struct, the tunes and constants above them, the
// device's facts (core/device.h), `aligned16`: offsets and strides of the wide arguments are multiples of 16 bytes, and
// `far`: some argument does not fit one binding. Alignment may change how a kernel fetches, never which kernel runs:
// it differs from call to call of one sequence, and two kernels need not have the same bits.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>

#include "core/device.h"
#include "core/expr.h"

namespace rw::core {

/// A matrix product by a library, as expressions.
struct Gemm {
    struct Matrix {
        std::string name;    // of an argument, or of scratch
        Expr stride, start;  // elements; start may be empty
    };
    Expr m, n, k;
    Expr most, adds;  // may be empty
    Matrix a, b, c;
};

struct Pass {
    std::string source;                                       // file in shaders/; empty, of a gemm
    std::vector<std::pair<std::string, std::string>> defines;
    std::string key;                                          // "file.comp A=1 B=2", names the compiled module
    std::vector<Expr> local, grid;                            // 1 to 3
    Expr split, when;                                         // may be empty
    std::optional<Gemm> gemm;                                 // instead of a kernel
};

struct KernelRow {
    struct Need {
        Expr condition;
        std::string reason;
    };
    struct Tune {
        std::string name;
        Expr fallback;
        std::vector<int64_t> candidates;
    };
    std::string name;  // "vulkan:lanes"
    bool far = false;
    std::vector<std::string> wide;
    std::vector<Need> needs;
    std::vector<Tune> tunes;
    std::vector<std::pair<std::string, Expr>> constants;
    std::vector<std::pair<std::string, Expr>> scratch;
    std::vector<Pass> passes;
    Expr pieces_of, piece;  // empty but where a gemm is cut
    Expr last;              // may be empty
    bool has_gemm() const;
};

/// Parses a .kernels text; throws Error with file and line.
std::vector<KernelRow> parse_kernel_rows(const std::string& text, const std::string& file);

/// The rows of an op for one backend ("vulkan"), from the embedded file, or from REWIND_KERNEL_DIR when set.
const std::vector<KernelRow>& kernel_rows(const ops::Op& op, std::string_view backend);
/// The same in the order in which a device with these facts tries them.
std::vector<const KernelRow*> kernel_rows(const ops::Op& op, std::string_view backend,
                                          const std::map<std::string, int64_t>& facts);

/// The text of an embedded kernel source or header by file name ("slots.glsl", "rewind/ops/slots.h"), or of the file
/// with that name in REWIND_KERNEL_DIR when there is one. Throws not_found, and io when the variable names no folder.
std::string kernel_source(const std::string& file);
/// True when REWIND_KERNEL_DIR holds the file: then what was compiled at build time does not count.
bool kernel_overridden(const std::string& file);
/// The source with every #include "x" replaced by x, each file once, and #line where a compiler would lose count.
std::string with_includes(const std::string& file);

/// True when the kernel that a pass compiles takes a constant of that name.
using Takes = std::function<bool(const Pass& pass, const std::string& name)>;
/// Throws Error(invalid_argument), naming row and constant, for a tune or constant that no kernel of the row takes: a
/// misspelt name would leave a kernel at its own default, and nobody would know.
void check_constants(const ops::Op& op, const KernelRow& row, const Takes& takes);
/// True when the text has the name as a word outside comments.
bool has_word(const std::string& text, const std::string& name);

struct Piece {
    int64_t t0, t1;
};

/// The names an expression of a row may use, for one call on one device.
class Scope {
public:
    /// `tuned`: values for tunes instead of their defaults.
    Scope(const ops::Op& op, const ops::Call& call, const std::map<std::string, int64_t>& facts, const KernelRow& row,
          const std::map<std::string, int64_t>& tuned = {});
    int64_t operator()(const std::string& name) const;
    int64_t operator()(const Expr& e) const;
    /// Tunes and constants, in row order: what the kernel is specialised with.
    const std::vector<std::pair<std::string, int64_t>>& specialisation() const { return specialisation_; }
    const std::vector<std::byte>& params() const { return params_; }
    /// The most tokens of a sequence, T; 0 for an op without tokens.
    int64_t tokens() const;
    /// From now on t0 and t1 are names too.
    void enter(const Piece& piece) { piece_ = piece; }

private:
    const ops::Op& op_;
    const std::map<std::string, int64_t>& facts_;
    std::vector<std::byte> params_;
    std::vector<std::pair<std::string, int64_t>> specialisation_;
    bool aligned16_, far_;
    std::optional<Piece> piece_;
};

/// What a row's passes are run for, one after the other. Of a row that is not cut: all tokens, once.
std::vector<Piece> pieces(const KernelRow& row, const Scope& scope);

/// The first need of the row that does not hold for the call, or empty.
std::string decline(const ops::Op& op, const ops::Call& call, const std::map<std::string, int64_t>& facts,
                    const KernelRow& row);

/// Where the pieces of the row's scratch begin, at multiples of `align`, and last where they end.
std::vector<uint64_t> scratch_places(const KernelRow& row, const Scope& scope, uint64_t align);

/// REWIND_TUNE ("vulkan:lanes.COLS=8,...") for one row. Throws Error(invalid_argument) for what no row knows.
std::map<std::string, int64_t> tuned_values(const std::string& row_name);

}  // namespace rw::core
